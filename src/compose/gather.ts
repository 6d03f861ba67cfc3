// gather: several operations at once, their results in order.

import { ArgumentTypeError } from '../kernel/errors.ts';
import { refuseSelf } from '../kernel/join.ts';
import { made } from '../kernel/made.ts';
import { Once } from '../kernel/once.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import { adoptAll } from './adopt.ts';
import { endAll } from './end.ts';
import { Watch } from './watch.ts';

export interface GatherOptions {
  /** Gives errors (a CancelledError for a cancelled task) in place of results, and throws none. Default false. */
  returnExceptions?: boolean;
  /** What happens to the others when one has failed: 'cancel' ends them and waits for it, 'leave' lets them run. */
  onFailure?: 'cancel' | 'leave';
}

/** What each of the operations gives. */
export type Results<T extends readonly Operation<unknown>[]> = {
  -readonly [K in keyof T]: T[K] extends Operation<infer R> ? R : never;
};

/**
 * Runs operations side by side, each as a task, and gives their results in the order of the arguments. Tasks are taken
 * as they are; the same one twice runs once. Nothing starts before the yield*. When one fails its error is thrown, and the others are cancelled and
 * awaited first (asyncio leaves them running: `onFailure: 'leave'`). Cancelled itself, it cancels all of them. Suspends
 * until all have ended. (asyncio: gather)
 * @throws the first error; CancelledError if one of them was cancelled. What the others throw while they are cancelled
 * is reported as unhandled.
 * @example
 * const [user, orders] = yield* gather([fetchUser(id), fetchOrders(id)]);
 */
export function gather<const T extends readonly Operation<unknown>[]>(
  operations: T,
  options?: GatherOptions & { returnExceptions?: false },
): Operation<Results<T>>;
/** With `returnExceptions` each result may be an error instead. */
export function gather<const T extends readonly Operation<unknown>[]>(
  operations: T,
  options: GatherOptions,
): Operation<{ -readonly [K in keyof Results<T>]: Results<T>[K] | Error }>;
export function gather(operations: readonly Operation<unknown>[], options: GatherOptions = {}): Operation<unknown[]> {
  return made(new Once(gathering(operations, options), 'gather()'), 'gather()');
}

function* gathering(operations: readonly Operation<unknown>[], options: GatherOptions): Coroutine<unknown[]> {
  const { returnExceptions = false, onFailure = 'cancel' } = options;
  if (onFailure !== 'cancel' && onFailure !== 'leave') {
    throw new ArgumentTypeError(`gather() takes onFailure: 'cancel' or 'leave', not '${String(onFailure)}'`);
  }
  const tasks = adoptAll(operations, 'gather()');
  const distinct = new Set<Task<unknown>>(tasks);
  distinct.forEach(refuseSelf);
  let failed: Task<unknown> | null = null;
  const watch = new Watch(distinct, (task) => {
    if (returnExceptions || task.state === 'returned') return false;
    if (failed === null && !task.cancelled) task.exception(); // it will be thrown, so it is not unhandled meanwhile
    failed ??= task;
    return true;
  });
  let left = false;
  try {
    yield* watch;
    left = failed === null || onFailure === 'leave';
  } finally {
    if (!left) yield* endAll(distinct, 'gather() has ended');
  }
  (failed as Task<unknown> | null)?.result();
  return tasks.map((task) => (returnExceptions ? outcome(task) : task.result()));
}

function outcome(task: Task<unknown>): unknown {
  try {
    return task.result();
  } catch (error) {
    return error;
  }
}
