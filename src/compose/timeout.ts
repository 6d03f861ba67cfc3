// Three ways to say how long something may take. (asyncio: timeout, wait_for; trio: move_on_after)

import { deadlineAfter } from '../kernel/deadline.ts';
import type { TimeoutError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import { made, taken } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { CancelScope, type ScopeBody } from '../kernel/scope.ts';
import { ScopeRun } from '../kernel/scope-run.ts';
import { Task } from '../kernel/task.ts';
import { endAll } from './end.ts';

function scopeOf(ms: number | null, caller: string): CancelScope {
  return new CancelScope({ deadline: deadlineAfter(currentKernel(caller), ms, caller) });
}

function raise(late: TimeoutError | null): never {
  throw late;
}

/**
 * Runs `body` and gives its result; when it has not ended after `ms` milliseconds it is cancelled, and after its clean-up
 * TimeoutError is thrown. A body that ends late without having suspended gives its result all the same; 0 expires at the
 * first suspension; null and Infinity never. Suspends as the body does. The body gets the CancelScope, whose deadline it
 * may move. (asyncio: timeout)
 * @throws TimeoutError, with what the body waited on; or what the body throws. RangeError for NaN.
 * @example
 * const page = yield* timeout(500, function* () {
 *   using socket = yield* connect({ port: 80 });
 *   return yield* fetchPage(socket);
 * });
 */
export function timeout<T>(ms: number | null, body: ScopeBody<T>): Operation<T> {
  return made(new ScopeRun<T, never>(scopeOf(ms, 'timeout()'), body, raise), 'timeout()');
}

/**
 * As timeout(), around one operation: a read, an acquire, a task. A task is cancelled and awaited when it is late, or
 * when the waiting is cancelled; shield() it to let it go on. (asyncio: wait_for)
 * @example
 * const item = yield* waitFor(queue.get(), 100);
 */
export function waitFor<T>(operation: Operation<T>, ms: number | null): Operation<T> {
  taken(operation);
  const body = operation instanceof Task ? () => attend(operation as Task<T>) : () => operation;
  return made(new ScopeRun<T, never>(scopeOf(ms, 'waitFor()'), body, raise), 'waitFor()');
}

function* attend<T>(task: Task<T>): Coroutine<T> {
  try {
    return yield* task;
  } finally {
    if (!task.done) {
      yield* endAll(new Set([task as Task<unknown>]), 'waitFor() has ended');
      if (task.state === 'failed') task.result(); // throws what its clean-up threw
    }
  }
}

/**
 * As timeout(), but gives undefined when it is late. (trio: move_on_after)
 * @example
 * const answer = (yield* moveOnAfter(50, () => ask(peer))) ?? 'no answer';
 */
export function moveOnAfter<T>(ms: number | null, body: ScopeBody<T>): Operation<T | undefined> {
  return made(new ScopeRun<T, undefined>(scopeOf(ms, 'moveOnAfter()'), body, () => undefined), 'moveOnAfter()');
}
