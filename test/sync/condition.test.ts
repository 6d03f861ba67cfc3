// Condition: whoever comes back from wait() has the lock, in every case.

import { expect, test } from 'vitest';
import { moveOnAfter, timeout } from '../../src/compose/timeout.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { InvalidStateError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { Condition } from '../../src/sync/condition.ts';
import { Event } from '../../src/sync/event.ts';
import { Lock } from '../../src/sync/lock.ts';
import { simulateToEnd as simulate } from '../compose/programs.ts';
import { thrownBy, thrownIn } from '../kernel/helpers.ts';

function* follow(condition: Condition, lock: Lock, log: unknown[], name: string): Coroutine<void> {
  yield* condition.with(function* () {
    try {
      yield* condition.wait();
      log.push(name);
    } finally {
      if (lock.owner !== currentTask()) log.push(`${name} has no lock`);
    }
  });
}

test('S55: notify wakes in the order of coming; wait() has the lock again when it ends', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const lock = new Lock();
    const condition = new Condition(lock);
    const tasks = ['a', 'b', 'c', 'd'].map((name) => createTask(() => follow(condition, lock, log, name)));
    yield* sleep(1);
    yield* condition.with(function* () {
      condition.notify(2);
      yield* sleep(5);
      expect(log).toEqual([]); // they wait for the lock
    });
    yield* sleep(1);
    expect(log).toEqual(['a', 'b']);
    const guard = yield* condition.acquire();
    condition.notifyAll();
    condition.release();
    guard.release();
    for (const task of tasks) yield* task;
    expect([log, lock.locked, condition.locked]).toEqual([['a', 'b', 'c', 'd'], false, false]);
  });
});

test.each([1, 2, 5])('S55: cancelled %i times, it takes the lock again before it ends', (times) => {
  const log: unknown[] = [];
  simulate(function* () {
    const lock = new Lock();
    const condition = new Condition(lock);
    const victim = createTask(() => follow(condition, lock, log, 'victim'));
    yield* sleep(1);
    const guard = yield* lock.acquire();
    for (let i = 0; i < times; i++) {
      victim.cancel();
      yield* sleep(1);
    }
    expect(victim.done).toBe(false);
    guard.release();
    yield* thrownIn(victim);
    expect([victim.state, lock.locked, log]).toEqual(['cancelled', false, []]);
  });
});

test('S55: cancelled in the turn in which the lock is released, it takes it again', () => {
  for (const first of ['cancel', 'release']) {
    const log: unknown[] = [];
    simulate(function* () {
      const lock = new Lock();
      const condition = new Condition(lock);
      const victim = createTask(() => follow(condition, lock, log, 'victim'));
      yield* sleep(1);
      const guard = yield* lock.acquire();
      victim.cancel();
      yield* sleep(1);
      if (first === 'cancel') victim.cancel(); // doomed when the lock is offered
      guard.release();
      if (first === 'release') victim.cancel();
      yield* sleep(5);
      expect([victim.state, lock.locked, log]).toEqual(['cancelled', false, []]);
    });
  }
});

test('S55: so it does when a timeout ends the wait', () => {
  simulate(function* () {
    const lock = new Lock();
    const condition = new Condition(lock);
    yield* condition.with(function* () {
      expect(yield* moveOnAfter(5, () => condition.wait())).toBe(undefined);
      expect([lock.owner === currentTask(), now()]).toEqual([true, 5]);
    });
    expect(lock.locked).toBe(false);
  });
});

test('S56: notify(1), then cancel of the notified: another waiter is woken', () => {
  for (const when of ['at once', 'while it takes the lock']) {
    const log: unknown[] = [];
    simulate(function* () {
      const lock = new Lock();
      const condition = new Condition(lock);
      const victim = createTask(() => follow(condition, lock, log, 'victim'));
      const other = createTask(() => follow(condition, lock, log, 'other'));
      yield* sleep(1);
      yield* condition.with(function* () {
        condition.notify();
        if (when !== 'at once') yield* sleep(1);
        victim.cancel();
      });
      yield* other;
      expect([victim.state, other.state, lock.locked]).toEqual(['cancelled', 'returned', false]);
    });
    expect(log).toEqual(['other']);
  }
});

test('S3: a notification and a timeout due in the same turn: the notification wins', () => {
  simulate(function* () {
    const condition = new Condition();
    createTask(function* () {
      yield* sleep(10);
      yield* condition.with(tell);
    });
    const tell = function* (): Coroutine<void> {
      condition.notify();
    };
    yield* condition.with(function* () {
      yield* timeout(10, () => condition.wait());
    });
    expect(now()).toBe(10);
  });
});

