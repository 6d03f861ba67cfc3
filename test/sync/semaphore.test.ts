// Semaphore and BoundedSemaphore: as many as there are units, in the order of coming.

import { expect, test } from 'vitest';
import { gather } from '../../src/compose/gather.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { BoundedSemaphore, Semaphore } from '../../src/sync/semaphore.ts';
import { simulateToEnd as simulate } from '../compose/programs.ts';
import { thrownBy, thrownIn } from '../kernel/helpers.ts';

function* take(semaphore: Semaphore, log: unknown[], name: string, ms = 1): Coroutine<void> {
  using _ = yield* semaphore.acquire();
  log.push(name);
  yield* sleep(ms);
}

test('S52: at most so many hold a unit, in the order in which they came', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const semaphore = new Semaphore(2);
    let inside = 0;
    let peak = 0;
    const body = function* (): Coroutine<void> {
      peak = Math.max(peak, ++inside);
      yield* sleep(1);
      inside--;
    };
    yield* gather(Array.from({ length: 7 }, () => semaphore.with(body)));
    expect([peak, semaphore.value, semaphore.locked]).toEqual([2, 2, false]);
    yield* gather(['a', 'b', 'c', 'd', 'e'].map((name) => take(semaphore, log, name)));
  });
  expect(log).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('S52: release then acquire does not overtake those who wait', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const semaphore = new Semaphore(1);
    const guard = yield* semaphore.acquire();
    createTask(() => take(semaphore, log, 'waiter'));
    yield* sleep(1);
    guard.release();
    expect([semaphore.value, semaphore.locked, semaphore.tryAcquire()]).toEqual([0, true, false]);
    yield* take(semaphore, log, 'late');
    expect([semaphore.tryAcquire(), semaphore.tryAcquire(), semaphore.value]).toEqual([true, false, 0]);
  });
  expect(log).toEqual(['waiter', 'late']);
});

test.each(['before', 'after'])('S52: a waiter cancelled %s its wake: the unit goes to the next', (when) => {
  const log: unknown[] = [];
  simulate(function* () {
    const semaphore = new Semaphore(0);
    const victim = createTask(() => take(semaphore, log, 'victim'));
    const next = createTask(() => take(semaphore, log, 'next'));
    yield* sleep(1);
    if (when === 'before') victim.cancel();
    semaphore.release();
    if (when === 'after') victim.cancel();
    yield* next;
    expect([semaphore.value, victim.state]).toEqual([1, 'cancelled']);
  });
  expect(log).toEqual(when === 'before' ? ['next'] : ['victim', 'next']);
});

test('S52: a cancelled waiter whose unit nobody else wants leaves it free', () => {
  simulate(function* () {
    const semaphore = new Semaphore(0);
    const victim = createTask(() => take(semaphore, [], 'victim'));
    yield* sleep(1);
    victim.cancel();
    semaphore.release();
    yield* thrownIn(victim);
    expect(semaphore.value).toBe(1);
  });
});

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3' as never])(
  'S52: an initial value of %s is refused',
  (value) => {
    expect(thrownBy(() => new Semaphore(value))).toBeInstanceOf(RangeError);
    expect(thrownBy(() => new BoundedSemaphore(value)).code).toBe('ERR_COREACTOR_RANGE');
  },
);

test('a guard gives its unit back once', () => {
  simulate(function* () {
    const semaphore = new Semaphore(2);
    const guard = yield* semaphore.acquire();
    guard.release();
    guard.release();
    guard[Symbol.dispose]();
    expect(semaphore.value).toBe(2);
    semaphore.release(); // one more than there were: a Semaphore may
    expect(semaphore.value).toBe(3);
  });
});

test('S53: a BoundedSemaphore that is released too often is an error, and nothing changes', () => {
  simulate(function* () {
    const semaphore = new BoundedSemaphore(2, { name: 'pool' });
    expect(thrownBy(() => semaphore.release()).message).toContain('BoundedSemaphore pool was released more often');
    const guard = yield* semaphore.acquire();
    guard.release();
    expect(thrownBy(() => semaphore.release())).toBeInstanceOf(RangeError);
    expect(semaphore.value).toBe(2);
    expect(yield* semaphore.with(() => value(5))).toBe(5);
  });
});

function* value<T>(result: T): Coroutine<T> {
  return result;
}
