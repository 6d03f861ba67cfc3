// So many at a time. (asyncio: Semaphore)

import { ArgumentRangeError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import type { Operation } from '../kernel/operation.ts';
import { type Guard, holding } from './guard.ts';
import { label } from './label.ts';
import { Wait } from './wait.ts';
import { WaitQueue } from './wait-queue.ts';

/**
 * A number of units to be taken and given back; who finds none waits in the order of coming.
 * @example
 * const limit = new Semaphore(10);
 * yield* gather(urls.map((url) => limit.with(() => fetchPage(url)))); // ten at a time
 */
export class Semaphore {
  readonly #name: string | undefined;
  readonly #waiters = new WaitQueue<SemaphoreAcquire>();
  #value: number;

  /**
   * @param value how many units there are; default 1.
   * @param options.name for people: it is in messages and in formatTasks().
   * @throws RangeError unless it is an integer of at least 0.
   */
  constructor(value = 1, options: { name?: string } = {}) {
    if (!Number.isInteger(value) || value < 0) {
      throw new ArgumentRangeError(`a semaphore of ${value}: give a whole number of units, 0 or more`);
    }
    this.#value = value;
    this.#name = options.name;
  }

  /** Suspends until a unit is this task's, and gives the guard that gives it back. */
  acquire(): Operation<Guard> {
    return made(new SemaphoreAcquire(this), 'acquire()');
  }

  /** Takes a unit if one is free. Never suspends. */
  tryAcquire(): boolean {
    if (this.#value === 0) return false;
    this.#value--;
    return true;
  }

  /** Gives a unit back, or a new one: to the first who waits. Any task may. Never suspends. */
  release(): void {
    if (this.#waiters.handOff() === null) this.#value++;
  }

  /** Holds a unit while `body`, a function* as a rule, runs. Suspends as acquire() and the body do. */
  with<T>(body: () => Operation<T>): Operation<T> {
    return made(holding(new SemaphoreAcquire(this), body), 'with()');
  }

  /** How many units are free. */
  get value(): number {
    return this.#value;
  }

  /** Whether none is free. */
  get locked(): boolean {
    return this.#value === 0;
  }

  toString(): string {
    return label(this, this.constructor.name, this.#name);
  }

  /** @internal */
  get waiters(): WaitQueue<SemaphoreAcquire> {
    return this.#waiters;
  }
}

/** A Semaphore with no more units than it began with. (asyncio: BoundedSemaphore) */
export class BoundedSemaphore extends Semaphore {
  readonly #limit: number;

  constructor(value = 1, options: { name?: string } = {}) {
    super(value, options);
    this.#limit = value;
  }

  /** RangeError when all units are free already: somebody gave one back twice. */
  override release(): void {
    if (this.value === this.#limit) {
      throw new ArgumentRangeError(`${this} was released more often than acquired: all ${this.#limit} units are free`);
    }
    super.release();
  }
}

/** The wait, and the guard that it gives. */
class SemaphoreAcquire extends Wait<Guard> implements Guard {
  readonly #semaphore: Semaphore;
  #held = false;

  constructor(semaphore: Semaphore) {
    super();
    this.#semaphore = semaphore;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#semaphore.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  toString(): string {
    return `a unit of ${this.#semaphore}`;
  }

  protected get line(): WaitQueue<SemaphoreAcquire> {
    return this.#semaphore.waiters;
  }

  protected attempt(): boolean {
    return this.#semaphore.tryAcquire();
  }

  protected deliver(): Guard {
    this.#held = true;
    return this;
  }

  protected decline(): void {
    this.#semaphore.release();
  }

  protected renew(): SemaphoreAcquire {
    return new SemaphoreAcquire(this.#semaphore);
  }
}
