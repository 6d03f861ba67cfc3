// asCompleted: results in the order in which they come.

import { deadlineAfter } from '../kernel/deadline.ts';
import { currentKernel } from '../kernel/here.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { now } from '../kernel/sleep.ts';
import type { Task, Waiter } from '../kernel/task.ts';
import { Queue } from '../sync/queue.ts';
import { adoptAll } from './adopt.ts';
import { waitFor } from './timeout.ts';

/**
 * Starts the operations as tasks, at once, and gives as many operations to await: the first gives the result (or throws the error)
 * of the task that ends first, and so on. It does not suspend by itself, and it cancels nothing: tasks that nobody
 * fetched go on, and their failures are reported. (asyncio: as_completed)
 * @param options.timeout in milliseconds for all together: those that are late throw TimeoutError.
 * @example
 * for (const next of asCompleted([ask(a), ask(b), ask(c)], { timeout: 500 })) console.log(yield* next);
 */
export function asCompleted<O extends Operation<unknown>>(
  operations: readonly O[] | ReadonlySet<O>,
  options: { timeout?: number | null } = {},
): IterableIterator<Operation<O extends Operation<infer R> ? R : never>> {
  const deadline = deadlineAfter(currentKernel('asCompleted()'), options.timeout ?? null, 'asCompleted()');
  const tasks = new Set(adoptAll<unknown>(operations, 'asCompleted()'));
  return new Completions(tasks, deadline) as IterableIterator<Operation<never>>;
}

/** Both the list and the place in it: what is not asked for when a loop is left is let go. */
class Completions<T> implements IterableIterator<Operation<T>>, Waiter {
  readonly #tasks: ReadonlySet<Task<T>>;
  readonly #deadline: number;
  readonly #ended = new Queue<Task<T>>();
  #left: number;

  constructor(tasks: ReadonlySet<Task<T>>, deadline: number) {
    this.#tasks = tasks;
    this.#deadline = deadline;
    this.#left = tasks.size;
    for (const task of tasks) {
      if (task.done) this.taskDone(task as Task<unknown>);
      else task.addWaiter(this);
    }
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Operation<T>> {
    if (this.#left === 0) return { done: true, value: undefined };
    this.#left--;
    return { done: false, value: this.take() };
  }

  return(): IteratorResult<Operation<T>> {
    this.#left = 0;
    for (const task of this.#tasks) {
      if (task.done) task.letGo();
      else task.removeWaiter(this);
    }
    return { done: true, value: undefined };
  }

  /** @internal */
  taskDone(task: Task<unknown>): void {
    task.hold();
    this.#ended.putNowait(task as Task<T>);
  }

  private *take(): Coroutine<T> {
    const task = yield* waitFor(this.#ended.get(), this.#deadline - now());
    return task.result();
  }
}
