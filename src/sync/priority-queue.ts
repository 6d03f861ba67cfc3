// The least item first. (asyncio: PriorityQueue)

import { ArgumentTypeError } from '../kernel/errors.ts';
import { Queue, type QueueOptions, type Store } from './queue.ts';

export interface PriorityQueueOptions<T> extends QueueOptions {
  /** Below 0 if `a` goes first, as for Array.sort(); by default what `a < b` says. */
  compare?: (a: T, b: T) => number;
}

/**
 * As Queue, but the least item leaves first; of equal ones the oldest.
 * @example
 * const jobs = new PriorityQueue(0, { compare: (a, b) => a.urgency - b.urgency });
 */
export class PriorityQueue<T> extends Queue<T> {
  constructor(maxsize = 0, options: PriorityQueueOptions<T> = {}) {
    super(maxsize, options);
  }

  protected override createStore({ compare = natural }: PriorityQueueOptions<T>): Store<T> {
    return new HeapStore<T>(compare);
  }
}

function natural<T>(a: T, b: T): number {
  if (typeof a === 'object' || typeof b === 'object') {
    throw new ArgumentTypeError('a PriorityQueue of objects or arrays needs { compare: (a, b) => a.rank - b.rank }');
  }
  return a < b ? -1 : b < a ? 1 : 0;
}

interface Entry<T> {
  readonly item: T;
  /** Ties go by this. */
  readonly order: number;
}

/** A binary heap: no entry goes before its parent, which is at half its index. */
class HeapStore<T> implements Store<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #heap: Entry<T>[] = [];
  #newest = 0;
  #oldest = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#heap.length;
  }

  add(item: T): void {
    this.insert({ item, order: ++this.#newest });
  }

  putBack(item: T): void {
    const entry = { item, order: --this.#oldest };
    try {
      this.insert(entry);
    } catch (error) {
      this.liftOut(this.#heap.push(entry) - 1); // to where it came from, without a comparison
      this.#heap[0] = entry;
      throw error;
    }
  }

  take(): T {
    const heap = this.#heap;
    const first = heap[0] as Entry<T>;
    const last = heap.pop() as Entry<T>;
    if (heap.length > 0) this.sink(last, first);
    return first.item;
  }

  private insert(entry: Entry<T>): void {
    const heap = this.#heap;
    // First where to, then the moving: compare() may throw, and then nothing has changed.
    let place = heap.length;
    while (place > 0 && this.before(entry, heap[(place - 1) >> 1] as Entry<T>)) place = (place - 1) >> 1;
    let at = heap.push(entry) - 1;
    while (at > place) {
      const parent = (at - 1) >> 1;
      heap[at] = heap[parent] as Entry<T>;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Puts `entry`, which was the last, in place of `first`; if compare() throws, all is as it was. */
  private sink(entry: Entry<T>, first: Entry<T>): void {
    const heap = this.#heap;
    let at = 0;
    try {
      for (;;) {
        let child = 2 * at + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && this.before(heap[child + 1] as Entry<T>, heap[child] as Entry<T>)) child++;
        if (!this.before(heap[child] as Entry<T>, entry)) break;
        heap[at] = heap[child] as Entry<T>;
        at = child;
      }
    } catch (error) {
      this.liftOut(at);
      heap[0] = first;
      heap.push(entry);
      throw error;
    }
    heap[at] = entry;
  }

  /** Moves all above the place `at` down by one: the place at the top is free then. */
  private liftOut(at: number): void {
    const heap = this.#heap;
    for (let place = at; place > 0; place = (place - 1) >> 1) heap[place] = heap[(place - 1) >> 1] as Entry<T>;
  }

  private before(a: Entry<T>, b: Entry<T>): boolean {
    return (this.#compare(a.item, b.item) || a.order - b.order) < 0;
  }
}
