// So many at a time. (asyncio: Semaphore)

import { ArgumentRangeError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import type { Operation } from '../kernel/operation.ts';
import { type Guard, holding } from './guard.ts';
import { label } from './label.ts';
import { type Source, Wait } from './wait.ts';
import { WaitQueue } from './wait-queue.ts';

/**
 * A number of units to be taken and given back; who finds none waits in the order of coming.
 * @example
 * const limit = new Semaphore(10);
 * yield* gather(urls.map((url) => limit.with(() => fetchPage(url)))); // ten at a time
 */
export class Semaphore implements Source<Guard> {
  /** @internal */ readonly waiters = new WaitQueue<Guard>();
  readonly #name: string | undefined;
  #value: number;

  /**
   * @param value how many units there are; default 1.
   * @param options.name for people: it is in messages and in formatTasks().
   * @throws RangeError unless it is an integer of at least 0.
   */
  constructor(value = 1, options: { name?: string } = {}) {
    if (!Number.isInteger(value) || value < 0) {
      const given = typeof value === 'number' ? value : typeof value;
      throw new ArgumentRangeError(`a semaphore of ${given}: give a whole number of units, 0 or more`);
    }
    this.#value = value;
    this.#name = options.name;
  }

  /** Suspends until a unit is this task's, and gives the guard that gives it back. */
  acquire(): Operation<Guard> {
    return made(new Wait(this), 'acquire()');
  }

  /** Takes a unit if one is free. Never suspends. */
  tryAcquire(): boolean {
    if (this.#value === 0) return false;
    this.#value--;
    return true;
  }

  /** Gives a unit back, or a new one: to the first who waits. Any task may. Never suspends. */
  release(): void {
    const next = this.waiters.handOff();
    if (next === null) this.#value++;
    else next.value = next; // which is the guard
  }

  /** Holds a unit while `body`, a function* as a rule, runs. Suspends as acquire() and the body do. */
  with<T>(body: () => Operation<T>): Operation<T> {
    return made(holding(new Wait(this), body, 'Semaphore.with()'), 'with()');
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
  attempt(wait: Wait<Guard>): boolean {
    if (!this.tryAcquire()) return false;
    wait.value = wait;
    return true;
  }

  /** @internal */
  letGo(): void {
    this.release();
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
