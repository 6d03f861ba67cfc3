// The timers of one kernel: a 4-ary min-heap over (deadline, order of creation).
//
// The keys lie in typed arrays of their own, so that sifting a million timers walks through a few cache lines and never
// touches a timer object. Cancelling only marks the timer; when more than half of the heap is marked it is rebuilt
// without them, which keeps a cancel cheap and memory bounded.

import type { Task } from './task.ts';

const FAN = 4;
const SMALL = 64;

/**
 * Something to happen at a deadline, once. It does not hold its deadline: in an object a number with fractions is an
 * object of its own, and the heap has it already. (An interface and no base class: V8 makes objects of derived classes
 * slower, and there may be a million of these.)
 */
export interface Timer {
  /** Kept by Timers: false before add(), after firing and after a cancel. An unarmed one met in the heap is dropped. */
  armed: boolean;
  /** Whose wait it limits: that of a timeout's task. */
  readonly limits?: Task<unknown> | null;
  fire(): void;
}

export class Timers {
  #deadlines = new Float64Array(SMALL);
  #orders = new Float64Array(SMALL); // ties: doubles count to 2^53, where 32 bits would wrap within minutes
  #timers: (Timer | undefined)[] = [];
  #cancelled = 0;
  #nextOrder = 0;

  /** How many are armed. */
  get size(): number {
    return this.#timers.length - this.#cancelled;
  }

  /** Arms the timer for `deadline`, in the kernel clock's milliseconds. */
  add(timer: Timer, deadline: number): void {
    timer.armed = true;
    const at = this.#timers.length;
    this.#timers.push(timer);
    if (at === this.#deadlines.length) this.resize(at * 2);
    this.siftUp(at, deadline, this.#nextOrder++, timer);
  }

  cancel(timer: Timer): void {
    if (!timer.armed) return;
    timer.armed = false;
    this.#cancelled++;
    if (this.#cancelled > SMALL && this.#cancelled * 2 > this.#timers.length) this.compact();
  }

  /** Those that are armed, in no order. */
  *entries(): Generator<[timer: Timer, deadline: number]> {
    for (let i = 0; i < this.#timers.length; i++) {
      const timer = this.#timers[i] as Timer;
      if (timer.armed) yield [timer, this.#deadlines[i] as number];
    }
  }

  /** The earliest deadline, Infinity when none is armed. */
  next(): number {
    while (this.#timers.length > 0 && !(this.#timers[0] as Timer).armed) {
      this.removeFirst();
      this.#cancelled--;
    }
    return this.#timers.length === 0 ? Number.POSITIVE_INFINITY : (this.#deadlines[0] as number);
  }

  /** Fires what is due at `now`, earliest first; equal deadlines in the order of creation. */
  expire(now: number): void {
    while (this.next() <= now) {
      const timer = this.removeFirst();
      timer.armed = false;
      timer.fire();
    }
  }

  private removeFirst(): Timer {
    const first = this.#timers[0] as Timer;
    const at = this.#timers.length - 1;
    const last = this.#timers.pop() as Timer;
    if (at > 0) this.siftDown(0, this.#deadlines[at] as number, this.#orders[at] as number, last);
    return first;
  }

  private compact(): void {
    let kept = 0;
    for (let i = 0; i < this.#timers.length; i++) {
      const timer = this.#timers[i] as Timer;
      if (!timer.armed) continue;
      this.place(kept++, this.#deadlines[i] as number, this.#orders[i] as number, timer);
    }
    this.#timers.length = kept;
    this.#cancelled = 0;
    if (this.#deadlines.length > SMALL && kept * 4 < this.#deadlines.length) this.resize(Math.max(SMALL, kept * 2));
    for (let i = Math.floor((kept - 2) / FAN); i >= 0; i--) {
      this.siftDown(i, this.#deadlines[i] as number, this.#orders[i] as number, this.#timers[i] as Timer);
    }
  }

  private siftUp(hole: number, deadline: number, order: number, timer: Timer): void {
    const deadlines = this.#deadlines;
    let at = hole;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      // A newer timer never overtakes an equal deadline, so the order needs no look here.
      if ((deadlines[parent] as number) <= deadline) break;
      this.place(at, deadlines[parent] as number, this.#orders[parent] as number, this.#timers[parent] as Timer);
      at = parent;
    }
    this.place(at, deadline, order, timer);
  }

  private siftDown(hole: number, deadline: number, order: number, timer: Timer): void {
    const deadlines = this.#deadlines;
    const orders = this.#orders;
    const size = this.#timers.length;
    let at = hole;
    for (;;) {
      const firstChild = at * FAN + 1;
      if (firstChild >= size) break;
      let least = firstChild;
      const end = Math.min(firstChild + FAN, size);
      for (let child = firstChild + 1; child < end; child++) {
        const a = deadlines[child] as number;
        const b = deadlines[least] as number;
        if (a < b || (a === b && (orders[child] as number) < (orders[least] as number))) least = child;
      }
      const d = deadlines[least] as number;
      if (deadline < d || (deadline === d && order < (orders[least] as number))) break;
      this.place(at, d, orders[least] as number, this.#timers[least] as Timer);
      at = least;
    }
    this.place(at, deadline, order, timer);
  }

  private place(at: number, deadline: number, order: number, timer: Timer): void {
    this.#deadlines[at] = deadline;
    this.#orders[at] = order;
    this.#timers[at] = timer;
  }

  private resize(capacity: number): void {
    const deadlines = new Float64Array(capacity);
    const orders = new Float64Array(capacity);
    const kept = Math.min(capacity, this.#deadlines.length);
    deadlines.set(this.#deadlines.subarray(0, kept));
    orders.set(this.#orders.subarray(0, kept));
    this.#deadlines = deadlines;
    this.#orders = orders;
  }
}
