// Three ways to say how long something may take. (asyncio: timeout, wait_for; trio: move_on_after)

import { isOperation, kindOf } from '../kernel/begin.ts';
import { deadlineAfter } from '../kernel/deadline.ts';
import { ArgumentTypeError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import { refuseSelf } from '../kernel/join.ts';
import { made, taken } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { CancelScope, type ScopeBody } from '../kernel/scope.ts';
import { type Instead, ScopeRun } from '../kernel/scope-run.ts';
import { Task } from '../kernel/task.ts';
import { endAll } from './end.ts';

function scopeOf(ms: number | null, caller: string): CancelScope {
  return new CancelScope({ deadline: deadlineAfter(currentKernel(caller), ms, caller) });
}

/** Throws TimeoutError with the limit, unless that was moved. */
function raise(ms: number | null, scope: CancelScope): Instead<never> {
  const { deadline } = scope;
  return (lateness) => {
    throw lateness(scope.deadline === deadline ? `in ${ms} ms` : 'in time');
  };
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
  const scope = scopeOf(ms, 'timeout()');
  return made(new ScopeRun<T, never>('timeout()', scope, body, raise(ms, scope)), 'timeout()');
}

/**
 * As timeout(), around one operation: a read, an acquire, a task. A task is cancelled and awaited when it is late, or
 * when the waiting is cancelled; shield() it to let it go on. (asyncio: wait_for)
 * @example
 * const item = yield* waitFor(queue.get(), 100);
 */
export function waitFor<T>(operation: Operation<T>, ms: number | null): Operation<T> {
  if (!isOperation(operation)) {
    throw new ArgumentTypeError(
      `waitFor() takes an operation, not ${kindOf(operation)}: call the function, waitFor(worker(), ms)`,
    );
  }
  taken(operation);
  const scope = scopeOf(ms, 'waitFor()');
  const late = raise(ms, scope);
  if (!(operation instanceof Task)) {
    return made(new ScopeRun<T, never>('waitFor()', scope, () => operation, late), 'waitFor()');
  }
  const task = operation as Task<T>;
  // One that was woken before it was cancelled has a result all the same: nobody else would fetch it.
  const instead: Instead<T> = (lateness) => (task.state === 'returned' ? task.result() : late(lateness));
  return made(new ScopeRun<T, T>('waitFor()', scope, () => attend(task), instead), 'waitFor()');
}

function* attend<T>(task: Task<T>): Coroutine<T> {
  refuseSelf(task as Task<unknown>);
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
  const scope = scopeOf(ms, 'moveOnAfter()');
  return made(new ScopeRun<T, undefined>('moveOnAfter()', scope, body, () => undefined), 'moveOnAfter()');
}
