// taskGroup: tasks that end together. None outlives the group, and no error of theirs is lost. (asyncio: TaskGroup; trio:
// nursery)

import { begin, checkBody } from '../kernel/begin.ts';
import { createTask, isGenerator } from '../kernel/create-task.ts';
import { describe } from '../kernel/describe.ts';
import { InvalidStateError, TaskGroupError } from '../kernel/errors.ts';
import { currentTask } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import { Once } from '../kernel/once.ts';
import type { Coroutine, Main, Operation } from '../kernel/operation.ts';
import { Postpone } from '../kernel/postpone.ts';
import { CancelScope } from '../kernel/scope.ts';
import type { Task, Waiter } from '../kernel/task.ts';
import { cancelAll, endAll } from './end.ts';
import { Watch } from './watch.ts';

/** Given to the body of taskGroup(). */
export class TaskGroup implements Waiter {
  readonly #children = new Set<Task<unknown>>();
  readonly #errors: unknown[] = [];
  readonly #scope = new CancelScope();
  #state: 'open' | 'ending' | 'ended' = 'open';

  /**
   * Starts a task of the group, also from one of its tasks. Never suspends.
   * @throws InvalidStateError when the group has ended or is about to; the coroutine is closed then.
   */
  createTask<T>(main: Main<T>, options?: { name?: string }): Task<T> {
    if (this.#state !== 'open') {
      if (isGenerator(main) && Object.isExtensible(main)) main.return(undefined as never);
      throw new InvalidStateError(
        `this task group ${this.#state === 'ended' ? 'has ended' : 'is ending'}: start tasks while its body or a task of it runs`,
      );
    }
    const task = createTask(main, options);
    this.#children.add(task as Task<unknown>);
    task.addWaiter(this);
    return task;
  }

  /** Cancels the body and all tasks of the group; taskGroup() then gives undefined. False if it has ended already. */
  cancel(reason?: unknown): boolean {
    if (this.#state === 'ended') return false;
    this.#state = 'ending';
    cancelAll(this.#children, reason);
    this.#scope.cancel();
    return true;
  }

  /** @internal A child has ended. */
  taskDone(task: Task<unknown>): void {
    this.#children.delete(task);
    if (task.state !== 'failed') return;
    this.#errors.push(task.exception());
    if (this.#state === 'open') this.cancel(`${task.name} failed`);
  }

  /** @internal */
  *run<T>(body: (group: TaskGroup) => Operation<T>): Coroutine<T | undefined> {
    const task = currentTask();
    const within = task.cancelling;
    try {
      return yield* this.#scope.run(() => this.live(body));
    } catch (error) {
      if (!this.#errors.includes(error)) this.#errors.unshift(error);
    } finally {
      if (this.#state === 'open') this.#state = 'ending';
      yield* endAll(this.#children, 'its task group has ended');
      this.#state = 'ended';
      if (this.#errors.length > 0) {
        const error = this.failure();
        // The errors go first, and then the cancel that came along with them.
        if (task.cancelling && !within) yield* new Postpone(error);
        // biome-ignore lint/correctness/noUnsafeFinally: a return() must not swallow them
        throw error;
      }
    }
  }

  private *live<T>(body: (group: TaskGroup) => Operation<T>): Coroutine<T> {
    const iterator = begin(body(this), 'taskGroup()');
    const result = yield* { [Symbol.iterator]: () => iterator };
    while (this.#children.size > 0) yield* new Watch(this.#children, () => false);
    return result;
  }

  private failure(): TaskGroupError {
    const errors = this.#errors;
    const what = errors.length === 1 ? 'an error' : `${errors.length} errors`;
    return new TaskGroupError(errors, `${what} in a task group: ${errors.map(describe).join('; ')}`);
  }
}

/**
 * Runs `body`, waits for every task that was started in the group, and gives the body's result. When a task or the body
 * fails, all others are cancelled and awaited; then one error carries all failures. A task that is cancelled by itself
 * disturbs nobody. Cancelled from outside, it ends its tasks first. (asyncio: TaskGroup)
 * @throws TaskGroupError, an AggregateError, whose `errors` are those of the body and of the tasks.
 * @example
 * yield* taskGroup(function* (group) {
 *   for (const url of urls) group.createTask(fetchPage(url), { name: url });
 * });
 */
export function taskGroup<T>(body: (group: TaskGroup) => Operation<T>): Operation<T | undefined> {
  checkBody(body, 'taskGroup()');
  return made(new Once(new TaskGroup().run(body), 'taskGroup()'), 'taskGroup()');
}
