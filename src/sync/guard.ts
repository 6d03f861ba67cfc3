// What an acquire gives: it lets go of what is held, once.

import type { Coroutine, Operation } from '../kernel/operation.ts';

export interface Guard extends Disposable {
  /** Lets go. A second call does nothing. Never suspends. */
  release(): void;
}

/** Holds while `body` runs. */
export function* holding<T>(acquire: Operation<Guard>, body: () => Operation<T>): Coroutine<T> {
  const guard = yield* acquire;
  try {
    return yield* body();
  } finally {
    guard.release();
  }
}
