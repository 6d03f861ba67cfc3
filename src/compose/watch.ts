// Waits for several tasks at once: until all have ended, or until one ends in a way that is enough. Failures among them
// are no business of the loop's until it is over.

import { here } from '../kernel/here.ts';
import { DONE, type Operation, type Park } from '../kernel/operation.ts';
import { giveWay, park, spend } from '../kernel/park.ts';
import type { Resource } from '../kernel/resource.ts';
import type { Task, Waiter } from '../kernel/task.ts';

export class Watch implements Operation<void>, Iterator<Park, void, void>, Waiter, Resource {
  readonly #tasks: ReadonlySet<Task<unknown>>;
  readonly #enough: (ended: Task<unknown>) => boolean;
  #watcher: Task<unknown> | null = null;
  #left = 0;
  #over = false;

  /** `enough` is asked as each task ends. */
  constructor(tasks: ReadonlySet<Task<unknown>>, enough: (ended: Task<unknown>) => boolean) {
    this.#tasks = tasks;
    this.#enough = enough;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, void> {
    if (this.#watcher === null) this.begin();
    if (!this.#over) return park(this);
    if (spend()) return giveWay(this);
    this.leave();
    return DONE;
  }

  return(): IteratorResult<Park, void> {
    this.leave();
    return DONE;
  }

  taskDone(task: Task<unknown>): void {
    task.hold(); // whoever waits here asks for its error afterwards
    if (--this.#left > 0 && !this.#enough(task)) return;
    this.#over = true;
    this.#watcher?.wake();
  }

  get awaits(): Task<unknown>[] {
    return [...this.#tasks].filter((task) => !task.done);
  }

  toString(): string {
    const { length } = this.awaits;
    return length === 1 ? 'the end of a task' : `the end of ${length} tasks`;
  }

  private begin(): void {
    this.#watcher = here.task;
    for (const task of this.#tasks) {
      if (!task.done) {
        task.addWaiter(this);
        this.#left++;
      } else {
        task.hold();
        if (this.#enough(task)) this.#over = true;
      }
    }
    if (this.#left === 0) this.#over = true;
  }

  private leave(): void {
    for (const task of this.#tasks) {
      if (task.done) task.letGo();
      else task.removeWaiter(this);
    }
  }
}
