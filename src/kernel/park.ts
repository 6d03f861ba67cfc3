// park and wake: the two calls every operation is made of, ours and yours.

import { ArgumentTypeError, InvalidStateError } from './errors.ts';
import { here } from './here.ts';
import { PARK, type Park } from './operation.ts';
import type { Task } from './task.ts';

/**
 * What an operation's `next()` returns when it cannot go on. Register `currentTask()` where somebody will find and
 * wake() it, then `return park(resource)`; after the wake `next()` is called again. Cancelling calls the iterator's
 * `return()` instead: take the registration back there. (An operation that drives a coroutine by itself passes every
 * `return()` on to it: it comes again after each wake while clean-up runs.)
 *
 * @param resource what is waited on, shown by formatTasks() and in a DeadlockError: any object, best with what Resource names.
 * @throws InvalidStateError outside a task.
 * @example
 * class Gate {
 *   #open = false;
 *   #waiting = new Set();
 *   open() {
 *     this.#open = true;
 *     for (const task of this.#waiting) wake(task);
 *   }
 *   wait() {
 *     const task = currentTask();
 *     const next = () => {
 *       if (this.#open) return { done: true, value: undefined };
 *       this.#waiting.add(task);
 *       return park(this);
 *     };
 *     const leave = (value) => {
 *       this.#waiting.delete(task);
 *       return { done: true, value };
 *     };
 *     return { [Symbol.iterator]: () => ({ next, return: leave }) };
 *   }
 * }
 */
export function park(resource: unknown): IteratorYieldResult<Park> {
  if (here.task === null) {
    throw new InvalidStateError("park() was called outside a task: call it in an operation's next()");
  }
  here.task.waitingOn = resource;
  return PARK;
}

/**
 * Makes a parked task ready: its operation's next() is called in the coming turn. Waking a task that is ready or runs
 * is remembered once; a wake for nothing does no harm. Call it on the loop's thread only.
 *
 * @returns false if the wake comes too late: the task is finished, or its cancel was decided first. Whoever hands
 * something over (an item, a lock) must then give it to somebody else.
 */
export function wake(task: Task<unknown>): boolean {
  if (typeof (task as { wake?: unknown } | null | undefined)?.wake !== 'function') {
    throw new ArgumentTypeError('wake() takes a Task, such as currentTask() gave before');
  }
  return task.wake();
}

/**
 * Counts one operation that completes at once. True when the step has done enough of them: then give way, or a task
 * whose operations are always ready would keep all others from running (the idea of tokio's coop budget).
 * @example
 * next() {
 *   if (spend()) return giveWay(this);
 *   ...
 * }
 */
export function spend(): boolean {
  return --here.budget < 0;
}

/** To be returned from next(): the step ends here, and next() is called again after all that is ready or pending. */
export function giveWay(resource: unknown): IteratorYieldResult<Park> {
  const result = park(resource);
  (here.task as Task<unknown>).giveWay();
  return result;
}
