// Mutual exclusion between tasks. (asyncio: Lock)

import { InvalidStateError } from '../kernel/errors.ts';
import { currentTask } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Operation } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import { type Guard, holding } from './guard.ts';
import { label } from './label.ts';
import { Wait } from './wait.ts';
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
export class Lock {
  readonly #name: string | undefined;
  readonly #waiters = new WaitQueue<LockAcquire>();
  #owner: Task<unknown> | null = null;
  /** The acquire that gave it to the owner; null if tryAcquire() did. */
  #hold: LockAcquire | null = null;

  /** @param options.name for people: it is in messages and in formatTasks(). */
  constructor(options: { name?: string } = {}) {
    this.#name = options.name;
  }

  /**
   * Suspends until the lock is this task's, and gives the guard that releases it: `using guard = yield* lock.acquire()`.
   * @throws InvalidStateError if this task holds it already: it would wait for itself.
   */
  acquire(): Operation<Guard> {
    return made(new LockAcquire(this), 'acquire()');
  }

  /** Takes it if nobody holds it or waits for it. Never suspends. */
  tryAcquire(): boolean {
    if (this.#owner !== null) return false;
    this.#owner = currentTask();
    return true;
  }

  /** Hands the lock to the first who waits. Never suspends. InvalidStateError unless this task holds it. */
  release(): void {
    const task = currentTask();
    if (this.#owner !== task) {
      const holder = this.#owner === null ? 'nobody does' : `${this.#owner.name} does`;
      throw new InvalidStateError(`${task.name} released ${this} without holding it (${holder}): acquire it first`);
    }
    this.pass();
  }

  /** Holds it while `body`, a function* as a rule, runs. Suspends as acquire() and the body do. */
  with<T>(body: () => Operation<T>): Operation<T> {
    return made(holding(new LockAcquire(this), body), 'with()');
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
  get waiters(): WaitQueue<LockAcquire> {
    return this.#waiters;
  }

  /** @internal */
  take(acquire: LockAcquire): boolean {
    if (this.#owner !== null) {
      if (this.#owner !== acquire.task) return false;
      throw new InvalidStateError(
        `${acquire.task.name} holds ${this} already, and would wait for itself: release it first`,
      );
    }
    this.#owner = acquire.task;
    this.#hold = acquire;
    return true;
  }

  /** @internal */
  letGo(acquire: LockAcquire): void {
    if (this.#hold === acquire) this.pass();
  }

  /** @internal Releases it for a while; gives what is to be told when it is held again: see resume(). */
  suspend(): object | null {
    const hold = this.#hold;
    this.release();
    return hold;
  }

  /** @internal The guard of before holds it again. */
  resume(hold: object | null): void {
    this.#hold = hold as LockAcquire | null;
  }

  private pass(): void {
    const next = this.#waiters.handOff();
    this.#owner = next === null ? null : next.task;
    this.#hold = next;
  }
}

/** The wait, and the guard that it gives. */
class LockAcquire extends Wait<Guard> implements Guard {
  readonly #lock: Lock;

  constructor(lock: Lock) {
    super();
    this.#lock = lock;
  }

  release(): void {
    this.#lock.letGo(this);
  }

  [Symbol.dispose](): void {
    this.#lock.letGo(this);
  }

  get holders(): Task<unknown>[] {
    const { owner } = this.#lock;
    return owner === null ? [] : [owner];
  }

  toString(): string {
    return String(this.#lock);
  }

  protected get line(): WaitQueue<LockAcquire> {
    return this.#lock.waiters;
  }

  protected attempt(): boolean {
    return this.#lock.take(this);
  }

  protected deliver(): Guard {
    return this;
  }

  protected decline(): void {
    this.#lock.letGo(this);
  }

  protected renew(): LockAcquire {
    return new LockAcquire(this.#lock);
  }
}
