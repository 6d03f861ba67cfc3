// A clock that moves only when it is told to, so that a test of an hour takes no time and always ends the same.

import type { Clock } from '../kernel/clock.ts';

export class VirtualClock implements Clock {
  #now: number;

  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Moves `ms` milliseconds on; time never goes back. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`advance() takes milliseconds >= 0, not ${ms}`);
    this.#now += ms;
  }
}
