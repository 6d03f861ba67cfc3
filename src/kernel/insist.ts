// A wait that no cancel ends, for the `finally` of what must not leave before it: a Condition takes its lock again, a task
// group waits for its children. (trio: a shielded scope)

import type { Operation, Park } from './operation.ts';
import { giveWay } from './park.ts';

/**
 * Waits for `operation` however often the task is cancelled meanwhile. The cancel is not lost: it takes effect when the
 * coroutine that waits here has ended.
 */
export class Insist<T> implements Operation<T>, Iterator<Park, T, void> {
  /** Whether a cancel came while it waited. */
  interrupted = false;
  readonly #wait: Iterator<Park, T, void>;
  #result: IteratorResult<Park, T> | null = null;

  constructor(operation: Operation<T>) {
    this.#wait = operation[Symbol.iterator]();
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, T> {
    return this.#result ?? this.#wait.next();
  }

  // Must not finish here: the coroutine would take that for its own return. So it ends one step later.
  return(): IteratorResult<Park, T> {
    this.interrupted = true;
    const result = this.#result ?? this.#wait.next();
    if (!result.done) return result;
    this.#result = result;
    return giveWay(this);
  }

  toString(): string {
    return String(this.#wait);
  }
}
