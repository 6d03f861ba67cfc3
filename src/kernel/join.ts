// `yield* task`: waits for the end of another task and takes its outcome.

import { InvalidStateError } from './errors.ts';
import { here } from './here.ts';
import { DONE, PARK, type Park } from './operation.ts';
import { giveWay, spend } from './park.ts';
import type { Task, Waiter } from './task.ts';

/** Throws if `target` is the task that is about to wait for it. */
export function refuseSelf(target: Task<unknown>): void {
  if (target !== here.task) return;
  throw new InvalidStateError(`${target.name} awaits itself, which would never end: await another task`);
}

export class Join<T> implements Iterator<Park, T, void>, Waiter {
  readonly #target: Task<T>;
  #waiting: Task<unknown> | null = null;

  constructor(target: Task<T>) {
    this.#target = target;
  }

  next(): IteratorResult<Park, T> {
    const target = this.#target;
    if (target.done) {
      if (spend()) return giveWay(target);
      return { done: true, value: target.result() };
    }
    const task = here.task as Task<unknown>;
    if (this.#waiting === null) {
      refuseSelf(target as Task<unknown>);
      this.#waiting = task;
      target.addWaiter(this);
    }
    task.waitingOn = target;
    return PARK;
  }

  return(): IteratorResult<Park, T> {
    this.#target.removeWaiter(this);
    return DONE as IteratorReturnResult<never>;
  }

  taskDone(): void {
    this.#waiting?.wake();
  }
}
