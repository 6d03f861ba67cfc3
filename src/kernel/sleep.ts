// sleep and sleepUntil: a timer that is an operation at the same time, so a sleep is one object.

import { NEVER } from './cancellation.ts';
import { checkDuration, deadlineAt } from './deadline.ts';
import { awaitedTwice } from './errors.ts';
import { currentKernel, here } from './here.ts';
import { made } from './made.ts';
import { DONE, type Operation, PARK, type Park } from './operation.ts';
import { giveWay } from './park.ts';
import type { Task } from './task.ts';
import type { Timer } from './timer.ts';

class Sleep implements Timer, Operation<void>, Iterator<Park, void, void> {
  armed = false;
  /** A duration, or NaN when it was made with a deadline. */
  readonly #ms: number;
  #deadline: number;
  #task: Task<unknown> | null = null;

  constructor(ms: number, deadline: number) {
    this.#ms = ms;
    this.#deadline = deadline;
  }

  /** Awaited once more, it sleeps once more (or until the same deadline). */
  [Symbol.iterator](): Sleep {
    return this.#task === null ? this : new Sleep(this.#ms, this.#deadline);
  }

  next(): IteratorResult<Park, void> {
    const task = here.task as Task<unknown>;
    if (this.#task === null) {
      this.#task = task;
      if (!Number.isNaN(this.#ms)) this.#deadline = task.kernel.clock.now() + this.#ms;
      if (this.#deadline === Number.POSITIVE_INFINITY)
        task.kernel.hopes++; // asked for, so no deadlock
      else task.kernel.timers.add(this, this.#deadline);
    } else if (this.#task !== task) {
      throw awaitedTwice(task, this.#task, this);
    } else if (!this.armed && this.#deadline !== Number.POSITIVE_INFINITY) {
      return DONE;
    }
    task.waitingOn = this;
    return PARK;
  }

  return(): IteratorResult<Park, void> {
    const kernel = (this.#task as Task<unknown>).kernel;
    if (this.#deadline === Number.POSITIVE_INFINITY) kernel.hopes--;
    else kernel.timers.cancel(this);
    return DONE;
  }

  fire(): void {
    this.#task?.wake();
  }

  /** See Resource. */
  get deadline(): number {
    return this.#deadline;
  }

  toString(): string {
    return this.#deadline === Number.POSITIVE_INFINITY ? 'sleep for ever' : `sleep until ${this.#deadline.toFixed(3)}`;
  }
}

/** sleep(0): one object for everybody, since what it would remember stands in the task already. */
const GIVE_WAY: Operation<void> & Iterator<Park, void, void> = {
  [Symbol.iterator]: () => GIVE_WAY,
  next(): IteratorResult<Park, void> {
    const task = here.task as Task<unknown>;
    if (task.waitingOn !== GIVE_WAY) return giveWay(GIVE_WAY);
    task.waitingOn = null;
    return DONE;
  },
  return(): IteratorResult<Park, void> {
    (here.task as Task<unknown>).waitingOn = null;
    return DONE;
  },
  toString: () => 'sleep(0)',
} as Operation<void> & Iterator<Park, void, void>;

/**
 * Suspends the current task for `ms` milliseconds from here on, never shorter. `sleep(0)` gives every ready task and pending I/O a
 * chance first; negative counts as 0; null or Infinity sleeps until cancelled. (asyncio: sleep)
 * @throws RangeError (ERR_COREACTOR_RANGE) for NaN.
 * @example
 * yield* sleep(250);
 */
export function sleep(ms: number | null): Operation<void> {
  currentKernel('sleep()');
  if (typeof ms === 'number' && ms <= 0) return made(GIVE_WAY, 'sleep()');
  return made(new Sleep(checkDuration(ms, 'sleep()'), NEVER), 'sleep()');
}

/** Suspends the current task until now() has reached `deadline`; a past one counts as sleep(0). (trio: sleep_until) */
export function sleepUntil(deadline: number | null): Operation<void> {
  const kernel = currentKernel('sleepUntil()');
  const at = deadlineAt(deadline, 'sleepUntil()');
  return made(at <= kernel.clock.now() ? GIVE_WAY : new Sleep(Number.NaN, at), 'sleepUntil()');
}

/** The loop's clock in milliseconds: monotonic, with fractions, of an arbitrary start. (asyncio: loop.time) */
export function now(): number {
  return currentKernel('now()').clock.now();
}
