// Cancelling: when it takes effect, what the body sees of it, and what the others see.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine, Park } from '../../src/kernel/operation.ts';
import { park, wake } from '../../src/kernel/park.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { Crank, Mailbox, Pause, simulate, thrownIn } from './helpers.ts';

test('S1: an item that was handed over before the cancel is delivered; the cancel takes the next suspension', () => {
  const got: string[] = [];
  simulate(function* () {
    const mailbox = new Mailbox<string>();
    const task = createTask(function* () {
      got.push(yield* mailbox.take());
      yield* sleep(0);
      got.push(yield* mailbox.take());
    });
    yield* sleep(0);
    mailbox.put('one');
    task.cancel();
    mailbox.put('two');
    yield* sleep(0);
    expect([task.cancelled, mailbox.lost, mailbox.kept]).toEqual([true, [], ['two']]);
  });
  expect(got).toEqual(['one']);
});

test('S1: a sleep whose time has come in the same turn is over, and the cancel takes the next one', () => {
  const log: string[] = [];
  simulate(function* () {
    const first = createTask(function* () {
      yield* sleep(10);
      second.cancel();
    });
    const second = createTask(function* () {
      yield* sleep(10);
      log.push('slept');
      yield* sleep(10);
      log.push('never');
    });
    yield* first;
    yield* thrownIn(second);
    expect(now()).toBe(10);
  });
  expect(log).toEqual(['slept']);
});

test('S1: a task that gave way was handed nothing, so a cancel takes effect where it is', () => {
  const log: string[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* sleep(0);
        log.push('never');
      } finally {
        log.push('left');
      }
    });
    yield* new Pass();
    expect([task.state, task.cancel()]).toEqual(['ready', true]);
    yield* sleep(0);
    expect(task.cancelled).toBe(true);
  });
  expect(log).toEqual(['left']);
});

test('S1: a task that gave way and was woken then keeps the wake', () => {
  const log: string[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      yield* sleep(0);
      log.push('went on');
      yield* sleep(0);
      log.push('never');
    });
    yield* new Pass();
    expect([wake(task), task.cancel()]).toEqual([true, true]);
    yield* sleep(1);
    expect(task.cancelled).toBe(true);
  });
  expect(log).toEqual(['went on']);
});

test('S1: what is handed to a task while it runs, before it is cancelled, is delivered when it parks', () => {
  const log: string[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      let polls = 0;
      yield* {
        [Symbol.iterator]: () => ({
          next: () => {
            if (polls++ > 0) return { done: true as const, value: undefined };
            log.push(`${wake(currentTask())} ${currentTask().cancel()}`);
            return park('what it has got already');
          },
        }),
      };
      log.push('delivered');
      yield* sleep(1);
      log.push('never');
    });
    yield* thrownIn(task);
  });
  expect(log).toEqual(['true true', 'delivered']);
});

test('S16: cancel() on a done task returns false and changes nothing', () => {
  simulate(
    function* () {
      const error = new Error('mine');
      const returned = createTask(() => give(1));
      const failed = createTask(() => fail(error));
      const cancelled = createTask(() => give(2));
      cancelled.cancel('first');
      yield* sleep(0);
      for (const task of [returned, failed, cancelled]) expect(task.cancel('late')).toBe(false);
      yield* sleep(0);
      expect([returned.state, returned.result()]).toEqual(['returned', 1]);
      expect([failed.state, failed.exception()]).toEqual(['failed', error]);
      expect(cancelled.state).toBe('cancelled');
      expect(yield* thrownIn(cancelled)).toMatchObject({ reason: 'first' });
    },
    { onUnhandled: () => {} },
  );
});

test('S17: cancel() before the first step never runs the body, and closes the generator', () => {
  let ran = false;
  simulate(function* () {
    const body = (function* (): Coroutine<void> {
      ran = true;
      yield* sleep(0);
    })();
    const task = createTask(body);
    expect([task.cancel(), task.done, task.cancelled]).toEqual([true, false, false]);
    yield* sleep(0);
    expect([task.done, task.cancelled]).toEqual([true, true]);
    expect(body.next()).toEqual({ done: true, value: undefined });
  });
  expect(ran).toBe(false);
});

test('S18: cancelling oneself takes effect at the next suspension', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      try {
        log.push(currentTask().cancel(), currentTask().cancelling);
        yield* sleep(10);
        log.push('never');
      } finally {
        log.push('left', now(), currentTask().cancelling);
      }
    });
    yield* thrownIn(task);
    expect(task.cancelled).toBe(true);
  });
  expect(log).toEqual([true, false, 'left', 0, true]);
});

test('S18: a body that cancels itself and then returns has returned, one that then throws has failed', () => {
  simulate(function* () {
    const returns = createTask(function* (): Coroutine<number> {
      currentTask().cancel();
      return 5;
    });
    const throws = createTask(function* (): Coroutine<number> {
      currentTask().cancel();
      throw new Error('mine');
    });
    expect(yield* returns).toBe(5);
    expect((yield* thrownIn(throws)).message).toBe('mine');
    expect([returns.cancelled, throws.cancelled]).toEqual([false, false]);
  });
});

test('S18: a task that wakes itself before every suspension can be cancelled all the same', () => {
  const crank = new Crank();
  let rounds = 0;
  const task = crank.spawn(function* () {
    while (rounds < 100) {
      rounds++;
      let polls = 0;
      yield* {
        [Symbol.iterator]: () => ({
          next: () => {
            if (polls++ > 0) return { done: true as const, value: undefined };
            wake(currentTask());
            return park('itself');
          },
        }),
      };
    }
  });
  crank.turn(3);
  expect([rounds, task.cancel()]).toEqual([3, true]);
  crank.turn(5);
  expect([task.state, rounds <= 4]).toEqual(['cancelled', true]);
});

test('cancels that come before the first one took effect count as one', () => {
  simulate(function* () {
    const pause = new Pause();
    const task = createTask(function* () {
      try {
        yield* pause;
        yield* sleep(1000);
      } finally {
        yield* sleep(5);
      }
    });
    yield* sleep(0);
    pause.end();
    for (let i = 0; i < 3; i++) task.cancel(`reason ${i}`);
    expect(yield* thrownIn(task)).toMatchObject({ reason: 'reason 0' });
    expect(now()).toBe(5);
  });
});

/** Lets the other tasks step without giving way: a parked task that a callback of this turn wakes. */
class Pass {
  *[Symbol.iterator](): Generator<Park, void, void> {
    const task = currentTask() as Task<unknown>;
    const pause = new Pause();
    task.kernel.callSoon(() => pause.end());
    yield* pause;
  }
}

function* give<T>(value: T): Coroutine<T> {
  return value;
}

function* fail(error: Error): Coroutine<never> {
  throw error;
}
