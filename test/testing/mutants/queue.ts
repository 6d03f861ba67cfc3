// An unbounded queue made of park() and wake(), and what it becomes by one mistake each.

import { currentTask } from '../../../src/kernel/here.ts';
import { DONE, type Operation, type Park } from '../../../src/kernel/operation.ts';
import { park, wake } from '../../../src/kernel/park.ts';
import type { Task } from '../../../src/kernel/task.ts';

interface Getter<T> {
  task: Task<unknown>;
  /** What was handed over and not taken yet. */
  item: { value: T } | null;
}

export class RightQueue<T> {
  readonly items: T[] = [];
  protected readonly getters = new Set<Getter<T>>();

  /** Hands the item to the first getter who still wants it, or keeps it. */
  put(value: T): void {
    for (const getter of this.getters) {
      this.getters.delete(getter);
      if (!wake(getter.task)) continue;
      getter.item = { value };
      return;
    }
    this.items.push(value);
  }

  get(): Operation<T> {
    const getter: Getter<T> = { task: currentTask(), item: null };
    const iterator: Iterator<Park, T, void> = {
      next: () => {
        if (getter.item !== null) return { done: true, value: getter.item.value };
        if (this.items.length > 0) {
          this.leave(getter);
          return { done: true, value: this.items.shift() as T };
        }
        this.getters.add(getter);
        return park(this);
      },
      return: () => {
        this.leave(getter);
        return DONE as IteratorReturnResult<never>;
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }

  protected leave(getter: Getter<T>): void {
    this.getters.delete(getter);
  }

  toString(): string {
    return 'a queue';
  }
}

/** Does not ask whether the getter was cancelled before: the item goes with it. */
export class DropsItem<T> extends RightQueue<T> {
  override put(value: T): void {
    const [getter] = this.getters;
    if (getter === undefined) {
      this.items.push(value);
      return;
    }
    this.getters.delete(getter);
    getter.item = { value };
    wake(getter.task);
  }
}

/** A getter that leaves stays in the line: an item that comes while its task cleans up is lost. */
export class LeavesNobody<T> extends RightQueue<T> {
  protected override leave(): void {}
}

/** Wakes a getter and keeps the item where anybody may take it; the getter that finds none gives up. */
export class GivesUndefined<T> extends RightQueue<T> {
  override put(value: T): void {
    this.items.push(value);
    for (const getter of this.getters) {
      this.getters.delete(getter);
      if (wake(getter.task)) return;
    }
  }
  override get(): Operation<T> {
    const task = currentTask();
    let asked = false;
    const getter: Getter<T> = { task, item: null };
    const iterator: Iterator<Park, T, void> = {
      next: () => {
        if (asked || this.items.length > 0) return { done: true, value: this.items.shift() as T };
        asked = true;
        this.getters.add(getter);
        return park(this);
      },
      return: () => {
        this.getters.delete(getter);
        return DONE as IteratorReturnResult<never>;
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }
}
