// Values that belong to a task and are inherited by the tasks it creates (asyncio: contextvars).

import { InvalidStateError } from './errors.ts';
import { currentTask, here } from './here.ts';

/**
 * A task inherits its creator's values when it is created; what it sets afterwards only it and its later children see.
 * @example
 * const requestId = new TaskLocal('none');
 * requestId.set('42');
 * createTask(handler); // reads '42', whatever this task sets later
 */
export class TaskLocal<T> {
  readonly #initial: T | undefined;
  readonly #hasInitial: boolean;

  constructor(...initial: [value?: T]) {
    this.#initial = initial[0];
    this.#hasInitial = initial.length > 0;
  }

  /** This task's value; outside a task the initial one. InvalidStateError if there is none. */
  get(): T {
    const locals = (here.task?.context ?? here.context)?.locals;
    if (locals?.has(this)) return locals.get(this) as T;
    if (this.#hasInitial) return this.#initial as T;
    throw new InvalidStateError(
      'this TaskLocal has no value here: set() one, or give an initial one to new TaskLocal()',
    );
  }

  set(value: T): void {
    const task = currentTask();
    // Copied, since the children that exist already share it.
    const locals = new Map(task.context.locals ?? []).set(this, value);
    task.context = { ...task.context, locals };
  }
}

/** `fn` with the values that the current task has now; `fn` itself if it has none. */
export function withLocals<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  const context = here.task?.context ?? here.context;
  if (context == null || context.locals === null) return fn;
  return (...args) => {
    here.context = context;
    try {
      return fn(...args);
    } finally {
      here.context = null;
    }
  };
}
