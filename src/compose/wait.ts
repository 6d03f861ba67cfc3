// wait: looks on until one, or all, of several tasks have ended.

import { isGenerator } from '../kernel/create-task.ts';
import { ArgumentTypeError } from '../kernel/errors.ts';
import { refuseSelf } from '../kernel/join.ts';
import { made } from '../kernel/made.ts';
import { Once } from '../kernel/once.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { Task } from '../kernel/task.ts';
import { moveOnAfter } from './timeout.ts';
import { Watch } from './watch.ts';

export const FIRST_COMPLETED = 'FIRST_COMPLETED';
export const FIRST_EXCEPTION = 'FIRST_EXCEPTION';
export const ALL_COMPLETED = 'ALL_COMPLETED';

const ENOUGH = {
  [FIRST_COMPLETED]: () => true,
  [FIRST_EXCEPTION]: (task: Task<unknown>) => task.state === 'failed',
  [ALL_COMPLETED]: () => false,
};

export interface WaitOptions {
  /** In milliseconds; default: no limit. When it has passed, wait() gives what there is. */
  timeout?: number | null;
  /** FIRST_COMPLETED, FIRST_EXCEPTION (all, unless one fails) or ALL_COMPLETED, the default. */
  returnWhen?: keyof typeof ENOUGH;
}

/** Of the tasks that wait() was given. */
export interface Waited<T extends Task<unknown>> {
  done: Set<T>;
  pending: Set<T>;
}

/**
 * Suspends until tasks have ended and gives the set of those and the set of the others. It never cancels any, and never
 * throws what they threw: ask each for its result(). (asyncio: wait)
 * @throws TypeError for no tasks at all, or anything but tasks: start them with createTask().
 * @example
 * const { done, pending } = yield* wait(tasks, { timeout: 100, returnWhen: FIRST_COMPLETED });
 */
export function wait<T extends Task<unknown>>(tasks: Iterable<T>, options: WaitOptions = {}): Operation<Waited<T>> {
  return made(new Once(waiting(tasks, options), 'wait()'), 'wait()');
}

function* waiting<T extends Task<unknown>>(tasks: Iterable<T>, options: WaitOptions): Coroutine<Waited<T>> {
  const { timeout = null, returnWhen = ALL_COMPLETED } = options;
  if (!Object.hasOwn(ENOUGH, returnWhen)) {
    throw new ArgumentTypeError(
      `wait() takes returnWhen: ${Object.keys(ENOUGH).join(', ')}, not ${String(returnWhen)}`,
    );
  }
  // A task is iterable as well, and would give its parks for ever.
  const several = !isGenerator(tasks) && !(tasks instanceof Task) && typeof tasks?.[Symbol.iterator] === 'function';
  if (!several) throw new ArgumentTypeError('wait() takes an iterable of tasks: wait([task])');
  const all = new Set(tasks);
  if (all.size === 0) throw new ArgumentTypeError('wait() was given no task, and would have nothing to wait for');
  for (const task of all) {
    if (!(task instanceof Task)) throw new ArgumentTypeError('wait() takes tasks: start each with createTask() first');
  }
  all.forEach(refuseSelf);
  const watch = new Watch(all, ENOUGH[returnWhen]);
  yield* timeout === null ? watch : moveOnAfter(timeout, () => watch);
  const done = new Set<T>();
  const pending = new Set<T>();
  for (const task of all) (task.done ? done : pending).add(task);
  return { done, pending };
}
