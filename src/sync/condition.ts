// Waiting, with a lock in hand, for something that another holder of the lock changes. (asyncio: Condition)

import { kindOf } from '../kernel/begin.ts';
import { ArgumentRangeError, ArgumentTypeError, InvalidStateError } from '../kernel/errors.ts';
import { currentTask } from '../kernel/here.ts';
import { Insist } from '../kernel/insist.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { sleep } from '../kernel/sleep.ts';
import type { Guard } from './guard.ts';
import { label } from './label.ts';
import { Lock } from './lock.ts';
import { type Source, Wait } from './wait.ts';
import { WaitQueue } from './wait-queue.ts';

/**
 * @example
 * const condition = new Condition();
 * yield* condition.with(function* () {
 *   yield* condition.waitFor(() => stock > 0); // the lock is free meanwhile
 *   stock--;
 * });
 */
export class Condition implements Source<void> {
  /** @internal */ readonly waiters = new WaitQueue<void>();
  readonly #lock: Lock;
  readonly #name: string | undefined;

  /**
   * @param lock the one to use, if several conditions share it; by default one of its own.
   * @param options.name for people: it is in messages and in formatTasks().
   */
  constructor(lock?: Lock, options: { name?: string } = {}) {
    if (lock !== undefined && !(lock instanceof Lock)) {
      throw new ArgumentTypeError('a Condition takes its Lock first: new Condition(undefined, { name })');
    }
    this.#lock = lock ?? new Lock(options);
    this.#name = options.name;
  }

  /** Suspends until its lock is this task's: see Lock. */
  acquire(): Operation<Guard> {
    return this.#lock.acquire();
  }

  /** Releases its lock: see Lock. */
  release(): void {
    this.#lock.release();
  }

  /** Holds its lock while `body`, a function* as a rule, runs. Suspends as acquire() and the body do. */
  with<T>(body: () => Operation<T>): Operation<T> {
    return this.#lock.with(body);
  }

  /** Whether somebody holds its lock. */
  get locked(): boolean {
    return this.#lock.locked;
  }

  /**
   * Releases the lock, suspends until notified, and takes the lock again before it ends, however it ends: also if it is
   * cancelled, and however often. What was waited for may have changed again by then: see waitFor().
   * @throws InvalidStateError unless this task holds the lock.
   */
  wait(): Operation<void> {
    return made(this.waiting(), 'wait()');
  }

  /** Waits until `predicate` gives true; looks before the first wait and after each notification. Errors as wait(). */
  waitFor(predicate: () => boolean): Operation<void> {
    return made(this.waitingFor(predicate), 'waitFor()');
  }

  /**
   * Wakes `count` of those who wait, in the order of their coming; Infinity for all.
   * @throws InvalidStateError unless this task holds the lock; RangeError unless `count` is a whole number.
   */
  notify(count = 1): void {
    this.checkHeld('notify()');
    if (count !== Number.POSITIVE_INFINITY && (!Number.isInteger(count) || count < 0)) {
      const given = typeof count === 'number' ? count : kindOf(count);
      throw new ArgumentRangeError(`notify() of ${given}: give how many to wake, or use notifyAll()`);
    }
    for (let i = 0; i < count; i++) if (this.waiters.handOff() === null) return;
  }

  /** Wakes all who wait. */
  notifyAll(): void {
    this.notify(Number.POSITIVE_INFINITY);
  }

  toString(): string {
    return label(this, 'Condition', this.#name);
  }

  /** @internal Only a notification ends a wait. */
  attempt(): boolean {
    return false;
  }

  /** @internal The notification is the next one's. */
  letGo(): void {
    this.waiters.handOff();
  }

  private *waiting(): Coroutine<void> {
    this.checkHeld('wait()');
    const task = currentTask();
    const notification = new Wait(this);
    notification.enqueue(); // before anybody else can have the lock, and notify
    const hold = this.#lock.suspend();
    const again = new Insist(this.#lock.acquire());
    let notified = false;
    try {
      yield* { [Symbol.iterator]: () => notification };
      notified = true;
    } finally {
      yield* again;
      this.#lock.resume(hold);
      // Told to leave after it was notified: then the notification is somebody else's.
      if (notified && (again.interrupted || task.cancelDue)) this.notify();
    }
    if (task.cancelDue) yield* sleep(0); // and it leaves here
  }

  private *waitingFor(predicate: () => boolean): Coroutine<void> {
    this.checkHeld('waitFor()');
    while (!this.holds(predicate)) yield* this.waiting();
  }

  private holds(predicate: () => boolean): boolean {
    const answer: unknown = predicate();
    if (typeof answer !== 'object' || answer === null) return Boolean(answer);
    throw new ArgumentTypeError(
      `the predicate of waitFor() gave ${kindOf(answer)}: let a plain function give true or false`,
    );
  }

  private checkHeld(what: string): void {
    const task = currentTask();
    if (this.#lock.owner === task) return;
    throw new InvalidStateError(`${task.name} called ${what} on ${this} without holding its lock: acquire() it first`);
  }
}
