// What one task puts, another gets. (asyncio: Queue)
//
//   put(x) -> | waiting puts | -> | items, at most maxsize | -> | waiting gets | -> get()
//
// Items are handed over in the moment in which there is somebody to take them: so gets wait only while it is empty, puts
// only while it is full, and nobody overtakes.

import { isOperation } from '../kernel/begin.ts';
import {
  ArgumentRangeError,
  InvalidStateError,
  QueueEmptyError,
  QueueFullError,
  QueueShutDownError,
} from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { Ring } from '../kernel/ring.ts';
import { label } from './label.ts';
import { QueueIterator } from './queue-iterator.ts';
import { type Source, Wait } from './wait.ts';
import { WaitQueue } from './wait-queue.ts';

/** In which order items leave a queue. */
export interface Store<T> {
  readonly size: number;
  add(item: T): void;
  /** The next one. Only to be called when size > 0. */
  take(): T;
  /** An item that was taken comes back: it is to be the next again. */
  putBack(item: T): void;
}

export interface QueueOptions {
  /** For people: it is in messages and in formatTasks(). */
  name?: string;
}

/**
 * First in, first out.
 * @example
 * const jobs = new Queue(100);
 * createTask(() => jobs.forEach(work)); // a consumer
 * yield* jobs.put(job); // suspends while 100 wait
 * jobs.shutdown(); // the consumer works off what is there, and ends
 */
export class Queue<T> {
  /** How many items it holds at most; 0 for any number. */
  readonly maxsize: number;
  readonly #getters = new Getters<T>(this);
  readonly #putters = new Putters<T>(this);
  readonly #joiners = new Joiners<T>(this);
  readonly #name: string | undefined;
  readonly #store: Store<T>;
  #unfinished = 0;
  #shutDown = false;

  /** @throws RangeError unless `maxsize` is an integer of at least 0, or Infinity. */
  constructor(maxsize = 0, options: QueueOptions = {}) {
    if (maxsize !== Number.POSITIVE_INFINITY && (!Number.isInteger(maxsize) || maxsize < 0)) {
      const given = typeof maxsize === 'number' ? maxsize : typeof maxsize;
      throw new ArgumentRangeError(
        `a queue's maxsize is a whole number, or 0 for any number, and comes first; not ${given}`,
      );
    }
    this.maxsize = maxsize;
    this.#name = options.name;
    this.#store = this.createStore(options);
  }

  /** How many items are in it. */
  get size(): number {
    return this.#store.size;
  }

  get empty(): boolean {
    return this.#store.size === 0;
  }

  get full(): boolean {
    return this.maxsize !== 0 && this.#store.size >= this.maxsize;
  }

