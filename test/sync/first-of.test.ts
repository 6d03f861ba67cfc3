// Whoever drives waits by hand may be handed more than it takes: what it leaves goes to the next.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Operation, Park } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { Event } from '../../src/sync/event.ts';
import { LifoQueue } from '../../src/sync/lifo-queue.ts';
import { Lock } from '../../src/sync/lock.ts';
import { PriorityQueue } from '../../src/sync/priority-queue.ts';
import { Queue } from '../../src/sync/queue.ts';
import { Semaphore } from '../../src/sync/semaphore.ts';
import { simulateToEnd as simulate } from '../compose/programs.ts';
import { thrownIn } from '../kernel/helpers.ts';

/** The first of several operations that is over; the others are left. */
function firstOf(...operations: Operation<unknown>[]): Operation<unknown> {
  const waits = operations.map((operation) => operation[Symbol.iterator]());
  const leave = (but?: Iterator<Park, unknown, void>): void => {
    for (const wait of waits) if (wait !== but) wait.return?.();
  };
  const iterator: Iterator<Park, unknown, void> = {
    next: () => {
      let parked: IteratorResult<Park, unknown> | null = null;
      for (const wait of waits) {
        parked = wait.next();
        if (!parked.done) continue;
        leave(wait);
        break;
      }
      return parked as IteratorResult<Park, unknown>;
    },
    return: () => {
      leave();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.iterator]: () => iterator };
}

test.each([
  ['Queue', () => new Queue<number>(), [1, 2, 3]],
  ['LifoQueue', () => new LifoQueue<number>(), [1, 3, 2]],
  ['PriorityQueue', () => new PriorityQueue<number>(0, { compare: () => 0 }), [1, 2, 3]],
])('S60: %s: an item that was handed over and not taken is the next again', (_, make, expected) => {
  simulate(function* () {
    const [left, right] = [make(), make()];
    const task = createTask(firstOf(left.get(), right.get()));
    yield* sleep(1);
    left.putNowait(0);
    for (const item of [1, 2, 3]) right.putNowait(item);
    expect(yield* task).toBe(0);
    expect([right.getNowait(), right.getNowait(), right.getNowait(), left.size]).toEqual([...expected, 0]);
  });
});

test('S60: ... also if it cannot be compared any more', () => {
  simulate(function* () {
    let broken = false;
    const compare = (a: number, b: number): number => {
      if (broken) throw new Error('broken');
      return a - b;
    };
    const left = new Queue<number>();
    const right = new PriorityQueue<number>(0, { compare });
    const task = createTask(() => thrownIn(firstOf(left.get(), right.get())));
    yield* sleep(1);
    left.putNowait(0);
    for (const item of [1, 2, 3]) right.putNowait(item);
    broken = true;
    expect((yield* task).message).toBe('broken');
    broken = false;
    expect([right.getNowait(), right.getNowait(), right.getNowait()]).toEqual([1, 2, 3]);
  });
});

test('S60: ... or goes to whoever waits', () => {
  simulate(function* () {
    const [left, right] = [new Queue<number>(), new Queue<number>()];
    const task = createTask(firstOf(left.get(), right.get()));
    yield* sleep(1);
    left.putNowait(0);
    right.putNowait(1);
    const other = createTask(right.get());
    yield* task;
    expect(yield* other).toBe(1);
  });
});

test('S50, S52: a lock and a unit likewise', () => {
  simulate(function* () {
    const event = new Event();
    const [lock, semaphore] = [new Lock(), new Semaphore(0)];
    lock.tryAcquire();
    const task = createTask(firstOf(event.wait(), lock.acquire(), semaphore.acquire()));
    const next = createTask(function* () {
      const guards = [yield* lock.acquire(), yield* semaphore.acquire()];
      for (const guard of guards) guard.release();
    });
    yield* sleep(1);
    event.set();
    lock.release();
    semaphore.release();
    yield* task;
    yield* next;
    expect([lock.locked, semaphore.value]).toEqual([false, 1]);
  });
});
