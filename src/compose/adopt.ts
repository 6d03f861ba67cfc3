// What gather, wait and their kin take: tasks as they are, anything else as a new task.

import { isOperation, kindOf } from '../kernel/begin.ts';
import { createTask } from '../kernel/create-task.ts';
import { ArgumentTypeError } from '../kernel/errors.ts';
import type { Operation } from '../kernel/operation.ts';
import { Task } from '../kernel/task.ts';

export type Operations<T> = readonly Operation<T>[] | ReadonlySet<Operation<T>>;

/** One task for each operation; the same operation twice is one task. */
export function adoptAll<T>(operations: Operations<T>, caller: string): Task<T>[] {
  // Not just any iterable: an operation is one as well.
  if (!Array.isArray(operations) && !(operations instanceof Set)) {
    throw new ArgumentTypeError(`${caller} takes an array of operations: ${caller.slice(0, -1)}[a, b])`);
  }
  const all: Operation<T>[] = [...operations];
  for (const each of all) check(each, caller); // before the first is started
  const tasks = new Map<Operation<T>, Task<T>>();
  for (const each of all) if (!tasks.has(each)) tasks.set(each, adopt(each));
  return all.map((each) => tasks.get(each) as Task<T>);
}

export function adopt<T>(operation: Operation<T>): Task<T> {
  return operation instanceof Task ? operation : createTask(operation);
}

function check(operation: unknown, caller: string): void {
  if (isOperation(operation)) return;
  const hint = typeof operation === 'function' ? ': call the function, as in worker()' : '';
  throw new ArgumentTypeError(`${caller} takes operations, and one of these is ${kindOf(operation)}${hint}`);
}
