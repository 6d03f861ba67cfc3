// The timers of one kernel, in sorted runs: a new timer goes to the end of the run that ends closest before its deadline,
// and begins a run of its own if all end later (as cards are laid out in patience sorting). So timers of one duration are
// one run, those of a hundred durations a hundred, and a million of random ones about two thousand. A small heap has the runs by what
// each begins with: whatever their number, adding and firing touch the ends of a few arrays.
//
//   three runs      5 7 9   4 6     3          the one with the latest end first; the heap: 3 4 5
//   8 is added      5 7 9   4 6 8   3
//   2 is added      5 7 9   4 6 8   3   2
//
// Among equal deadlines the oldest lies in the run with the latest end, for only what ends later makes a timer go elsewhere.
//
// Cancelling only marks a timer; when more than half of them are marked, they are swept out of the runs, which keeps a
// cancel cheap and memory bounded.

import type { Timer } from './timer.ts';
import { Run } from './timer-run.ts';

const FAN = 4;
const SMALL = 64;

export class Timers {
  /** The one with the latest end first. No two end alike. */
  #runs: Run[] = [];
  /** Their ends, together: whoever looks for a place meets a few cache lines. */
  #ends: number[] = [];
  /** The runs again, as a 4-ary heap over their first deadlines, */
  #heap: Run[] = [];
  /** which are these. */
  #firsts: number[] = [];
  /** An empty one, to be used again. */
  #spare: Run | null = null;
  /** Where the last place was found. */
  #near = 0;
  #count = 0;
  #cancelled = 0;

  /** How many are armed. */
  get size(): number {
    return this.#count - this.#cancelled;
  }

  /** Arms the timer for `deadline`, in the kernel clock's milliseconds. */
  add(timer: Timer, deadline: number): void {
    timer.armed = true;
    this.#count++;
    const runs = this.#runs;
    const at = this.placeOf(deadline);
    if (at < runs.length) {
      (runs[at] as Run).append(timer, deadline);
      this.#ends[at] = deadline;
      return;
    }
    const run = this.#spare ?? new Run();
    this.#spare = null;
    run.append(timer, deadline);
    runs.push(run);
    this.#ends.push(deadline);
    this.siftUp(this.#heap.length, run);
  }

  cancel(timer: Timer): void {
    if (!timer.armed) return;
    timer.armed = false;
    this.#cancelled++;
    if (this.#cancelled > SMALL && this.#cancelled * 2 > this.#count) this.sweep();
  }

  /** Those that are armed, in no order. */
  forEach(visit: (timer: Timer, deadline: number) => void): void {
    for (const run of this.#runs) {
      run.forEach((timer, deadline) => {
        if (timer.armed) visit(timer, deadline);
      });
    }
  }

  /** The earliest deadline, Infinity when none is armed. */
  next(): number {
    while (this.#count > 0) {
      const run = this.#heap[0] as Run;
      if ((run.head as Timer).armed) return this.#firsts[0] as number;
      this.removeFirst(run);
      this.#cancelled--;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Fires what is due at `now`, earliest first; equal deadlines in the order of creation. */
  expire(now: number): void {
    while (this.next() <= now) {
      const timer = this.removeFirst(this.#heap[0] as Run);
      timer.armed = false;
      timer.fire();
    }
  }

  // Of the first run, in the heap's sense.
  private removeFirst(run: Run): Timer {
    const timer = run.takeFirst();
    this.#count--;
    if (run.head !== undefined) {
      this.siftDown(0, run);
      return timer;
    }
    const last = this.#heap.pop() as Run;
    this.#firsts.pop();
    if (last !== run) this.siftDown(0, last);
    const at = this.placeOf(run.end);
    this.#runs.splice(at, 1);
    this.#ends.splice(at, 1);
    this.#spare = run;
    return timer;
  }

  // The run that ends closest before the deadline, or with it; their number if all end later. It looks near the last place
  // first, for timers come in flocks, and halves what is left.
  private placeOf(deadline: number): number {
    const ends = this.#ends;
    const { length } = ends;
    let low = 0;
    let high = length;
    const near = Math.min(this.#near, length - 1);
    let stride = 1;
    if (near >= 0 && (ends[near] as number) <= deadline) {
      high = near;
      while (high >= stride && (ends[high - stride] as number) <= deadline) {
        high -= stride;
        stride *= 2;
      }
      low = Math.max(0, high - stride);
    } else {
      low = near + 1;
      while (low + stride <= length && (ends[low + stride - 1] as number) > deadline) {
        low += stride;
        stride *= 2;
      }
      high = Math.min(low + stride, length);
    }
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) <= deadline) high = middle;
      else low = middle + 1;
    }
    this.#near = low;
    return low;
  }

  private sweep(): void {
    for (const run of this.#runs) run.sweep();
    this.#runs = this.#runs.filter((run) => run.head !== undefined);
    this.#ends = this.#runs.map((run) => run.end);
    this.#count -= this.#cancelled;
    this.#cancelled = 0;
    this.#heap = [];
    this.#firsts = [];
    for (const run of this.#runs) this.siftUp(this.#heap.length, run);
  }

  private siftUp(hole: number, run: Run): void {
    const heap = this.#heap;
    const firsts = this.#firsts;
    let at = hole;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (!before(run.first, run, firsts[parent] as number, heap[parent] as Run)) break;
      this.place(at, firsts[parent] as number, heap[parent] as Run);
      at = parent;
    }
    this.place(at, run.first, run);
  }

  private siftDown(hole: number, run: Run): void {
    const heap = this.#heap;
    const firsts = this.#firsts;
    const { first } = run;
    let at = hole;
    for (;;) {
      const firstChild = at * FAN + 1;
      if (firstChild >= heap.length) break;
      let least = firstChild;
      const end = Math.min(firstChild + FAN, heap.length);
      for (let child = firstChild + 1; child < end; child++) {
        if (before(firsts[child] as number, heap[child] as Run, firsts[least] as number, heap[least] as Run))
          least = child;
      }
      if (!before(firsts[least] as number, heap[least] as Run, first, run)) break;
      this.place(at, firsts[least] as number, heap[least] as Run);
      at = least;
    }
    this.place(at, first, run);
  }

  private place(at: number, first: number, run: Run): void {
    this.#firsts[at] = first;
    this.#heap[at] = run;
  }
}

function before(first: number, run: Run, other: number, otherRun: Run): boolean {
  return first < other || (first === other && run.end > otherRun.end);
}
