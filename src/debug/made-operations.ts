// Which operations were made and not awaited yet. Held strongly, until they are awaited or have been reported: the
// collector could not tell of the forgotten ones, since its callbacks need Node's own loop, which rests under run().
// A coroutine of the program (`work()` for `yield* work()`) is not seen here: nothing is called when a generator is made.

import { isGenerator } from '../kernel/create-task.ts';
import type { Task } from '../kernel/task.ts';

/** One call that gave an operation. */
export interface Making {
  readonly operation: object;
  readonly caller: string;
  readonly task: Task<unknown> | null;
  /** In which of its steps the task made it. */
  readonly step: number;
  readonly trace: Error;
  /** Whether the task gave it back as its result. */
  returned: boolean;
}

interface Watched {
  /** Several of an operation that is used again and again. */
  makings: Making[];
  readonly own: [key: PropertyKey, property: PropertyDescriptor | undefined][];
}

export class MadeOperations {
  readonly #watched = new Map<object, Watched>();
  readonly #byTask = new Map<Task<unknown> | null, Set<Making>>();

  add(making: Making, begun: (operation: object) => void): void {
    let watched = this.#watched.get(making.operation);
    if (watched === undefined) {
      if (!Object.isExtensible(making.operation)) return;
      watched = { makings: [], own: watch(making.operation, begun) };
      this.#watched.set(making.operation, watched);
    }
    watched.makings.push(making);
    const ofTask = this.#byTask.get(making.task) ?? new Set();
    this.#byTask.set(making.task, ofTask.add(making));
  }

  /** `operation` is awaited in `task`: the last one it made, or that anybody made. */
  begin(operation: object, task: Task<unknown> | null): void {
    const makings = this.#watched.get(operation)?.makings ?? [];
    const making = makings.filter((each) => each.task === task).at(-1) ?? makings.at(-1);
    if (making !== undefined) this.drop(making);
  }

  /** Whether it still waits to be awaited. */
  holds(making: Making): boolean {
    return this.#byTask.get(making.task)?.has(making) ?? false;
  }

  /** What the task has made and nobody awaited yet. */
  of(task: Task<unknown> | null): Making[] {
    return [...(this.#byTask.get(task) ?? [])];
  }

  count(task: Task<unknown> | null): number {
    return this.#byTask.get(task)?.size ?? 0;
  }

  all(): Making[] {
    return [...this.#byTask.values()].flatMap((makings) => [...makings]);
  }

  /** Forgets it, and leaves the operation as it was. */
  drop(making: Making): void {
    const ofTask = this.#byTask.get(making.task);
    ofTask?.delete(making);
    if (ofTask?.size === 0) this.#byTask.delete(making.task);
    const watched = this.#watched.get(making.operation);
    if (watched === undefined) return;
    watched.makings = watched.makings.filter((each) => each !== making);
    if (watched.makings.length > 0) return;
    this.#watched.delete(making.operation);
    for (const [key, property] of watched.own) {
      if (property === undefined) Reflect.deleteProperty(making.operation, key);
      else Object.defineProperty(making.operation, key, property);
    }
  }
}

/** Calls `begun` when the iteration begins; gives the operation's own properties as they were. */
function watch(operation: object, begun: (operation: object) => void): Watched['own'] {
  const methods = operation as Record<PropertyKey, unknown>;
  // A generator may be driven by hand too. Not so an operation that is used again: its next() may be another waiter's.
  const beginnings = isGenerator(operation) ? [Symbol.iterator, 'next'] : [Symbol.iterator];
  return beginnings.map((key) => {
    const original = methods[key] as (...args: unknown[]) => unknown;
    const own = Object.getOwnPropertyDescriptor(operation, key);
    Object.defineProperty(operation, key, {
      configurable: true,
      writable: true,
      value: function (this: unknown, ...args: unknown[]): unknown {
        begun(operation);
        return original.apply(this, args);
      },
    });
    return [key, own];
  });
}
