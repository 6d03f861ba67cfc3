// Barrier.

import { expect, test } from 'vitest';
import { gather } from '../../src/compose/gather.ts';
import { moveOnAfter } from '../../src/compose/timeout.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { BrokenBarrierError } from '../../src/kernel/errors.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { Barrier } from '../../src/sync/barrier.ts';
import { simulateToEnd as simulate } from '../compose/programs.ts';
import { thrownBy, thrownIn } from '../kernel/helpers.ts';

test('S58: all go on when the last has come; indices 0..n-1 are unique per round', () => {
  simulate(function* () {
    const barrier = new Barrier(3);
    expect([barrier.parties, barrier.waiting, barrier.broken]).toEqual([3, 0, false]);
    for (let round = 0; round < 3; round++) {
      const start = now();
      const tasks = [5, 10, 15].map((ms) =>
        createTask(function* () {
          yield* sleep(ms);
          const index = yield* barrier.wait();
          return [index, now() - start];
        }),
      );
      const results = yield* gather(tasks);
      expect(results).toEqual([
        [0, 15],
        [1, 15],
        [2, 15],
      ]);
    }
    expect(yield* new Barrier(1).wait()).toBe(0);
  });
});

test.each(['before', 'same turn'])('S58: indices stay whole after a cancelled waiter (%s)', (when) => {
  simulate(function* () {
    const barrier = new Barrier(3);
    const tasks = Array.from({ length: 2 }, () => createTask(barrier.wait()));
    yield* sleep(1);
    expect(barrier.waiting).toBe(2);
    tasks[0]?.cancel();
    if (when === 'before') yield* sleep(1);
    const third = createTask(barrier.wait());
    yield* sleep(1);
    expect([third.done, barrier.waiting]).toEqual([false, 2]); // two have come
    expect([yield* barrier.wait(), yield* third, tasks[1]?.result()]).toEqual([2, 1, 0]);
    expect(barrier.waiting).toBe(0);
  });
});

test('S58: who was told to leave does not count, though it has not left yet', () => {
  simulate(function* () {
    const barrier = new Barrier(3);
    const tasks = Array.from({ length: 2 }, () => createTask(barrier.wait()));
    yield* sleep(1);
    tasks[0]?.cancel();
    expect(yield* moveOnAfter(1, () => barrier.wait())).toBe(undefined);
    tasks[1]?.cancel();
    yield* thrownIn(tasks[1] as Task<number>);
  });
});

test('S58: a waiter cancelled after the round was full takes its index; the cancel comes later', () => {
  simulate(function* () {
    const barrier = new Barrier(2);
    const log: unknown[] = [];
    const victim = createTask(function* () {
      log.push(yield* barrier.wait());
      yield* sleep(1);
      log.push('never');
    });
    yield* sleep(1);
    expect(yield* barrier.wait()).toBe(1);
    victim.cancel();
    yield* thrownIn(victim);
    expect([log, victim.state]).toEqual([[0], 'cancelled']);
  });
});

test('S58: abort() breaks current and future waiters, until reset()', () => {
  simulate(function* () {
    const barrier = new Barrier(3, { name: 'start' });
    const waiting = [createTask(() => thrownIn(barrier.wait())), createTask(() => thrownIn(barrier.wait()))];
    yield* sleep(1);
    barrier.abort();
    expect([barrier.broken, barrier.waiting]).toEqual([true, 0]);
    for (const error of yield* gather(waiting)) {
      expect(error).toBeInstanceOf(BrokenBarrierError);
      expect([error.code, error.message]).toEqual([
        'ERR_COREACTOR_BROKEN_BARRIER',
        expect.stringContaining('start was aborted'),
      ]);
    }
    expect(yield* thrownIn(barrier.wait())).toBeInstanceOf(BrokenBarrierError);
    barrier.reset();
    expect(barrier.broken).toBe(false);
    expect(yield* gather([barrier.wait(), barrier.wait(), barrier.wait()])).toEqual([0, 1, 2]);
  });
});

test('S58: reset() breaks the current waiters only', () => {
  simulate(function* () {
    const barrier = new Barrier(2);
    const waiting = createTask(() => thrownIn(barrier.wait()));
    yield* sleep(1);
    barrier.reset();
    const next = createTask(barrier.wait());
    expect(yield* waiting).toBeInstanceOf(BrokenBarrierError);
    expect(yield* barrier.wait()).toBe(1);
    expect([yield* next, barrier.broken]).toEqual([0, false]);
  });
});

test('S58: late arrivals are of the next round, though those of the last one have not stepped yet', () => {
  simulate(function* () {
    const barrier = new Barrier(2);
    const log: unknown[] = [];
    const come = (name: string) =>
      createTask(function* () {
        log.push(name, yield* barrier.wait());
      });
    come('a');
    yield* sleep(1);
    come('b');
    come('c'); // comes while a was handed its index and has not gone on
    yield* sleep(1);
    expect([log, barrier.waiting]).toEqual([['b', 1, 'a', 0], 1]);
    come('d');
    yield* sleep(1);
    expect(log.slice(4)).toEqual(['d', 1, 'c', 0]);
  });
});

test.each([0, -1, 1.5, Number.NaN])('a barrier of %s is refused', (parties) => {
  expect(thrownBy(() => new Barrier(parties))).toBeInstanceOf(RangeError);
});
