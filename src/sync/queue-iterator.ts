// A queue as asynchronous functions see it: they are no task, and stand in the same line as the tasks that get. By hand,
// since an async generator ends only after what it waits for, and gives what an item that is a promise becomes.

import { QueueShutDownError } from '../kernel/errors.ts';
import { DONE } from '../kernel/operation.ts';
import { type Source, Wait } from './wait.ts';

export class QueueIterator<T> implements AsyncIterableIterator<T> {
  readonly #getters: Source<T>;
  /** Those that have no item yet, or have not taken it. */
  readonly #waits = new Set<Wait<T>>();
  #left = false;

  constructor(getters: Source<T>) {
    this.#getters = getters;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Calls side by side have their items in the order of the calls. Who gives one up calls return(). */
  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#left) return DONE;
    const wait = new Wait(this.#getters);
    this.#waits.add(wait);
    try {
      await wait.settled();
      return wait.outcome();
    } catch (error) {
      if (error instanceof QueueShutDownError) return DONE;
      throw error;
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** Leaves the line at once: each next() that waits ends, and an item that it has not taken is the next one again. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#left = true;
    // The last first: then their items come to lie in order, and none is handed to another wait of ours.
    for (const wait of [...this.#waits].reverse()) wait.leave();
    return DONE;
  }
}
