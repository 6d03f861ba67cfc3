// Lock: one at a time, in the order of coming, and nothing lost to those who leave.

import { expect, test } from 'vitest';
import { gather } from '../../src/compose/gather.ts';
import { moveOnAfter } from '../../src/compose/timeout.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { InvalidStateError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import { Insist } from '../../src/kernel/insist.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Guard } from '../../src/sync/guard.ts';
import { Lock } from '../../src/sync/lock.ts';
import { simulateToEnd as simulate } from '../compose/programs.ts';
import { bytesInUse, thrownBy, thrownIn, world } from '../kernel/helpers.ts';

/** Holds the lock for `ms`, and notes that. */
function* hold(lock: Lock, log: unknown[], name: string, ms = 1): Coroutine<void> {
  const guard = yield* lock.acquire();
  log.push(name);
  try {
    yield* sleep(ms);
  } finally {
    guard.release();
  }
}

test('S50: one holds it, the others get it in the order in which they came', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const lock = new Lock();
    yield* gather(['a', 'b', 'c', 'd'].map((name) => hold(lock, log, name, 5)));
    expect([now(), lock.locked, lock.owner]).toEqual([20, false, null]);
  });
  expect(log).toEqual(['a', 'b', 'c', 'd']);
});

test('S14, S50: who has spent the budget of its step keeps its place: nobody who comes later passes it', () => {
  const BUDGET = 128;
  const log: unknown[] = [];
  simulate(function* () {
    for (const held of [true, false]) {
      const lock = new Lock();
      if (held) lock.tryAcquire();
      const busy = createTask(function* () {
        const own = new Lock();
        for (let i = 0; i < BUDGET; i++) yield* own.with(function* () {});
        yield* hold(lock, log, 'first', 0);
      });
      const late = createTask(hold(lock, log, 'second', 0));
      yield* sleep(0);
      if (held) lock.release();
      yield* gather([busy, late]);

      const leaves = createTask(function* () {
        for (let i = 0; i < BUDGET; i++) yield* new Lock().acquire();
        yield* lock.acquire();
      });
      yield* sleep(0);
      expect(lock.owner).toBe(leaves); // it has it, and gives way to others
      leaves.cancel();
      yield* hold(lock, log, 'third', 0);
    }
  });
  expect(log).toEqual(['first', 'second', 'third', 'first', 'second', 'third']);
});

test('S50: a waiter that is cancelled, also in the turn of the hand-off, passes the lock on', () => {
  for (const when of ['waiting', 'before', 'after']) {
    const log: unknown[] = [];
    simulate(function* () {
      const lock = new Lock();
      const guard = yield* lock.acquire();
      const victim = createTask(() => hold(lock, log, 'victim', 50));
      const next = createTask(() => hold(lock, log, 'next'));
      yield* sleep(1);
      if (when !== 'after') victim.cancel();
      if (when === 'waiting') yield* sleep(1);
      guard.release();
      if (when === 'after') {
        expect(lock.owner).toBe(victim);
        victim.cancel(); // it has the lock already: it takes it, and leaves at its next suspension
      }
      yield* next;
      expect([lock.locked, victim.state, now() < 5]).toEqual([false, 'cancelled', true]);
    });
    expect(log).toEqual(when === 'after' ? ['victim', 'next'] : ['next']);
  }
});

test('S50: of N waiters exactly one proceeds, whoever of them is cancelled', () => {
  for (let mask = 0; mask < 16; mask++) {
    simulate(function* () {
      const lock = new Lock();
      const log: unknown[] = [];
      const guard = yield* lock.acquire();
      const waiters = ['a', 'b', 'c', 'd'].map((name) => createTask(() => hold(lock, log, name)));
      yield* sleep(1);
      waiters.forEach((task, i) => {
        if ((mask >> i) & 1) task.cancel();
      });
      guard.release();
      yield* sleep(100);
      expect(log).toEqual(['a', 'b', 'c', 'd'].filter((_, i) => !((mask >> i) & 1)));
      expect(lock.locked).toBe(false);
    });
  }
});

test('S50: the owner is checked on release', () => {
  simulate(function* () {
    const lock = new Lock({ name: 'db' });
    expect(thrownBy(() => lock.release()).message).toContain('released Lock db without holding it (nobody does)');
    const owner = createTask(() => hold(lock, [], 'owner', 10), { name: 'owner' });
    yield* sleep(1);
    const error = thrownBy(() => lock.release());
    expect(error).toBeInstanceOf(InvalidStateError);
    expect(error.message).toContain('(owner does)');
    expect(lock.owner).toBe(owner);
    yield* owner;
  });
});

test('S50: the owner that acquires it again gets an error in place of an endless wait', () => {
  simulate(function* () {
    const lock = new Lock({ name: 'db' });
    const guard = yield* lock.acquire();
    expect((yield* thrownIn(lock.acquire())).message).toContain('holds Lock db already');
    guard.release();
    expect(lock.locked).toBe(false);
  });
});

