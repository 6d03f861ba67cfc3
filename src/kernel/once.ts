// An operation that is a coroutine of ours, and so can be awaited once. Awaiting it a second time would take over what the
// first one waits on, or find it ended: it is refused before the coroutine has noticed.

import { InvalidStateError } from './errors.ts';
import type { Coroutine, Operation, Park } from './operation.ts';

export class Once<T> implements Operation<T> {
  readonly #caller: string;
  #body: Coroutine<T> | null;

  /** `caller` is the public function that made it. */
  constructor(body: Coroutine<T>, caller: string) {
    this.#body = body;
    this.#caller = caller;
  }

  [Symbol.iterator](): Iterator<Park, T, void> {
    const body = this.#body;
    if (body === null) throw awaitedAgain(this.#caller);
    this.#body = null;
    return body;
  }
}

/** What such an operation says when it is awaited once more. */
export function awaitedAgain(caller: string): InvalidStateError {
  return new InvalidStateError(
    `what ${caller} gave is awaited a second time: call it again for that, or make it a task with createTask(), which ` +
      'any number can await',
  );
}