  /** Suspends while the queue is full. QueueShutDownError after shutdown(). */
  put(item: T): Operation<void> {
    return made(new Wait(this.#putters, item), 'put()');
  }

  /** Suspends while the queue is empty. QueueShutDownError once it is shut down and empty. */
  get(): Operation<T> {
    return made(new Wait(this.#getters), 'get()');
  }

  /** As put(), but never suspends: QueueFullError. */
  putNowait(item: T): void {
    if (!this.accept(item)) throw new QueueFullError(`${this} is full (${this.maxsize} items): use yield* put()`);
  }

  /** As get(), but never suspends: QueueEmptyError. */
  getNowait(): T {
    if (!this.hasNext()) throw new QueueEmptyError(`${this} is empty: use yield* get()`);
    return this.take();
  }

  /** Says that work on one item is done: see join(). InvalidStateError if that was said for all of them before. */
  taskDone(): void {
    if (this.#unfinished === 0) {
      throw new InvalidStateError(
        `taskDone() was called more often than items were put into ${this}: once for each get()`,
      );
    }
    this.finish(1);
  }

  /** Suspends until taskDone() was called for every item that was put; goes on at once if there was none. */
  join(): Operation<void> {
    return made(new Wait(this.#joiners), 'join()');
  }

  /**
   * No more put(): QueueShutDownError, also for those that wait. What is in it can still be got; `immediate` drops it, and
   * join() does not wait for that any more. Never suspends.
   */
  shutdown(options: { immediate?: boolean } = {}): void {
    this.#shutDown = true;
    for (const putter of this.#putters.waiters.present()) putter.refuse(this.shutDownError());
    if (options.immediate) {
      const dropped = this.#store.size;
      while (this.#store.size > 0) this.#store.take();
      this.finish(dropped);
    }
    if (this.empty) for (const getter of this.#getters.waiters.present()) getter.refuse(this.shutDownError());
  }

  /**
   * Awaits `body(item)` for each item until the queue is shut down and empty, and says taskDone() after each, also after
   * an error, which it throws. A plain function as the body will do: only an operation that it gives is awaited. Several tasks can share the items like this.
   */
  forEach(body: (item: T) => unknown): Operation<void> {
    return made(this.consume(body), 'forEach()');
  }

  toString(): string {
    return label(this, this.constructor.name, this.#name);
  }

  /** @internal Whether there is an item to take; QueueShutDownError if none will ever come. */
  hasNext(): boolean {
    if (this.#store.size > 0) return true;
    if (this.#shutDown) throw this.shutDownError();
    return false;
  }

  /** @internal The next item; the first who waits to put one has its place. */
  take(): T {
    const item = this.#store.take();
    this.refill();
    return item;
  }

  /** @internal Takes an item in, if there is a place for it. */
  accept(item: T): boolean {
    if (this.#shutDown) throw this.shutDownError();
    const getter = this.#getters.waiters.handOff();
    if (getter !== null) {
      getter.value = item;
      this.#unfinished++;
    } else if (this.full) return false;
    else this.store(item);
    return true;
  }

  /** @internal An item that its getter did not take. */
  giveBack(item: T): void {
    const getter = this.#getters.waiters.handOff();
    if (getter !== null) getter.value = item;
    else this.#store.putBack(item);
  }

  /** @internal */
  get unfinished(): number {
    return this.#unfinished;
  }

  protected createStore(_: QueueOptions): Store<T> {
    return new FifoStore<T>();
  }

  private refill(): void {
    for (;;) {
      const putter = this.#putters.waiters.handOff();
      if (putter === null) return;
      try {
        this.store(putter.item as T);
        return;
      } catch (error) {
        putter.fail(error); // its item cannot be compared: that is its error, not that of who makes room
      }
    }
  }

  private store(item: T): void {
    this.#store.add(item);
    this.#unfinished++;
  }

  private finish(count: number): void {
    this.#unfinished -= count;
    if (this.#unfinished === 0) this.#joiners.waiters.handOffAll();
  }

  /**
   * For asynchronous functions: `for await (const item of queue)` until it is shut down and empty. They stand in the same
   * line as the tasks that get, and need no loop of their own. Whoever leaves the loop leaves what is in the queue. As
   * after get(), taskDone() is the body's to say, if anybody is to join(): an item that was taken need not be done when
   * the next one is asked for (a stream reads ahead).
   */
  [Symbol.asyncIterator](): QueueIterator<T> {
    return new QueueIterator(this.#getters);
  }

  private *consume(body: (item: T) => unknown): Coroutine<void> {
    for (;;) {
      let item: T;
      try {
        item = yield* new Wait(this.#getters) as Operation<T>;
      } catch (error) {
        if (error instanceof QueueShutDownError) return;
        throw error;
      }
      try {
        const work = body(item);
        if (isOperation(work)) yield* work;
      } finally {
        this.taskDone();
      }
    }
  }

  private shutDownError(): QueueShutDownError {
    return new QueueShutDownError(`${this} is shut down`);
  }
}

class FifoStore<T> implements Store<T> {
  readonly #ring = new Ring<T>();

  get size(): number {
    return this.#ring.size;
  }

  add(item: T): void {
    this.#ring.push(item);
  }

  take(): T {
    const item = this.#ring.shift();
    this.#ring.relax(this.#ring.size);
    return item;
  }

  putBack(item: T): void {
    this.#ring.unshift(item);
  }
}

class Getters<T> implements Source<T> {
  readonly waiters = new WaitQueue<T>();
  readonly #queue: Queue<T>;

  constructor(queue: Queue<T>) {
    this.#queue = queue;
  }

  attempt(wait: Wait<T>): boolean {
    if (!this.#queue.hasNext()) return false;
    wait.value = this.#queue.take();
    return true;
  }

  letGo(wait: Wait<T>): void {
    this.#queue.giveBack(wait.value as T);
  }

  toString(): string {
    return `get from ${this.#queue}`;
  }
}

class Putters<T> implements Source<void> {
  readonly waiters = new WaitQueue<void>();
  readonly #queue: Queue<T>;

  constructor(queue: Queue<T>) {
    this.#queue = queue;
  }

  attempt(wait: Wait<void>): boolean {
    return this.#queue.accept(wait.item as T);
  }

  letGo(): void {} // the item is in the queue

  toString(): string {
    return `put into ${this.#queue}`;
  }
}

class Joiners<T> implements Source<void> {
  readonly waiters = new WaitQueue<void>();
  readonly #queue: Queue<T>;

  constructor(queue: Queue<T>) {
    this.#queue = queue;
  }

  attempt(): boolean {
    return this.#queue.unfinished === 0;
  }

  letGo(): void {}

  toString(): string {
    return `join of ${this.#queue} (not done: ${this.#queue.unfinished})`;
  }
}
