// createTask: the only way in for coroutines, and the place where what is not one is refused.

import { isOperation, kindOf } from './begin.ts';
import { ArgumentTypeError, InvalidStateError } from './errors.ts';
import { currentKernel, here } from './here.ts';
import { taken } from './made.ts';
import type { Coroutine, Main, Operation } from './operation.ts';
import { cancelBy, checkSignal } from './signal-listener.ts';
import { Task } from './task.ts';

export interface TaskOptions {
  /** For people; Task-1, Task-2, ... by default. */
  name?: string;
  /** When it is aborted, the task is cancelled, with the signal's reason. (Under run() nobody outside can abort it.) */
  signal?: AbortSignal;
}

/**
 * Starts a coroutine as a task of its own: it takes its first step in the coming turn. Never suspends. When main ends,
 * the tasks that are left are cancelled. A failure that nobody has asked for by the end of the turn after it is reported
 * as unhandled: await the task before, or put it in a taskGroup(). (asyncio: create_task)
 * @param main a generator function without parameters, the generator a call gave, or any other operation:
 * `createTask(worker)`, `createTask(echo(socket))`, `createTask(queue.get())`.
 * @throws TypeError (ERR_COREACTOR_ARGUMENT) for anything else, InvalidStateError for a generator that another task
 * has, and outside a running loop.
 * @example
 * const task = createTask(() => fetchAll(urls), { name: 'fetcher' });
 * const pages = yield* task;
 */
export function createTask<T>(main: Main<T>, options?: TaskOptions): Task<T> {
  const kernel = here.kernel;
  if (kernel === null) {
    closeBody(main);
    return currentKernel('createTask()') as never;
  }
  try {
    checkSignal(options?.signal, 'createTask()');
  } catch (error) {
    closeBody(main);
    throw error;
  }
  const task = kernel.spawn(claim(main, 'createTask()'), options?.name);
  if (options?.signal !== undefined) cancelBy(task as Task<unknown>, options.signal);
  return task;
}

/** @internal A generator that will never run is closed, as nobody else can. */
export function closeBody(main: Main<unknown> | undefined): void {
  // Not one that a task has: that would end under its feet.
  if (isGenerator(main) && Object.isExtensible(main)) main.return(undefined as never);
}

/** @internal The generator of `main`, marked as taken. */
export function claim<T>(main: Main<T>, caller: string): Coroutine<T> {
  const given: unknown = typeof main === 'function' ? main() : main;
  const body = isGenerator(given) ? taken(given as Coroutine<T>) : perform(taken(checked<T>(given, caller)));
  // Not being extensible is the mark: it costs no memory, which a WeakSet or a property would.
  if (!Object.isExtensible(body)) {
    throw new InvalidStateError(
      `${caller} was given a generator that has been a task already: call its function again for a new one`,
    );
  }
  return Object.preventExtensions(body);
}

function checked<T>(given: unknown, caller: string): Operation<T> {
  if (given instanceof Task) throw new ArgumentTypeError(`${caller} was given ${given.name}, which is a task already`);
  if (isOperation(given)) return given as Operation<T>;
  throw new ArgumentTypeError(
    `${caller} takes a generator function (function*), its generator or an operation, not ${kindOf(given)}`,
  );
}

/** @internal As claim(), before the loop runs: a function that makes an operation is called in the first step. */
export function claimMain<T>(main: Main<T>, caller: string): Coroutine<T> {
  // The call of a function* runs nothing of it, so it needs no loop, nor a frame more under each of main's steps.
  if (typeof main !== 'function' || main instanceof GeneratorFunction) return claim(main, caller);
  return claim(inLoop(main, caller), caller);
}

const GeneratorFunction = Object.getPrototypeOf(function* () {}).constructor;

function* inLoop<T>(main: () => Operation<T>, caller: string): Coroutine<T> {
  return yield* claim(main, caller);
}

function* perform<T>(operation: Operation<T>): Coroutine<T> {
  return yield* operation;
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
