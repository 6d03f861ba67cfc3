// The parking lot on which all primitives stand: tasks that wait, in the order in which they came. (trio: ParkingLot)
//
// What becomes free is handed to the first of them in the same moment, and nobody who comes later can take it on the way
// (no barging). Whoever was told to leave before that is passed over, so nothing is handed to somebody who goes.

import type { Wait } from './wait.ts';

/** A list through the waits themselves: a cancelled one leaves it at once, from wherever it stands. */
export class WaitQueue<T> {
  #first: Wait<T> | null = null;
  #last: Wait<T> | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** At the end; in front for one who was passed over and waits on all the same. */
  add(wait: Wait<T>, inFront = false): void {
    this.#size++;
    if (this.#first === null || this.#last === null) {
      this.#first = wait;
      this.#last = wait;
    } else if (inFront) {
      wait.following = this.#first;
      this.#first.previous = wait;
      this.#first = wait;
    } else {
      wait.previous = this.#last;
      this.#last.following = wait;
      this.#last = wait;
    }
  }

  remove(wait: Wait<T>): void {
    const { previous, following } = wait;
    if (previous === null) this.#first = following;
    else previous.following = following;
    if (following === null) this.#last = previous;
    else following.previous = previous;
    wait.previous = null;
    wait.following = null;
    this.#size--;
  }

  /** Grants the wait of the first who can still take it, and gives it; null if nobody can. */
  handOff(): Wait<T> | null {
    for (;;) {
      const first = this.#first;
      if (first === null) return null;
      this.remove(first);
      if (first.grant()) return first;
    }
  }

  /** Grants all waits. */
  handOffAll(): void {
    while (this.handOff() !== null);
  }

  /** Those who can still take what is granted, in their order. */
  present(): Wait<T>[] {
    const present: Wait<T>[] = [];
    for (let wait = this.#first; wait !== null; wait = wait.following) if (!wait.leaving) present.push(wait);
    return present;
  }
}
