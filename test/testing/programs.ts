// What the tests of the kit share: the ends of tasks without their errors, one operation as a program, and what a failing
// run says.

import type { Coroutine, Operation } from '../../src/kernel/operation.ts';
import type { Task } from '../../src/kernel/task.ts';

/** Waits until all have ended. A cancel is no error here; a failure is. */
export function* ended(...tasks: Task<unknown>[]): Coroutine<void> {
  for (const task of tasks) {
    try {
      yield* task;
    } catch (error) {
      if (!task.cancelled) throw error;
    }
  }
}

/** One operation as a coroutine, to make a task of. */
export function* only<T>(operation: Operation<T>): Coroutine<T> {
  return yield* operation;
}

/** The replay that the error of a failed run gives, as the options it stands for. */
export function replayOf(error: Error): { replay?: string; seed?: number; maxRuns?: number } {
  const { replay, seed } =
    /\{ replay: '(?<replay>[^']*)' \}|\{ seed: (?<seed>\d+), maxRuns: 1 \}/.exec(error.message)?.groups ?? {};
  if (replay !== undefined) return { replay };
  if (seed !== undefined) return { seed: Number(seed), maxRuns: 1 };
  throw new Error(`no replay in: ${error.message}`);
}
