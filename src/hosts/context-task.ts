// A task that keeps what AsyncLocalStorage holds, as an asynchronous function does: it begins with what there was where it
// was created, and each step with what the one before it left (enterWith()).

import { AsyncResource } from 'node:async_hooks';
import { Task } from '../kernel/task.ts';

export class ContextTask<T> extends Task<T> {
  #context = new AsyncResource('coreactor.Task');

  override step(): void {
    this.#context.runInAsyncScope(this.stepInside, this);
  }

  private stepInside(): void {
    super.step();
    // A new one each time: an old one has what there was when it was made, but in Node before 24, and whether that has changed
    // since nobody tells.
    if (!this.done) this.#context = new AsyncResource('coreactor.Task');
  }
}