test('S56: a cancel without a notification wakes nobody else', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const lock = new Lock();
    const condition = new Condition(lock);
    const victim = createTask(() => follow(condition, lock, log, 'victim'));
    const other = createTask(() => follow(condition, lock, log, 'other'));
    yield* sleep(1);
    const guard = yield* lock.acquire();
    for (let i = 0; i < 3; i++) {
      victim.cancel();
      yield* sleep(1);
    }
    guard.release();
    yield* sleep(5);
    expect([victim.state, other.state, log]).toEqual(['cancelled', 'parked', []]);
    yield* condition.with(function* () {
      condition.notify();
    });
    yield* other;
  });
});

test('S56: no notification is missed between the release of the lock and the wait, whatever the budget of the step', () => {
  simulate(function* () {
    const nothing = new Event();
    nothing.set();
    for (let used = 100; used < 140; used++) {
      const lock = new Lock();
      const condition = new Condition(lock);
      const waiter = createTask(() =>
        condition.with(function* () {
          yield* sleep(1); // the notifier comes for the lock
          for (let i = 0; i < used; i++) yield* nothing.wait();
          yield* condition.wait();
        }),
      );
      const notifier = createTask(() =>
        condition.with(function* () {
          condition.notify();
        }),
      );
      yield* sleep(2);
      expect([used, notifier.state, waiter.state]).toEqual([used, 'returned', 'returned']);
    }
  });
});

test('S56: a cancel that came before notify(1) does not use it up', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const lock = new Lock();
    const condition = new Condition(lock);
    const victim = createTask(() => follow(condition, lock, log, 'victim'));
    const other = createTask(() => follow(condition, lock, log, 'other'));
    yield* sleep(1);
    yield* condition.with(function* () {
      victim.cancel();
      condition.notify();
    });
    yield* other;
  });
  expect(log).toEqual(['other']);
});

test('S57: wait and notify without holding the lock are errors', () => {
  simulate(function* () {
    const condition = new Condition(undefined, { name: 'stock' });
    const errors: Error[] = [thrownBy(() => condition.notify()), thrownBy(() => condition.notifyAll())];
    errors.push(yield* thrownIn(condition.wait()), yield* thrownIn(condition.waitFor(() => true)));
    const holder = createTask(() => condition.with(() => sleep(10)));
    yield* sleep(1);
    errors.push(
      thrownBy(() => condition.notify()),
      thrownBy(() => condition.release()),
    );
    for (const error of errors) expect(error).toBeInstanceOf(InvalidStateError);
    expect(errors[0]?.message).toContain('notify() on Condition stock without holding its lock');
    yield* holder;
  });
});

test('S57: waitFor looks first, and after each notification', () => {
  simulate(function* () {
    const condition = new Condition();
    let stock = 0;
    let looks = 0;
    const enough = () => {
      looks++;
      return stock >= 2;
    };
    const buyer: Task<number> = createTask(() =>
      condition.with(function* () {
        yield* condition.waitFor(enough);
        stock -= 2;
        return now();
      }),
    );
    for (let i = 0; i < 3; i++) {
      yield* sleep(10);
      yield* condition.with(function* () {
        stock++;
        condition.notifyAll();
      });
    }
    expect([yield* buyer, stock, looks]).toEqual([20, 1, 3]);
    yield* condition.with(() => condition.waitFor(() => true));
  });
});

test('two conditions can share a lock', () => {
  simulate(function* () {
    const lock = new Lock();
    const [full, empty] = [new Condition(lock), new Condition(lock)];
    const log: unknown[] = [];
    const tasks = [
      createTask(() => follow(full, lock, log, 'full')),
      createTask(() => follow(empty, lock, log, 'empty')),
    ];
    yield* sleep(1);
    yield* lock.with(function* () {
      empty.notify();
    });
    yield* sleep(1);
    expect(log).toEqual(['empty']);
    yield* full.with(function* () {
      full.notify();
    });
    for (const task of tasks) yield* task;
  });
});

test('S57: notify of what is no number of tasks is refused, and wakes nobody', () => {
  simulate(function* () {
    const condition = new Condition();
    const waiter = createTask(() => condition.with(() => condition.wait()));
    yield* sleep(0);
    yield* condition.with(function* () {
      for (const bad of [Number.NaN, -1, 0.5, 'x', null]) {
        expect(thrownBy(() => condition.notify(bad as never))).toBeInstanceOf(RangeError);
      }
      condition.notify(0);
      yield* sleep(1);
      expect(waiter.done).toBe(false);
      condition.notifyAll();
    });
    yield* waiter;
  });
});
