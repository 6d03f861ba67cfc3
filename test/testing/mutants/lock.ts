// A lock made of park() and wake(), and what it becomes by one mistake each.

import { currentTask } from '../../../src/kernel/here.ts';
import { DONE, type Operation, type Park } from '../../../src/kernel/operation.ts';
import { park, wake } from '../../../src/kernel/park.ts';
import type { Task } from '../../../src/kernel/task.ts';

export class RightLock {
  owner: Task<unknown> | null = null;
  protected readonly waiting = new Set<Task<unknown>>();

  acquire(): Operation<void> {
    const task = currentTask();
    const iterator: Iterator<Park, void, void> = {
      next: () => {
        if (this.owner === task) return DONE;
        if (this.tryAcquire()) return DONE;
        this.waiting.add(task);
        return park(this);
      },
      return: () => {
        this.waiting.delete(task);
        return DONE;
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }

  tryAcquire(): boolean {
    if (this.owner !== null) return false;
    this.owner = currentTask();
    return true;
  }

  /** Hands it to the first who still wants it. */
  release(): void {
    this.owner = null;
    for (const task of this.waiting) {
      this.waiting.delete(task);
      if (!wake(task)) continue;
      this.owner = task;
      return;
    }
  }

  toString(): string {
    return 'a lock';
  }
}

/** Does not ask whether the one it hands the lock to was cancelled before. */
export class LosesHandOff extends RightLock {
  override release(): void {
    const [task] = this.waiting;
    this.owner = task ?? null;
    if (task === undefined) return;
    this.waiting.delete(task);
    wake(task);
  }
}

/** Lets the lock lie open until the next one steps: who comes in between takes it, and the waiter is last again. */
export class LetsBarge extends RightLock {
  override release(): void {
    this.owner = null;
    for (const task of this.waiting) {
      this.waiting.delete(task);
      if (wake(task)) return;
    }
  }
}

/** Wakes nobody when a waiter leaves that was first in the line and cancelled: the others sleep on. */
export class ForgetsOthers extends RightLock {
  override release(): void {
    this.owner = null;
    const [task] = this.waiting;
    if (task === undefined) return;
    this.waiting.delete(task);
    if (wake(task)) this.owner = task;
  }
}
