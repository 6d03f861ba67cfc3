// A function that is called, on the loop, when a task has ended: see Task.addDoneCallback().

import { call } from './callback.ts';
import type { Step } from './ready-queue.ts';
import type { Task, Waiter } from './task.ts';
import { withLocals } from './task-local.ts';

/** Stays among the task's waiters until it has run, so that it can be removed until then. */
export class DoneCallback implements Waiter, Step {
  readonly #task: Task<unknown>;
  readonly fn: (task: Task<unknown>) => unknown;
  readonly #call: (task: Task<unknown>) => unknown;

  constructor(task: Task<unknown>, fn: (task: Task<unknown>) => unknown) {
    this.#task = task;
    this.fn = fn;
    this.#call = withLocals(fn);
  }

  taskDone(): void {
    this.#task.addWaiter(this);
    this.#task.kernel.enqueue(this);
  }

  step(): void {
    if (!this.#task.removeWaiter(this)) return;
    call(this.#task.kernel, this.#task, () => this.#call(this.#task));
  }
}
