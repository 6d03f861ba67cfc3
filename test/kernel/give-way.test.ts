// sleep(0) and giveWay(): who gets a chance before they return.

import { expect, test } from 'vitest';
import { callLater } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { giveWay, wake } from '../../src/kernel/park.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { open, Pause, receive, simulate, world } from './helpers.ts';

test('S13: sleep(0) returns after every ready task, the timers that are due, and pending I/O', () => {
  const { clock, selector } = world();
  const log: string[] = [];
  simulate(
    function* () {
      const source = open(3);
      createTask(function* () {
        yield* receive(source);
        log.push('I/O');
      });
      createTask(function* () {
        yield* sleep(5);
        log.push('timer');
      });
      yield* sleep(0);
      clock.advance(5);
      selector.signal(3, READ);
      for (const name of ['a', 'b', 'c']) {
        createTask(function* (): Coroutine<void> {
          log.push(name);
        });
      }
      yield* sleep(0);
      log.push('back');
    },
    { clock, selector },
  );
  expect(log).toEqual(['a', 'b', 'c', 'I/O', 'timer', 'back']);
});

test('S13: negative sleeps, sleepUntil() the past and giveWay() take one select each; they step in turn', () => {
  const { clock, selector } = world();
  const log: string[] = [];
  const way = {
    [Symbol.iterator]: () => {
      let polls = 0;
      return { next: () => (polls++ === 0 ? giveWay('test') : { done: true as const, value: undefined }) };
    },
  };
  simulate(
    function* () {
      const both = ['a', 'b'].map((name) =>
        createTask(function* () {
          for (let i = 0; i < 3; i++) {
            log.push(`${name}${i} after ${selector.waits.length}`);
            yield* i === 0 ? sleep(-1) : i === 1 ? sleep(Number.NEGATIVE_INFINITY) : way;
          }
        }),
      );
      for (const each of both) yield* each;
    },
    { clock, selector },
  );
  expect(log).toEqual(['a0 after 1', 'b0 after 1', 'a1 after 2', 'b1 after 2', 'a2 after 3', 'b2 after 3']);
});

test('S13: in clean-up after cancelling oneself at a sleep(0), each sleep(0) still lets I/O have its chance', () => {
  const { clock, selector } = world();
  const waits: number[] = [];
  simulate(
    function* () {
      createTask(function* () {
        try {
          currentTask().cancel();
          yield* sleep(0);
        } finally {
          for (let i = 0; i < 4; i++) {
            waits.push(selector.waits.length);
            yield* sleep(0);
          }
        }
      });
      yield* sleep(5);
    },
    { clock, selector },
  );
  expect(waits).toEqual([1, 2, 3, 4]);
});

test('after cancelling oneself at a sleep(0) nothing is polled that was not woken', () => {
  const pause = new Pause();
  simulate(function* () {
    const task = createTask(function* () {
      try {
        currentTask().cancel();
        yield* sleep(0);
      } finally {
        yield* pause;
      }
    });
    yield* sleep(5);
    expect([pause.polls, task.state]).toEqual([1, 'parked']);
    pause.end();
    yield* sleep(0);
    expect([pause.polls, task.state]).toEqual([2, 'cancelled']);
  });
});

test('a task that was woken before it gave way is stepped once in a turn', () => {
  const { clock, selector } = world();
  const waits: number[] = [];
  simulate(
    function* () {
      wake(currentTask());
      for (let i = 0; i < 4; i++) {
        waits.push(selector.waits.length);
        yield* sleep(0);
      }
    },
    { clock, selector },
  );
  expect(waits).toEqual([0, 1, 2, 3]);
});

test('S13: sleep(0) returns after a timer that was set after it in the same turn and is due', () => {
  const log: string[] = [];
  simulate(function* () {
    createTask(function* () {
      yield* sleep(0);
      log.push('back');
    });
    createTask(function* (): Coroutine<void> {
      callLater(0, () => log.push('timer'));
    });
    yield* sleep(5);
  });
  expect(log).toEqual(['timer', 'back']);
});
