// Tasks that wait for each other. (asyncio: Barrier)

import { ArgumentRangeError, BrokenBarrierError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import type { Operation } from '../kernel/operation.ts';
import { label } from './label.ts';
import { type Source, Wait } from './wait.ts';
import { WaitQueue } from './wait-queue.ts';

/**
 * When so many tasks have come, all of them go on, and the next round begins. Who is cancelled has not come.
 * @example
 * const barrier = new Barrier(3);
 * const index = yield* barrier.wait(); // in each of three tasks
 * if (index === 0) console.log('all are here');
 */
export class Barrier implements Source<number> {
  /** @internal */ readonly waiters = new WaitQueue<number>();
  /** How many tasks make a round. */
  readonly parties: number;
  readonly #name: string | undefined;
  #broken = false;

  /**
   * @param options.name for people: it is in messages and in formatTasks().
   * @throws RangeError unless `parties` is an integer of at least 1.
   */
  constructor(parties: number, options: { name?: string } = {}) {
    if (!Number.isInteger(parties) || parties < 1) {
      throw new ArgumentRangeError(`a barrier of ${parties}: give a whole number of tasks, 1 or more`);
    }
    this.parties = parties;
    this.#name = options.name;
  }

  /**
   * Suspends until all parties of the round have come. Gives the place among them, from 0 to parties - 1: the last who
   * comes has the last.
   * @throws BrokenBarrierError after abort(), and when reset() or abort() is called meanwhile.
   */
  wait(): Operation<number> {
    return made(new Wait(this), 'wait()');
  }

  /** How many wait. */
  get waiting(): number {
    return this.waiters.size;
  }

  /** Whether it was aborted. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Whoever waits gets BrokenBarrierError; the barrier is as new. Never suspends. */
  reset(): void {
    this.refuseAll('was reset');
    this.#broken = false;
  }

  /** Whoever waits, or comes before reset(), gets BrokenBarrierError. Never suspends. */
  abort(): void {
    this.#broken = true;
    this.refuseAll('was aborted');
  }

  toString(): string {
    return `${this.label} (${this.waiting} of ${this.parties} wait)`;
  }

  /** @internal Whether the round is full with this one. */
  attempt(arrival: Wait<number>): boolean {
    if (this.#broken) throw this.error('was aborted');
    if (this.waiters.size + 1 < this.parties) return false;
    const others = this.waiters.present();
    if (others.length + 1 < this.parties) return false;
    arrival.value = others.length;
    others.forEach((other, index) => {
      other.value = index;
    });
    this.waiters.handOffAll();
    return true;
  }

  /** @internal Its round is over. */
  letGo(): void {}

  private refuseAll(what: string): void {
    for (const waiter of this.waiters.present()) waiter.refuse(this.error(what));
  }

  private get label(): string {
    return label(this, 'Barrier', this.#name);
  }

  private error(what: string): BrokenBarrierError {
    return new BrokenBarrierError(`${this.label} ${what}: reset() makes it usable again`);
  }
}
