// What the kernel's tests share: a kernel turned by hand, a few operations written with nothing but park() and wake(), and
// the garbage collector.

import { DebugMode } from '../../src/debug/debug-mode.ts';
import { claim } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Instrument } from '../../src/kernel/instruments.ts';
import { Kernel, type Unhandled } from '../../src/kernel/kernel.ts';
import type { Coroutine, Main, Operation, Park } from '../../src/kernel/operation.ts';
import { park, wake } from '../../src/kernel/park.ts';
import { closedError, Readiness } from '../../src/kernel/readiness.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import type { Task } from '../../src/kernel/task.ts';
import type { Timer } from '../../src/kernel/timer.ts';
import { FakeSelector } from '../../src/testing/fake-selector.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

export { seeded } from '../../src/testing/seeded.ts';
export { simulate } from '../../src/testing/simulate.ts';

/** A clock and a selector that belong together, for the options of simulate(). */
export function world(start = 0): { clock: VirtualClock; selector: FakeSelector } {
  const clock = new VirtualClock(start);
  return { clock, selector: new FakeSelector(clock) };
}

/** A kernel whose turns the test takes itself, where it has to look in between (or to let the collector run). */
export class Crank {
  readonly clock = new VirtualClock();
  readonly selector = new FakeSelector(this.clock);
  readonly reports: Unhandled[] = [];
  readonly kernel: Kernel;

  constructor(options: { debug?: boolean; instruments?: Instrument[] } = {}) {
    const onUnhandled = (report: Unhandled) => this.reports.push(report);
    const debug = options.debug ? new DebugMode() : null;
    this.kernel = new Kernel({ ...options, debug, selector: this.selector, clock: this.clock, onUnhandled });
  }

  spawn<T>(main: Main<T>, name?: string): Task<T> {
    return this.kernel.spawn(claim(main, 'spawn()'), name);
  }

  /** Takes so many turns, each after a look at the selector that waits for nothing. */
  turn(times = 1): void {
    for (let i = 0; i < times; i++) this.kernel.turn(this.selector.wait(0));
  }
}

/** A descriptor of the fake selector, registered with the running loop. */
export function open(fd: number, interest = READ, close: () => void = () => {}): Readiness {
  return new Readiness(fd, interest, close);
}

/** Takes the data that a row announced, as a socket's recv() does. */
export function receive(source: Readiness): Operation<string> {
  const iterator: Iterator<Park, string, void> = {
    next: () => {
      source.checkReader();
      if (!source.closed && !source.readable) return source.parkReader(source);
      source.reader = null;
      if (source.closed) throw closedError('fake socket');
      source.readable = false;
      return { done: true, value: 'data' };
    },
    return: () => {
      source.reader = null;
      return { done: true, value: '' };
    },
  };
  return { [Symbol.iterator]: () => iterator };
}

/** A timer that cancels a task the moment it fires, before any step: what a timeout is made of. */
export class Expiry implements Timer {
  armed = false;
  readonly #task: Task<unknown>;

  constructor(task: Task<unknown>, ms: number) {
    this.#task = task;
    task.kernel.timers.add(this, task.kernel.clock.now() + ms);
  }

  fire(): void {
    this.#task.cancel('expired');
  }
}

/** Parks until somebody wakes the task, and counts how often it was polled and left. */
export class Pause implements Operation<void> {
  polls = 0;
  left = 0;
  over = false;
  task: Task<unknown> | null = null;

  /** What wake() said. */
  end(): boolean {
    this.over = true;
    return wake(this.task as Task<unknown>);
  }

  [Symbol.iterator](): Iterator<Park, void, void> {
    this.task = currentTask();
    return {
      next: () => {
        this.polls++;
        return this.over ? { done: true, value: undefined } : park(this);
      },
      return: () => {
        this.left++;
        return { done: true, value: undefined };
      },
    };
  }
}

/** Hands each item to one waiting task, or keeps it: the smallest thing that could lose one. */
export class Mailbox<T> {
  readonly kept: T[] = [];
  /** Items that were handed over to a task which then left without them: must stay empty. */
  readonly lost: T[] = [];
  readonly #waiting = new Set<{ task: Task<unknown>; items: T[] }>();

  get waiting(): number {
    return this.#waiting.size;
  }

  put(item: T): void {
    for (const slot of this.#waiting) {
      this.#waiting.delete(slot);
      if (!wake(slot.task)) continue;
      slot.items.push(item);
      return;
    }
    this.kept.push(item);
  }

  take(): Operation<T> {
    const slot = { task: currentTask(), items: [] as T[] };
    const iterator: Iterator<Park, T, void> = {
      next: () => {
        const items = slot.items.length > 0 ? slot.items : this.kept;
        if (items.length > 0) {
          this.#waiting.delete(slot);
          return { done: true, value: items.shift() as T };
        }
        this.#waiting.add(slot);
        return park(this);
      },
      return: () => {
        this.#waiting.delete(slot);
        this.lost.push(...slot.items);
        return { done: true, value: undefined as T };
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }
}

/** Runs `body` and gives what it threw; fails the test if it threw nothing. */
export function thrownBy(body: () => unknown): Error & { code?: string } {
  try {
    body();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** Likewise for an operation that is awaited. */
export function* thrownIn(operation: Operation<unknown>): Coroutine<Error & { code?: string }> {
  try {
    yield* operation;
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** A full collection. Throws without --expose-gc, so that no memory test passes by not looking. */
export function collectGarbage(): void {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('this test needs node --expose-gc: see execArgv in vitest.config.ts');
  gc();
}

/** Bytes in use after a full collection, typed arrays included. */
export function bytesInUse(): number {
  collectGarbage();
  collectGarbage(); // what the first one freed the handles of
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
