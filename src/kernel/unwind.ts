// Cancelling a stack of coroutines, from the innermost outwards.
//
// generator.return() does nearly all of it: through every yield* it reaches the innermost operation, and `finally`
// blocks run on the way back. One thing it does not do: when the finally block of an inner coroutine suspends, the yield*
// around it forgets that it was returning. Resumed with next(), it would take the end of the clean-up for an ordinary
// result, and the outer coroutine would go on as if nobody had cancelled it.
//
// So a task that unwinds is resumed with return() as well, and the one coroutine whose clean-up is suspended takes that
// as next(): it goes on cleaning up, and whoever awaits it still returns when it is done. To know which one that is, and
// to answer in its place, return() of all generators goes through here once the first task is cancelled. For every
// generator that no task is unwinding it does what it always did. (With frozen intrinsics it cannot be put there, and
// cancelling throws a TypeError.)

import type { Coroutine, Park } from './operation.ts';

/** How far the unwinding of one task has come. */
export interface Unwinding {
  /** The coroutine whose clean-up is suspended. */
  cleaning: unknown;
  /** Whether it is known: those around it only pass on what it yields. */
  known: boolean;
}

/** The one that is at work in this moment. */
let current: Unwinding | null = null;
let installed = false;

/**
 * Goes on unwinding `body`: begins if nothing is cleaning up, else continues that clean-up. The result is not
 * done if a clean-up suspends (again).
 */
export function unwind<T>(body: Coroutine<T>, unwinding: Unwinding): IteratorResult<Park, T> {
  if (!installed) install();
  const outer = current;
  current = unwinding;
  unwinding.known = false;
  try {
    return body.return(undefined as T);
  } finally {
    current = outer;
  }
}

function install(): void {
  installed = true;
  const prototype: Coroutine<unknown> = Object.getPrototypeOf(Object.getPrototypeOf((function* () {})()));
  const { next, return: close } = prototype;
  Object.defineProperty(prototype, 'return', {
    configurable: true,
    writable: true,
    value: function (this: Coroutine<unknown>, value: unknown): IteratorResult<Park, unknown> {
      const unwinding = current;
      if (unwinding === null) return close.call(this, value);
      const resuming = unwinding.cleaning === this;
      if (resuming) unwinding.cleaning = null;
      const result = resuming ? next.call(this) : close.call(this, value);
      if (!result.done && !unwinding.known) {
        unwinding.known = true;
        unwinding.cleaning = this;
      }
      return result;
    },
  });
}
