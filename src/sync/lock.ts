// Mutual exclusion between tasks. (asyncio: Lock)

import { InvalidStateError } from '../kernel/errors.ts';
import { currentTask } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Operation } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import { type Guard, holding } from './guard.ts';
import { label } from './label.ts';
import { type Source, Wait } from './wait.ts';
import { WaitQueue } from './wait-queue.ts';

/**
 * One task holds it; others wait in the order in which they came. Needed wherever a task reads, suspends and writes: no
 * other task runs between two suspensions, but any does in one.
 * @example
 * const lock = new Lock({ name: 'account' });
 * yield* lock.with(function* () {
 *   const balance = yield* readBalance();
 *   yield* writeBalance(balance + 10);
 * });
 */
export class Lock implements Source<Guard> {
  /** @internal */ readonly waiters = new WaitQueue<Guard>();
  readonly #name: string | undefined;
  #owner: Task<unknown> | null = null;
  /** The acquire that gave it to the owner; null if tryAcquire() did. */
  #hold: Wait<Guard> | null = null;

  /** @param options.name for people: it is in messages and in formatTasks(). */
  constructor(options: { name?: string } = {}) {
    this.#name = options.name;
  }

  /**
   * Suspends until the lock is this task's, and gives the guard that releases it: `using guard = yield* lock.acquire()`.
   * @throws InvalidStateError if this task holds it already: it would wait for itself.
   */
  acquire(): Operation<Guard> {
    return made(new Wait(this), 'acquire()');
  }

  /** Takes it if nobody holds it or waits for it. Never suspends. */
  tryAcquire(): boolean {
    if (this.#owner !== null) return false;
    this.#owner = currentTask();
    return true;
  }

  /** Hands the lock to the first who waits. Never suspends. InvalidStateError unless this task holds it. */
  release(): void {
    this.checkOwner();
    this.pass();
  }

  /** Holds it while `body`, a function* as a rule, runs. Suspends as acquire() and the body do. */
  with<T>(body: () => Operation<T>): Operation<T> {
    return made(holding(new Wait(this), body, 'Lock.with()'), 'with()');
  }

  /** Whether somebody holds it: also one who has been handed it and has not stepped yet. */
  get locked(): boolean {
    return this.#owner !== null;
  }

  /** Who holds it. */
  get owner(): Task<unknown> | null {
    return this.#owner;
  }

  toString(): string {
    return label(this, 'Lock', this.#name);
  }

  /** @internal */
  get holders(): readonly Task<unknown>[] {
    return this.#owner === null ? [] : [this.#owner];
  }

  /** @internal */
  attempt(wait: Wait<Guard>): boolean {
    if (this.#owner === null) {
      this.give(wait);
      return true;
    }
    if (this.#owner !== wait.task) return false;
    throw new InvalidStateError(`${wait.task.name} holds ${this} already, and would wait for itself: release it first`);
  }

  /** @internal */
  letGo(wait: Wait<Guard>): void {
    if (this.#hold === wait) this.pass();
  }

  /** @internal A guard is in anybody's reach, and its release is as that of the lock. */
  checkRelease(wait: Wait<Guard>): void {
    if (this.#hold === wait) this.checkOwner();
  }

  /** @internal Releases it for a while; gives what is to be told when it is held again: see resume(). */
  suspend(): Wait<Guard> | null {
    const hold = this.#hold;
    this.release();
    return hold;
  }

  /** @internal The guard of before holds it again. */
  resume(hold: Wait<Guard> | null): void {
    this.#hold = hold;
  }

  private checkOwner(): void {
    const task = currentTask();
    if (this.#owner === task) return;
    const holder = this.#owner === null ? 'nobody does' : `${this.#owner.name} does`;
    throw new InvalidStateError(
      `${task.name} released ${this} without holding it (${holder}): acquire it first, with yield*`,
    );
  }

  private give(wait: Wait<Guard>): void {
    this.#owner = wait.task;
    this.#hold = wait;
    wait.value = wait; // which is the guard
  }

  private pass(): void {
    const next = this.waiters.handOff();
    if (next !== null) {
      this.give(next);
      return;
    }
    this.#owner = null;
    this.#hold = null;
  }
}
