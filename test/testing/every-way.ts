// Runs a program through both tools of the kit: its victim cancelled everywhere, and cancelled at a set time in every
// order of the tasks.

import { createTask } from '../../src/kernel/create-task.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { cancelEverywhere, type Victim } from '../../src/testing/cancel-everywhere.ts';
import { explore } from '../../src/testing/explore.ts';

/** Starts the one that may be cancelled with `victim`, and checks by itself that nothing is lost. */
export type Program = (victim: Victim) => Coroutine<unknown>;

/** When the victim is cancelled, in milliseconds; twice interrupts its clean-up. */
const CANCELS = [[], [0], [1], [2], [1, 1], [1, 2]];

export function everyWay(program: Program, maxRuns = 400): { cancels: number; orders: number } {
  const cancels = cancelEverywhere(program, { twice: true });
  let orders = 0;
  for (const times of CANCELS) {
    try {
      orders += explore(() => withCancels(program, times), { maxRuns }).runs;
    } catch (error) {
      throw new Error(`cancelled at [${times}] ms: ${(error as Error).message}`, { cause: error });
    }
  }
  return { cancels, orders };
}

function* withCancels(program: Program, times: readonly number[]): Coroutine<void> {
  const cancellers: Task<unknown>[] = [];
  yield* program((main, options) => {
    const task = createTask(main, options);
    for (const ms of times) {
      cancellers.push(
        createTask(function* () {
          yield* sleep(ms);
          task.cancel();
        }),
      );
    }
    return task;
  });
  for (const canceller of cancellers) yield* canceller;
}

/** Work with a clean-up that takes its time, and a count of who is at it. */
export class Work {
  /** How many have begun and not cleaned up. */
  busy = 0;
  done: unknown[] = [];

  *do<T>(result: T, ms: number): Coroutine<T> {
    this.busy++;
    try {
      yield* sleep(ms);
      this.done.push(result);
      return result;
    } finally {
      try {
        yield* sleep(1);
      } finally {
        this.busy--;
      }
    }
  }

  *fail(message: string, ms: number): Coroutine<never> {
    yield* this.do(message, ms);
    throw new Error(message);
  }
}
