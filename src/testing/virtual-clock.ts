// A clock that moves only when it is told to, so that a test of an hour takes no time and always ends the same.

import type { Clock } from '../kernel/clock.ts';

/**
 * The time of a simulated loop, in milliseconds. The FakeSelector made with it moves it on as the program waits; a test
 * moves it by hand to play code that takes long.
 * @example
 * const clock = new VirtualClock(1000);
 * simulate(function* () {
 *   yield* sleep(50);
 *   clock.advance(200); // as if this step had computed for 200 ms
 *   console.log(now()); // 1250
 * }, { clock });
 */
export class VirtualClock implements Clock {
  #now: number;

  /** @param start what it shows first */
  constructor(start = 0) {
    if (!Number.isFinite(start)) throw new RangeError(`a clock starts at a number of milliseconds, not ${start}`);
    this.#now = start;
  }

  /** What now() gives in the simulated loop. */
  now(): number {
    return this.#now;
  }

  /** Moves `ms` milliseconds on. Time never goes back: RangeError below 0, for NaN and Infinity. */
  advance(ms: number): void {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY))
      throw new RangeError(`advance() takes milliseconds >= 0, not ${ms}`);
    this.#now += ms;
  }
}
