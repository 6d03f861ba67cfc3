// An error that takes the place of a cancel: it is thrown first, and the cancel is due again at the next suspension.

import { here } from './here.ts';
import { DONE, type Operation, PARK, type Park } from './operation.ts';
import type { Task } from './task.ts';

/** Awaited in the `finally` block that a return() has come to, before the error is thrown there. */
export class Postpone implements Operation<void>, Iterator<Park, void, void> {
  readonly #error: unknown;
  #begun = false;

  /** An awaiter finds `error` as the cause of the CancelledError, in case nobody catches it before. */
  constructor(error: unknown) {
    this.#error = error;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, void> {
    const task = here.task as Task<unknown>;
    if (this.#begun) {
      task.settle(false, true);
      return DONE;
    }
    // One step on, outside of return(): there, an error that is caught would end all coroutines around it.
    this.#begun = true;
    const cancellation = task.kernel.cancellation(task);
    cancellation.absorb();
    cancellation.postponed = this.#error;
    if (cancellation.cause !== null) cancellation.cause = { ...cancellation.cause, error: this.#error };
    task.settle(false, false);
    task.waitingOn = this;
    task.comeBack();
    return PARK;
  }

  return(): IteratorResult<Park, void> {
    return DONE;
  }

  toString(): string {
    return 'the end of a task group';
  }
}
