// One wait for something: the operation, its iterator, its place in a line, and the guard of what it has got, all in one
// object. There is one class of them for all primitives, without a base class and without subclasses: so a program that
// uses many kinds makes them as fast as one that uses one. (V8 makes an object of a derived class several times slower.)
//
//   NEW ---- free at once ------------------------------------------> OVER
//    +--> GRANTED: free, but the step's budget is spent: next time ----+
//    +--> WAITING --- granted --> GRANTED, or refused --> REFUSED -----+
//            |  ^
//            +--+-- PASSED: its grant came too late for a cancel; if it insists on waiting it is the next

import { awaitedTwice } from '../kernel/errors.ts';
import { here } from '../kernel/here.ts';
import { DONE, type Operation, type Park } from '../kernel/operation.ts';
import { giveWay, park, spend } from '../kernel/park.ts';
import type { Resource } from '../kernel/resource.ts';
import type { Task } from '../kernel/task.ts';
import type { Guard } from './guard.ts';
import type { WaitQueue } from './wait-queue.ts';

/** What can be waited for. */
export interface Source<T> extends Resource {
  /** Those who wait. */
  readonly waiters: WaitQueue<T>;
  /** If it is free, makes it `wait.value` and gives true; throws if it never will be. */
  attempt(wait: Wait<T>): boolean;
  /** Takes back what the wait was granted, for the next: it was not taken, or is not needed any more. */
  letGo(wait: Wait<T>): void;
  /** Throws if the current task may not release what the wait was granted. */
  checkRelease?(wait: Wait<T>): void;
}

const NEW = 0;
const WAITING = 1;
const PASSED = 2;
const GRANTED = 3;
const REFUSED = 4;
const OVER = 5;

export class Wait<T> implements Operation<T>, Iterator<Park, T, void>, Guard, Resource {
  readonly source: Source<T>;
  /** What the wait is with: the item of a put. */
  readonly item: unknown;
  /** Its result, once it has been granted; the error if it was refused. */
  value: unknown;
  /** Who waits, or has waited. */
  task: Task<unknown> | null;
  private state: number;
  /** @internal */ previous: Wait<T> | null;
  /** @internal */ following: Wait<T> | null;

  constructor(source: Source<T>, item?: unknown) {
    this.source = source;
    this.item = item;
    this.value = undefined;
    this.task = null;
    this.state = NEW;
    this.previous = null;
    this.following = null;
  }

  /** Awaited once more, it is a new wait. */
  [Symbol.iterator](): Wait<T> {
    return this.state === NEW ? this : new Wait(this.source, this.item);
  }

  next(): IteratorResult<Park, T> {
    if (this.state === NEW) {
      this.task = here.task;
      if (this.source.attempt(this)) {
        if (!spend()) return this.end();
        this.state = GRANTED; // it gives way with what it has, or others would pass it
        return giveWay(this);
      }
      this.enqueue();
    } else if (this.task !== here.task) {
      throw awaitedTwice(here.task as Task<unknown>, this.task, this);
    } else if (this.state === GRANTED) {
      return this.end();
    } else if (this.state === REFUSED) {
      throw this.value;
    } else if (this.state === PASSED) {
      if (this.source.attempt(this)) return this.end();
      this.state = WAITING;
      this.source.waiters.add(this, true);
    }
    return park(this);
  }

  return(): IteratorResult<Park, T> {
    const { state } = this;
    this.state = OVER;
    if (state === WAITING) this.source.waiters.remove(this);
    else if (state === GRANTED) this.source.letGo(this);
    return { done: true, value: undefined as T };
  }

  /** Takes its place in the line. */
  enqueue(waiter = here.task): void {
    this.task = waiter;
    this.state = WAITING;
    this.source.waiters.add(this);
  }

  /** @internal For the line, which it has left: false if the task is about to leave. */
  grant(): boolean {
    const taken = (this.task as Task<unknown>).wake();
    this.state = taken ? GRANTED : PASSED;
    return taken;
  }

  /** Ends the wait with an error. */
  refuse(error: Error): void {
    this.source.waiters.remove(this);
    if (this.grant()) this.fail(error);
  }

  /** What it has been granted it cannot have: it ends with an error instead. */
  fail(error: unknown): void {
    this.state = REFUSED;
    this.value = error;
  }

  /** @internal Whether its cancel was decided already. */
  get leaving(): boolean {
    return (this.task as Task<unknown>).doomed;
  }

  /** As a guard. */
  release(): void {
    if (this.value !== this) return; // released before
    this.source.checkRelease?.(this);
    this.value = undefined;
    this.source.letGo(this);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  get holders(): readonly Task<unknown>[] {
    return this.source.holders ?? [];
  }

  toString(): string {
    return String(this.source);
  }

  /**
   * For asynchronous functions, which are no task and stand in the same line: settles when outcome() has something to
   * say. Until that is called leave() gives back what was granted.
   */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.source.attempt(this)) {
        this.state = GRANTED;
        resolve();
        return;
      }
      // What it is granted is written after the wake, and who awaits this goes on after both.
      const wake = (): boolean => {
        resolve();
        return true;
      };
      this.enqueue({ name: 'an asynchronous function', doomed: false, wake } as Task<unknown>); // all that a line asks for
    });
  }

  /** What came of settled(): done if it was left. In an object, since a promise would await a value that is one. */
  outcome(): IteratorResult<T, undefined> {
    if (this.state === REFUSED) throw this.value;
    if (this.state === OVER) return DONE;
    return { done: false, value: this.end().value };
  }

  /** Ends settled(), as return() ends the wait of a task. */
  leave(): void {
    this.return();
    this.task?.wake();
  }

  private end(): IteratorReturnResult<T> {
    this.state = OVER;
    return { done: true, value: this.value as T };
  }
}
