// A queue in an array that is a ring: it doubles when full, and shrinks step by step after a burst.

const SMALL = 64;

export class Ring<T> {
  #ring: (T | undefined)[] = new Array(SMALL).fill(undefined);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size === this.#ring.length) this.resize(this.#size * 2);
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = item;
    this.#size++;
  }

  /** The oldest item. Only to be called when size > 0. */
  shift(): T {
    const item = this.#ring[this.#head] as T;
    this.#ring[this.#head] = undefined; // or the ring keeps a finished task alive
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#size--;
    return item;
  }

  /** Puts an item before the oldest. */
  unshift(item: T): void {
    if (this.#size === this.#ring.length) this.resize(this.#size * 2);
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.#size++;
  }

  /** Takes back the newest item. Only to be called when size > 0. */
  pop(): void {
    this.#size--;
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = undefined;
  }

  /** Halves the ring if not even a quarter of it was `needed`: so a burst's memory goes within a few turns. */
  relax(needed: number): void {
    const length = this.#ring.length;
    if (length > SMALL && needed * 4 < length && this.#size * 2 < length) this.resize(length / 2);
  }

  private resize(length: number): void {
    const old = this.#ring;
    const ring: (T | undefined)[] = new Array(length).fill(undefined);
    for (let i = 0; i < this.#size; i++) ring[i] = old[(this.#head + i) & (old.length - 1)];
    this.#ring = ring;
    this.#head = 0;
  }
}
