// createTask: the only way in for coroutines, and the place where what is not one is refused.

import { ArgumentTypeError, InvalidStateError } from './errors.ts';
import { currentKernel, here } from './here.ts';
import type { Coroutine, Main } from './operation.ts';
import type { Task } from './task.ts';

/**
 * Starts a coroutine as a task of its own: it takes its first step in the coming turn. Never suspends.
 * (asyncio: create_task)
 * @param main a generator function without parameters, or the generator a call gave: `createTask(echo(socket))`.
 * @throws TypeError (ERR_COREACTOR_ARGUMENT) for anything else, InvalidStateError for a generator that another task
 * has, and outside a running loop.
 * @example
 * const task = createTask(() => fetchAll(urls), { name: 'fetcher' });
 * const pages = yield* task;
 */
export function createTask<T>(main: Main<T>, options?: { name?: string }): Task<T> {
  const kernel = here.kernel;
  if (kernel === null) {
    if (isGenerator(main) && Object.isExtensible(main)) main.return(undefined as never);
    return currentKernel('createTask()') as never;
  }
  return kernel.spawn(claim(main, 'createTask()'), options?.name);
}

/** @internal The generator of `main`, marked as taken. */
export function claim<T>(main: Main<T>, caller: string): Coroutine<T> {
  const body = typeof main === 'function' ? main() : main;
  if (!isGenerator(body)) {
    const what = typeof (body as { then?: unknown } | null)?.then === 'function' ? 'a promise' : `${typeof body}`;
    throw new ArgumentTypeError(`${caller} takes a generator function (function*) or its generator, not ${what}`);
  }
  // Not being extensible is the mark: it costs no memory, which a WeakSet or a property would.
  if (!Object.isExtensible(body)) {
    throw new InvalidStateError(
      `${caller} was given a generator that has been a task already: call its function again for a new one`,
    );
  }
  Object.preventExtensions(body);
  return body;
}

/** @internal */
export function isGenerator(value: unknown): value is Coroutine<never> {
  const it = value as Partial<Coroutine<unknown>> | null | undefined;
  // An async generator has the three methods too; only a plain one is its own iterator.
  return (
    typeof it?.next === 'function' &&
    typeof it.return === 'function' &&
    typeof it.throw === 'function' &&
    typeof it[Symbol.iterator] === 'function'
  );
}
