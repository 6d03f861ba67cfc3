// A task that keeps what AsyncLocalStorage holds where it was created, as an asynchronous function does.

import { AsyncResource } from 'node:async_hooks';
import { Task } from '../kernel/task.ts';

export class ContextTask<T> extends Task<T> {
  readonly #context = new AsyncResource('coreactor.Task');

  override step(): void {
    this.#context.runInAsyncScope(super.step, this);
  }
}
