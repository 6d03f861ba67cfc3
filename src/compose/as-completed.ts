// asCompleted: results in the order in which they come.

import { deadlineAfter } from '../kernel/deadline.ts';
import { currentKernel } from '../kernel/here.ts';
import { refuseSelf } from '../kernel/join.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { now } from '../kernel/sleep.ts';
import type { Task, Waiter } from '../kernel/task.ts';
import { Queue } from '../sync/queue.ts';
import { adoptAll } from './adopt.ts';
import { waitFor } from './timeout.ts';

/**
 * Starts the operations as tasks, at once, and gives as many operations to await: the first gives the result (or throws the error)
 * of the task that ends first, and so on. It does not suspend by itself, and it cancels nothing: tasks that nobody
 * fetched go on. Their failures are reported when the loop over them is left, or at the end of the run. (asyncio:
 * as_completed)
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
  tasks.forEach(refuseSelf);
  return new Completions(tasks, deadline) as IterableIterator<Operation<never>>;
}

/** Both the list and the place in it. It holds the failures of tasks for as long as somebody may fetch them. */
class Completions<T> implements IterableIterator<Operation<T>>, Waiter {
  readonly #tasks: ReadonlySet<Task<T>>;
  readonly #deadline: number;
  readonly #ended = new Queue<Task<T>>();
  /** How many operations are still to be given, */
  #left: number;
  /** and how many were given and have not come to their end. */
  #open = 0;

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
    this.#open++;
    return { done: false, value: this.take() };
  }

  return(): IteratorResult<Operation<T>> {
    this.#left = 0;
    this.letGo();
    return { done: true, value: undefined };
  }

  /** @internal */
  taskDone(task: Task<unknown>): void {
    task.hold();
    this.#ended.putNowait(task as Task<T>);
  }

  private *take(): Coroutine<T> {
    try {
      const task = yield* waitFor(this.#ended.get(), this.#deadline - now());
      task.letGo();
      return task.result();
    } finally {
      this.#open--;
      if (this.#left === 0) this.letGo();
    }
  }

  /** Nobody will fetch any more. */
  private letGo(): void {
    if (this.#open > 0) return;
    for (const task of this.#tasks) task.removeWaiter(this);
    while (!this.#ended.empty) this.#ended.getNowait().letGo();
  }
}
