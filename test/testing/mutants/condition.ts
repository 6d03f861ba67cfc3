// A condition on top of the right lock, and what it becomes by one mistake each.

import { currentTask } from '../../../src/kernel/here.ts';
import { Insist } from '../../../src/kernel/insist.ts';
import { type Coroutine, DONE, type Operation, type Park } from '../../../src/kernel/operation.ts';
import { park, wake } from '../../../src/kernel/park.ts';
import type { Task } from '../../../src/kernel/task.ts';
import { RightLock } from './lock.ts';

interface Waiter {
  task: Task<unknown>;
  notified: boolean;
}

export class RightCondition {
  readonly lock = new RightLock();
  protected readonly waiters = new Set<Waiter>();

  /** Gives the lock up while it waits, and has it again when it ends, however it ends. */
  *wait(): Coroutine<void> {
    const waiter = { task: currentTask(), notified: false };
    const again = new Insist(this.lock.acquire());
    this.lock.release();
    try {
      yield* this.notification(waiter);
    } finally {
      yield* again;
      if (again.interrupted && waiter.notified) this.notify(); // what it was told it cannot follow any more
    }
  }

  /** Tells one who still waits. */
  notify(): void {
    for (const waiter of this.waiters) {
      this.waiters.delete(waiter);
      if (!wake(waiter.task)) continue;
      waiter.notified = true;
      return;
    }
  }

  protected notification(waiter: Waiter): Operation<void> {
    const iterator: Iterator<Park, void, void> = {
      next: () => {
        if (waiter.notified) return DONE;
        this.waiters.add(waiter);
        return park(this);
      },
      return: () => {
        this.waiters.delete(waiter);
        return DONE;
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }

  toString(): string {
    return 'a condition';
  }
}

/** Takes the lock again when it was notified, and not when it was cancelled. */
export class ForgetsLock extends RightCondition {
  override *wait(): Coroutine<void> {
    this.lock.release();
    yield* this.notification({ task: currentTask(), notified: false });
    yield* this.lock.acquire();
  }
}

/** Takes the lock again also when it was cancelled, but a second cancel ends that wait. */
export class GivesUpLock extends RightCondition {
  override *wait(): Coroutine<void> {
    this.lock.release();
    try {
      yield* this.notification({ task: currentTask(), notified: false });
    } finally {
      yield* this.lock.acquire();
    }
  }
}

/** Tells somebody who was cancelled before, and nobody else. */
export class LosesNotification extends RightCondition {
  override notify(): void {
    const [waiter] = this.waiters;
    if (waiter === undefined) return;
    this.waiters.delete(waiter);
    waiter.notified = wake(waiter.task);
  }
}
