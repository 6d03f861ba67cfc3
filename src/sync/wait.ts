// One wait for something: the operation, its iterator and its place in a WaitQueue in one object.

import { here } from '../kernel/here.ts';
import type { Operation, Park } from '../kernel/operation.ts';
import { giveWay, park, spend } from '../kernel/park.ts';
import type { Resource } from '../kernel/resource.ts';
import type { Task } from '../kernel/task.ts';
import type { WaitQueue } from './wait-queue.ts';

const NEW = 0;
const WAITING = 1;
const GRANTED = 2; // what it waits for is its own from now on
const OVER = 3;

/** A primitive's waits say how to take what is free, and how to give back what was granted and not taken. */
export abstract class Wait<T> implements Operation<T>, Iterator<Park, T, void>, Resource {
  /** @internal Kept by the queue. */
  queue: WaitQueue<Wait<unknown>> | null = null;
  /** @internal */ previous: Wait<unknown> | null = null;
  /** @internal */ following: Wait<unknown> | null = null;
  /** @internal Who waits, or has waited. */
  task: Task<unknown> | null = null;
  #state = NEW;
  #refusal: Error | null = null;

  /** Awaited once more, it is a new wait. */
  [Symbol.iterator](): Wait<T> {
    return this.#state === NEW ? this : this.renew();
  }

  next(): IteratorResult<Park, T> {
    if (this.#state === NEW) {
      if (spend()) return giveWay(this);
      this.task = here.task;
      if (this.attempt()) return this.end();
      this.enqueue();
    } else if (this.#state === GRANTED) {
      return this.end();
    } else if (this.queue === null) {
      // Passed over for a cancel, and yet it insists on waiting: so it is the next.
      if (this.attempt()) return this.end();
      this.line.add(this, true);
    }
    return park(this);
  }

  return(): IteratorResult<Park, T> {
    if (this.queue !== null) this.queue.remove(this);
    else if (this.#state === GRANTED && this.#refusal === null) this.decline();
    this.#state = OVER;
    return { done: true, value: undefined as T };
  }

  /** Takes its place in the line. */
  enqueue(): void {
    this.task = here.task;
    this.#state = WAITING;
    this.line.add(this);
  }

  /** @internal For the queue: false if the task is about to leave. */
  grant(): boolean {
    if (!(this.task as Task<unknown>).wake()) return false;
    this.#state = GRANTED;
    return true;
  }

  /** Ends the wait with an error. */
  refuse(error: Error): void {
    this.queue?.remove(this);
    if (this.grant()) this.#refusal = error;
  }

  /** @internal Whether its cancel was decided already. */
  get leaving(): boolean {
    return (this.task as Task<unknown>).doomed;
  }

  private end(): IteratorReturnResult<T> {
    this.#state = OVER;
    if (this.#refusal !== null) throw this.#refusal;
    return { done: true, value: this.deliver() };
  }

  abstract toString(): string;
  /** Where it waits. */
  protected abstract get line(): WaitQueue<Wait<T>>;
  /** Takes it if it is free; throws if it never will be. */
  protected abstract attempt(): boolean;
  /** The result of the wait. */
  protected abstract deliver(): T;
  /** Gives back what was granted, for the next. */
  protected abstract decline(): void;
  /** The same wait, not begun. */
  protected abstract renew(): Wait<T>;
}
