// Every primitive of src/sync but the queues, with a user who is cancelled everywhere and in every order: no lock stays
// held, no unit is lost, nobody waits for ever.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { BrokenBarrierError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { Barrier } from '../../src/sync/barrier.ts';
import { Condition } from '../../src/sync/condition.ts';
import { Event } from '../../src/sync/event.ts';
import { Lock } from '../../src/sync/lock.ts';
import { BoundedSemaphore, Semaphore } from '../../src/sync/semaphore.ts';
import { everyWay, type Program } from './every-way.ts';
import { ended, only } from './programs.ts';

const programs: Record<string, Program> = {
  *Lock(victim) {
    const lock = new Lock();
    const line = new Line(1);
    function* use(name: string, ms: number): Coroutine<void> {
      line.come(name);
      const guard = yield* lock.acquire();
      try {
        expect(lock.owner).toBe(currentTask());
        yield* line.inside(name, ms);
      } finally {
        guard.release();
      }
    }
    const a = createTask(() => use('a', 1));
    const task = victim(() => use('victim', 1));
    const b = createTask(() => use('b', 0));
    const thief = createTask(function* () {
      yield* sleep(1);
      if (!lock.tryAcquire()) return;
      expect(line.waiting.filter((name) => name !== 'victim')).toEqual([]); // or it would be theirs
      lock.release();
    });
    yield* ended(a, task, b, thief);
    line.check('a', 'b');
    expect([lock.locked, lock.tryAcquire()]).toEqual([false, true]);
  },

  *'Lock.with'(victim) {
    const lock = new Lock();
    const line = new Line(1);
    const use = (name: string) => lock.with(() => line.inside(name, 1));
    const a = createTask(() => only(use('a')));
    const task = victim(() => only(use('victim')));
    const b = createTask(() => only(use('b')));
    yield* ended(a, task, b);
    line.check('a', 'b');
    expect(lock.locked).toBe(false);
  },

  Semaphore: (victim) => semaphore(new Semaphore(2), victim),
  *BoundedSemaphore(victim) {
    const bounded = new BoundedSemaphore(2);
    yield* semaphore(bounded, victim);
    expect(() => bounded.release()).toThrow();
  },

  *Event(victim) {
    const event = new Event();
    const a = createTask(() => only(event.wait()));
    const task = victim(() => only(event.wait()));
    const setter = createTask(function* () {
      yield* sleep(1);
      event.set();
      event.clear();
    });
    yield* ended(a, task, setter);
    expect([event.isSet, a.state]).toEqual([false, 'returned']);
  },

  *Condition(victim) {
    const condition = new Condition();
    let items = 0;
    let taken = 0;
    function* take(): Coroutine<void> {
      yield* condition.acquire();
      try {
        yield* condition.waitFor(() => items > 0);
        items--;
        taken++;
      } finally {
        condition.release(); // it has the lock, however the wait ended
      }
    }
    const a = createTask(take);
    const task = victim(take);
    for (let i = 0; i < 2; i++) {
      yield* sleep(1);
      yield* condition.with(function* () {
        items++;
        condition.notify();
        yield* sleep(1); // whoever was told has to wait for the lock
      });
    }
    yield* ended(a, task);
    expect([condition.locked, taken + items, a.state]).toEqual([false, 2, 'returned']);
  },

  *'Condition.notify for one'(victim) {
    const condition = new Condition();
    const told: string[] = [];
    function* follow(name: string): Coroutine<void> {
      yield* condition.with(function* () {
        yield* condition.wait();
        told.push(name);
      });
    }
    const task = victim(() => follow('victim'));
    const a = createTask(() => follow('a'));
    yield* sleep(1);
    yield* condition.with(function* () {
      condition.notify();
      yield* sleep(1); // so that the one who was told can be cancelled while it waits for the lock
    });
    yield* sleep(5);
    // A notification that the victim did not follow is for the other.
    expect(told.length).toBe(1);
    yield* condition.with(function* () {
      condition.notifyAll();
    });
    yield* ended(task, a);
    expect([condition.locked, told]).toEqual([false, expect.arrayContaining(['a'])]);
  },

  *Barrier(victim) {
    const barrier = new Barrier(3);
    const passed: number[] = [];
    function* pass(): Coroutine<void> {
      try {
        passed.push(yield* barrier.wait());
      } catch (error) {
        expect(error).toBeInstanceOf(BrokenBarrierError);
      }
    }
    const task = victim(pass);
    const others = [createTask(pass), createTask(pass), createTask(pass)];
    yield* sleep(5);
    expect([...passed].sort()).toEqual([0, 1, 2]); // without the victim there are three as well
    barrier.abort();
    yield* ended(task, ...others);
    expect([barrier.waiting, barrier.broken, passed.length]).toEqual([0, true, 3]);
  },
};

function* semaphore(units: Semaphore, victim: Parameters<Program>[0]): Coroutine<void> {
  const line = new Line(2);
  function* use(name: string): Coroutine<void> {
    line.come(name);
    const guard = yield* units.acquire();
    try {
      yield* line.inside(name, 1);
    } finally {
      guard.release();
    }
  }
  const a = createTask(() => use('a'));
  const b = createTask(() => use('b'));
  const task = victim(() => use('victim'));
  const c = createTask(() => use('c'));
  yield* ended(a, b, task, c);
  line.check('a', 'b', 'c');
  expect([units.value, units.locked]).toEqual([2, false]);
}

/** Who is inside, at most so many at once, and in which order they came. */
class Line {
  readonly #most: number;
  readonly #came: string[] = [];
  readonly #entered: string[] = [];
  #inside = 0;
  constructor(most: number) {
    this.#most = most;
  }

  come(name: string): void {
    this.#came.push(name);
  }

  *inside(name: string, ms: number): Coroutine<void> {
    this.#entered.push(name);
    expect(++this.#inside).toBeLessThanOrEqual(this.#most);
    try {
      yield* sleep(ms);
    } finally {
      this.#inside--;
    }
  }

  /** Who has come and was not inside yet. */
  get waiting(): string[] {
    return this.#came.filter((name) => !this.#entered.includes(name));
  }

  /** These have been inside; and who said when it came was served in that order, if there is room for one. */
  check(...names: string[]): void {
    expect(this.#inside).toBe(0);
    expect(this.#entered).toEqual(expect.arrayContaining(names));
    if (this.#most > 1 || this.#came.length === 0) return;
    expect(this.#entered).toEqual(this.#came.filter((name) => this.#entered.includes(name)));
  }
}

test.each(Object.entries(programs))(
  'S82: %s loses nothing, wherever a cancel comes and in whatever order',
  (_, program) => {
    const { cancels, orders } = everyWay(program, 300);
    expect(Math.min(cancels, orders)).toBeGreaterThan(1);
  },
);
