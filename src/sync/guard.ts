// What an acquire gives: it lets go of what is held, once.

import { begin, checkBody } from '../kernel/begin.ts';
import { Once } from '../kernel/once.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';

export interface Guard extends Disposable {
  /** Lets go. A second call does nothing. Never suspends. */
  release(): void;
}

/** Holds while `body` runs. */
export function holding<T>(acquire: Operation<Guard>, body: () => Operation<T>, caller: string): Operation<T> {
  checkBody(body, caller);
  return new Once(perform(acquire, body, caller), caller);
}

function* perform<T>(acquire: Operation<Guard>, body: () => Operation<T>, caller: string): Coroutine<T> {
  const guard = yield* acquire;
  try {
    const iterator = begin(body(), caller);
    return yield* { [Symbol.iterator]: () => iterator };
  } finally {
    guard.release();
  }
}