test('S51: between release and the step of the waiter the lock is the waiter’s: nobody overtakes', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const lock = new Lock();
    const guard = yield* lock.acquire();
    const waiter = createTask(() => hold(lock, log, 'waiter'));
    yield* sleep(1);
    guard.release();
    expect([lock.locked, lock.tryAcquire(), lock.owner === waiter]).toEqual([true, false, true]);
    yield* hold(lock, log, 'late');
    expect([lock.tryAcquire(), lock.owner === currentTask(), lock.tryAcquire()]).toEqual([true, true, false]);
    lock.release();
  });
  expect(log).toEqual(['waiter', 'late']);
});

test('a guard lets go once, and only of what it was given for', () => {
  simulate(function* () {
    const lock = new Lock();
    const first = yield* lock.acquire();
    first.release();
    first.release();
    const second = yield* lock.acquire();
    first.release();
    expect(lock.locked).toBe(true);
    lock.release();
    expect(lock.locked).toBe(false);
    expect(lock.tryAcquire()).toBe(true);
    second[Symbol.dispose]();
    expect(lock.locked).toBe(true);
    lock.release();
    {
      using _ = yield* lock.acquire();
      expect(lock.locked).toBe(true);
    }
    expect(lock.locked).toBe(false);
  });
});

test('with() holds it while the body runs, and lets go however that ends', () => {
  simulate(function* () {
    const lock = new Lock();
    const body = function* (): Coroutine<string> {
      expect(lock.owner).toBe(currentTask());
      yield* sleep(1);
      return 'result';
    };
    expect(yield* lock.with(body)).toBe('result');
    const error = yield* thrownIn(
      lock.with(function* () {
        throw new Error('body');
      }),
    );
    expect([error.message, lock.locked]).toEqual(['body', false]);
    expect(yield* moveOnAfter(5, () => lock.with(() => sleep(100)))).toBe(undefined);
    expect(lock.locked).toBe(false);
  });
});

test('an acquire that is awaited twice acquires twice', () => {
  simulate(function* () {
    const lock = new Lock();
    const acquire = lock.acquire();
    (yield* acquire).release();
    (yield* acquire).release();
    expect(lock.locked).toBe(false);
  });
});

test('an acquire that two tasks await is two acquires', () => {
  simulate(function* () {
    const lock = new Lock();
    const acquire = lock.acquire();
    const use = function* (): Coroutine<void> {
      const guard = yield* acquire;
      expect(lock.owner).toBe(currentTask());
      yield* sleep(5);
      guard.release();
    };
    const tasks = [createTask(use), createTask(use), createTask(use)];
    for (const task of tasks) yield* task;
    expect([lock.locked, now()]).toEqual([false, 15]);
  });
});

test('who was passed over for a cancel and insists on waiting is the next', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const lock = new Lock();
    const guard = yield* lock.acquire();
    const stubborn = createTask(function* () {
      const own = (yield* new Insist(lock.acquire())) as Guard;
      log.push('stubborn', now());
      own.release();
    });
    const other = createTask(() => hold(lock, log, 'other', 10));
    createTask(() => hold(lock, log, 'last', 10));
    yield* sleep(1);
    stubborn.cancel();
    guard.release(); // too late for the first: the second has it
    yield* other;
    yield* sleep(50);
    expect([lock.locked, stubborn.state]).toEqual([false, 'cancelled']);
  });
  expect(log).toEqual(['other', 'stubborn', 11, 'last']);
});

test('S62: two hundred thousand cancelled acquires leave memory where it was', () => {
  const { clock, selector } = world();
  const main = function* (): Coroutine<void> {
    const lock = new Lock();
    lock.tryAcquire();
    const other = createTask(function* () {
      const round = function* (count: number): Coroutine<number> {
        for (let i = 0; i < count; i++) yield* moveOnAfter(1, () => lock.acquire());
        selector.waits.length = 0;
        return bytesInUse();
      };
      const before = yield* round(1000);
      expect((yield* round(200_000)) - before).toBeLessThan(2_000_000);
    });
    yield* other;
  };
  simulate(main, { clock, selector });
});

test('a lock in a loop gives way, so that others run', () => {
  simulate(function* () {
    const lock = new Lock();
    let other = false;
    createTask(function* () {
      other = true;
    });
    for (let i = 0; i < 1000 && !other; i++) (yield* lock.acquire()).release();
    expect(other).toBe(true);
  });
});

test('names are for people: the given one, or a number', () => {
  expect(String(new Lock({ name: 'db' }))).toBe('Lock db');
  const [a, b] = [new Lock(), new Lock()];
  const number = Number(String(b).replace('Lock-', ''));
  expect([String(a), String(b), String(a)]).toEqual([`Lock-${number + 1}`, `Lock-${number}`, `Lock-${number + 1}`]);
});

test('S50: a guard in the hand of another task does not release the lock', () => {
  simulate(function* () {
    const lock = new Lock({ name: 'till' });
    const guard = yield* lock.acquire();
    const thief = createTask(
      function* () {
        return thrownBy(() => guard.release());
      },
      { name: 'thief' },
    );
    const error = yield* thief;
    expect(error).toBeInstanceOf(InvalidStateError);
    expect(error.message).toContain('thief released Lock till without holding it');
    expect(lock.owner).toBe(currentTask());
    guard.release();
    guard.release(); // and once more, as always, is nothing
    expect(lock.locked).toBe(false);
    expect(
      yield* createTask(function* () {
        guard.release(); // it holds nothing any more
        return 'nothing';
      }),
    ).toBe('nothing');
  });
});
