// The way in for promises: a coroutine waits for one. Only under runPromise(), where they settle.

import { ArgumentTypeError, InvalidStateError } from '../kernel/errors.ts';
import { currentKernel, here } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import { type Coroutine, DONE, type Operation, type Park } from '../kernel/operation.ts';
import { giveWay, park, spend } from '../kernel/park.ts';
import { reasonToEnd } from '../kernel/scope.ts';
import type { Task } from '../kernel/task.ts';
import { runtimeHost } from './host.ts';

/** How many passes of the host an error may wait for who awaits it: a task begins in the next, and may be in others. */
const GRACE = 10;

/**
 * Suspends until the promise (or what has a then()) is settled, and gives its value or throws its error. Cancelled, it
 * lets go: the promise goes on, and what it becomes is nobody's. Given a function, it calls that for the promise, with an
 * AbortSignal that is aborted by a cancel, with its reason. Any number of tasks may await what it gives: they share the
 * promise, but a function is called for each. An error that nobody awaits is an unhandled rejection, the runtime's to
 * report. (trio: aio_as_trio; effection: until)
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
  if (typeof promise === 'function') {
    return made({ [Symbol.iterator]: () => abortable(promise) }, 'fromPromise()');
  }
  const settling = settlingOf(checked(promise));
  return made({ [Symbol.iterator]: () => settling[Symbol.iterator]() }, 'fromPromise()');
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
    if (!settled) aborter.abort(reasonToEnd(here.task));
  }
}

/**
 * One for each promise: it keeps all that its then() was ever given, so a loop that awaits a long-lived one with a timeout
 * would grow with each round.
 */
const settlings = new WeakMap<object, Settling<unknown>>();

function settlingOf<T>(promise: PromiseLike<T>): Settling<T> {
  // A thenable of others may begin anew with each then().
  if (!(promise instanceof Promise) || promise.constructor !== Promise) return new Settling(promise);
  let found = settlings.get(promise) as Settling<T> | undefined;
  if (found === undefined) {
    found = new Settling(promise);
    settlings.set(promise, found);
  }
  return found;
}

/** What a promise becomes, for those who await it. */
class Settling<T> implements Operation<T> {
  readonly tasks = new Set<Task<unknown>>();
  outcome: { value: T } | { error: unknown } | null = null;
  /** Whether somebody has asked for the outcome. */
  awaited = false;

  constructor(promise: PromiseLike<T>) {
    // From now on, since the task that is to await it may not have begun. A thenable of others may settle twice, or throw:
    // resolve() makes a promise of it, and leaves a promise as it is.
    Promise.resolve(promise).then(
      (value) => this.settle({ value }),
      (error) => {
        this.settle({ error });
        this.expect(error, GRACE);
      },
    );
  }

  [Symbol.iterator](): Iterator<Park, T, void> {
    return new Settlement(this);
  }

  /** What those who await it wait on. */
  toString(): string {
    return 'a promise';
  }

  private settle(outcome: { value: T } | { error: unknown }): void {
    this.outcome = outcome;
    for (const task of this.tasks) task.wake();
  }

  private expect(error: unknown, passes: number): void {
    if (this.awaited) return;
    if (passes === 0) void Promise.reject(error);
    else runtimeHost.soon(() => this.expect(error, passes - 1));
  }
}

/** One wait for it. */
class Settlement<T> implements Iterator<Park, T, void> {
  readonly #settling: Settling<T>;
  #task: Task<unknown> | null = null;

  constructor(settling: Settling<T>) {
    this.#settling = settling;
  }

  next(): IteratorResult<Park, T> {
    const settling = this.#settling;
    const { outcome, tasks } = settling;
    settling.awaited = true;
    // Who was woken takes what there is: giving way, it could still be cancelled.
    if (outcome !== null && this.#task === null && spend()) return giveWay(settling);
    if (outcome === null) {
      this.#task = here.task as Task<unknown>;
      tasks.add(this.#task);
      return park(settling);
    }
    this.leave();
    if ('error' in outcome) throw outcome.error;
    return { done: true, value: outcome.value };
  }

  return(): IteratorResult<Park, T> {
    this.leave();
    return DONE as never;
  }

  private leave(): void {
    if (this.#task !== null) this.#settling.tasks.delete(this.#task);
  }
}
