// What debug mode writes down about one task: where it was created and where it was suspended. A trace is an Error: made
// cheaply, and turned into text only when somebody reads it.

import type { Task } from '../kernel/task.ts';

export class TaskNotes {
  readonly created = new Error();
  /** Where the last suspension was; null while it is in a step that has not come to one. */
  suspended: Error | null = null;
  /** Where the step that runs, or ran last, had begun; null for the first one. */
  resumed: Error | null = null;
  suspendedSince: number | undefined;
  stepBegan = 0;
  /** How many steps it has begun. */
  steps = 0;

  beginStep(now: number): void {
    this.resumed = this.suspended;
    this.suspended = null;
    this.suspendedSince = undefined;
    this.stepBegan = now;
    this.steps++;
  }

  /**
   * Every operation that parks says so by writing task.waitingOn, with the frames of all coroutines that wait on the
   * stack: so that field becomes an accessor that takes a trace of them.
   */
  watch(task: Task<unknown>): void {
    let resource = task.waitingOn;
    Object.defineProperty(task, 'waitingOn', {
      configurable: true,
      enumerable: true,
      get: () => resource,
      set: (value: unknown) => {
        resource = value;
        if (value !== null) this.suspended = new Error();
      },
    });
  }
}
