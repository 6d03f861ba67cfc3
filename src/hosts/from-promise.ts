// The way in for promises: a coroutine waits for one. Only under runPromise(), where they settle.

import { ArgumentTypeError, InvalidStateError } from '../kernel/errors.ts';
import { currentKernel, here } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import { type Coroutine, DONE, type Operation, type Park } from '../kernel/operation.ts';
import { park } from '../kernel/park.ts';
import type { Task } from '../kernel/task.ts';

/**
 * Suspends until the promise (or what has a then()) is settled, and gives its value or throws its error. Cancelled, it
 * lets go: the promise goes on, and what it becomes is nobody's. Given a function, it calls that for the promise, with an
 * AbortSignal that is aborted by a cancel. (trio: aio_as_trio; effection: until)
 * @throws InvalidStateError under run(), where no promise settles; TypeError for what is no promise.
 * @example
 * const response = yield* fromPromise((signal) => fetch(url, { signal }));
 * const text = yield* fromPromise(response.text());
 */
export function fromPromise<T>(promise: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T>)): Operation<T> {
  const kernel = currentKernel('fromPromise()');
  if (!kernel.guest) {
    throw new InvalidStateError(
      'fromPromise() was called under run(), which owns the thread, so that no promise settles: use runPromise()',
    );
  }
  return made(typeof promise === 'function' ? abortable(promise) : new Settling(checked(promise)), 'fromPromise()');
}

function checked<T>(promise: PromiseLike<T>): PromiseLike<T> {
  if (typeof promise?.then === 'function') return promise;
  throw new ArgumentTypeError(
    `fromPromise() takes a promise, or a function that gives one, not ${promise === null ? 'null' : typeof promise}`,
  );
}

function* abortable<T>(begin: (signal: AbortSignal) => PromiseLike<T>): Coroutine<T> {
  const aborter = new AbortController();
  const settling = new Settling(checked(begin(aborter.signal)));
  let settled = false;
  try {
    const value = yield* settling;
    settled = true;
    return value;
  } catch (error) {
    settled = true;
    throw error;
  } finally {
    if (!settled) aborter.abort();
  }
}

class Settling<T> implements Operation<T>, Iterator<Park, T, void> {
  readonly #promise: PromiseLike<T>;
  #task: Task<unknown> | null = null;
  #settled: { value: T } | { error: unknown } | null = null;

  constructor(promise: PromiseLike<T>) {
    this.#promise = promise;
    // From now on, so that an error is not reported as one that nobody has handled. A thenable of others may settle twice,
    // or throw: resolve() makes a promise of it, and leaves a promise as it is.
    Promise.resolve(promise).then(
      (value) => this.settle({ value }),
      (error) => this.settle({ error }),
    );
  }

  [Symbol.iterator](): Iterator<Park, T, void> {
    return this;
  }

  next(): IteratorResult<Park, T> {
    const settled = this.#settled;
    if (settled !== null) {
      if ('error' in settled) throw settled.error;
      return { done: true, value: settled.value };
    }
    this.#task = here.task;
    return park(this.#promise);
  }

  return(): IteratorResult<Park, T> {
    this.#task = null;
    return DONE as never;
  }

  private settle(outcome: { value: T } | { error: unknown }): void {
    this.#settled = outcome;
    this.#task?.wake();
  }
}
