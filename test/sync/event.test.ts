// Event.

import { expect, test } from 'vitest';
import { moveOnAfter } from '../../src/compose/timeout.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { Event } from '../../src/sync/event.ts';
import { simulateToEnd as simulate } from '../compose/programs.ts';
import { thrownIn } from '../kernel/helpers.ts';

test('S54: set() lets everybody go on who waits, and everybody who comes, until clear()', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const event = new Event();
    for (const name of ['a', 'b']) {
      createTask(function* () {
        yield* event.wait();
        log.push(name);
      });
    }
    yield* sleep(1);
    expect([event.isSet, log]).toEqual([false, []]);
    event.set();
    event.set();
    yield* event.wait();
    yield* sleep(0);
    expect([event.isSet, log]).toEqual([true, ['a', 'b']]);
    event.clear();
    expect(yield* moveOnAfter(5, () => event.wait())).toBe(undefined);
    expect([event.isSet, now()]).toEqual([false, 6]);
  });
});

test('S54: set(); clear() still wakes everyone who was waiting at set(), and nobody else', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const event = new Event();
    const waiters = [1, 2, 3].map((name) =>
      createTask(function* () {
        yield* event.wait();
        log.push(name);
      }),
    );
    yield* sleep(1);
    event.set();
    event.clear();
    const late = createTask(event.wait());
    for (const waiter of waiters) yield* waiter;
    yield* sleep(5);
    expect([log, late.state]).toEqual([[1, 2, 3], 'parked']);
    event.set();
    yield* late;
  });
});

test('S54: a cancelled waiter leaves, and a cancel after set() comes at the next suspension', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const event = new Event({ name: 'go' });
    const wait = (name: string) =>
      createTask(function* () {
        yield* event.wait();
        log.push(name);
        yield* sleep(1);
        log.push('never');
      });
    const [early, late] = [wait('early'), wait('late')];
    yield* sleep(1);
    early.cancel();
    event.set();
    late.cancel();
    yield* thrownIn(early);
    yield* thrownIn(late);
    expect(event.waiters.size).toBe(0);
  });
  expect(log).toEqual(['late']);
});
