// The body that a scope, a group or a lock was given, begun: or a message that says what it should have been.

import { ArgumentTypeError } from './errors.ts';
import type { Operation, Park } from './operation.ts';

/** Whether it can be awaited with `yield*` and is not just any iterable. */
export function isOperation(value: unknown): value is Operation<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    typeof (value as Partial<Operation<unknown>>)[Symbol.iterator] === 'function'
  );
}

/** Refuses what is no function; `caller` is the public function that was given it. */
export function checkBody(body: unknown, caller: string): void {
  if (typeof body === 'function') return;
  const hint = isOperation(body)
    ? 'give the function itself, not what its call gave: worker, or () => worker(x)'
    : 'write function* () { ... }';
  throw new ArgumentTypeError(`${caller} takes a function* as its body, not ${kindOf(body)}: ${hint}`);
}

/** What the body gave when it was called, as an iterator. */
export function begin<T>(operation: Operation<T>, caller: string): Iterator<Park, T, void> {
  if (isOperation(operation)) return operation[Symbol.iterator]();
  throw new ArgumentTypeError(
    `the body of ${caller} gave ${kindOf(operation)}: write it as function* () { ... }, or let it return an operation`,
  );
}

const PROMISE =
  'function* and yield* take the place of async and await; what others promise is awaited before run(), or within ' +
  'runPromise() by yield* fromPromise(promise)';

/** 'a promise', 'null', 'an array', 'a number', ... */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof (value as { then?: unknown }).then === 'function') return `a promise (${PROMISE})`;
  if (typeof value === 'object') {
    if (Symbol.asyncIterator in value) return 'an async generator';
    return isOperation(value) ? 'an operation' : 'an object';
  }
  return `a ${typeof value}`;
}
