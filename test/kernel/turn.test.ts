// One turn: what comes before what, and what may not hold up what.

import { expect, test } from 'vitest';
import { callLater, callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { park, wake } from '../../src/kernel/park.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { Expiry, open, receive, simulate, world } from './helpers.ts';

test('S2: data that came before the deadline is delivered though a step blocked past the deadline', () => {
  const { clock, selector } = world();
  const got = simulate(
    function* () {
      const source = open(3);
      const reader = createTask(() => receiveOnce(source));
      new Expiry(reader, 10);
      yield* sleep(0);
      selector.signalAt(5, 3, READ);
      clock.advance(100); // a step that computes for 100 ms
      return yield* reader;
    },
    { clock, selector },
  );
  expect(got).toBe('data at 100');
});

test('S2: likewise when the deadline is a callLater() that cancels', () => {
  const { clock, selector } = world();
  const got = simulate(
    function* () {
      const source = open(3);
      const reader = createTask(() => receiveOnce(source));
      callLater(10, () => reader.cancel());
      yield* sleep(0);
      selector.signalAt(5, 3, READ);
      clock.advance(100);
      return yield* reader;
    },
    { clock, selector },
  );
  expect(got).toBe('data at 100');
});

test('S2: in one turn I/O wakes come first, then timers, then steps, then those who gave way', () => {
  const { clock, selector } = world();
  const log: string[] = [];
  simulate(
    function* () {
      const source = open(3);
      createTask(function* () {
        yield* sleep(10);
        log.push('timer');
      });
      createTask(function* () {
        yield* receive(source);
        log.push('I/O');
      });
      yield* sleep(0);
      createTask(function* () {
        yield* sleep(0);
        log.push('gave way');
      });
      callSoon(() => {
        callSoon(() => log.push('ready'));
        selector.signal(3, READ);
        clock.advance(10);
      });
      yield* sleep(20);
    },
    { clock, selector },
  );
  expect(log).toEqual(['ready', 'I/O', 'timer', 'gave way']);
});

test('S3: a result and a timeout that are due in the same turn: the result wins, and the task is cancelled after it', () => {
  const { clock, selector } = world();
  const log: string[] = [];
  simulate(
    function* () {
      const source = open(3);
      const reader = createTask(function* () {
        log.push(yield* receive(source));
        yield* sleep(1);
        log.push('never');
      });
      yield* sleep(0);
      new Expiry(reader, 10);
      selector.signalAt(10, 3, READ);
      yield* sleep(20);
      expect(reader.cancelled).toBe(true);
      expect(source.reader).toBe(null);
    },
    { clock, selector },
  );
  expect(log).toEqual(['data']);
});

test('S3: data that comes after the timeout stays for the next reader', () => {
  const { clock, selector } = world();
  simulate(
    function* () {
      const source = open(3);
      const reader = createTask(() => receiveOnce(source));
      new Expiry(reader, 10);
      selector.signalAt(11, 3, READ);
      yield* sleep(15);
      expect(reader.cancelled).toBe(true);
      expect(yield* receiveOnce(source)).toBe('data at 15');
    },
    { clock, selector },
  );
});

test('S4: callbacks that queue themselves again delay I/O by one pass', () => {
  const { clock, selector } = world();
  let spins = 0;
  const seen = simulate(
    function* () {
      const source = open(3);
      const spin = () => {
        if (++spins === 10) selector.signal(3, READ);
        if (spins < 1000) callSoon(spin);
      };
      callSoon(spin);
      yield* receive(source);
      return spins;
    },
    { clock, selector },
  );
  expect(seen).toBe(11);
});

test('S4: a task that wakes itself delays I/O by one pass', () => {
  const { clock, selector } = world();
  let spins = 0;
  const seen = simulate(
    function* () {
      const source = open(3);
      createTask(function* () {
        while (spins < 1000) {
          if (++spins === 10) selector.signal(3, READ);
          yield* wakeSelf();
        }
      });
      yield* receive(source);
      return spins;
    },
    { clock, selector },
  );
  expect(seen).toBe(11);
});

test('S4: a task that gives way does not delay I/O at all', () => {
  const { clock, selector } = world();
  let spins = 0;
  const seen = simulate(
    function* () {
      const source = open(3);
      createTask(function* () {
        while (spins < 1000) {
          if (++spins === 10) selector.signal(3, READ);
          yield* sleep(0);
        }
      });
      yield* receive(source);
      return spins;
    },
    { clock, selector },
  );
  expect(seen).toBe(10);
});

test('S4: a task created in a turn steps in the next one', () => {
  const { selector, clock } = world();
  const log: string[] = [];
  simulate(
    function* () {
      callSoon(() => log.push(`callback after ${selector.waits.length} waits`));
      createTask(function* (): Coroutine<void> {
        log.push(`task after ${selector.waits.length} waits`);
      });
      log.push(`main after ${selector.waits.length} waits`);
      yield* sleep(0);
    },
    { clock, selector },
  );
  expect(log).toEqual(['main after 0 waits', 'callback after 1 waits', 'task after 1 waits']);
});

function* receiveOnce(source: Parameters<typeof receive>[0]): Coroutine<string> {
  const data = yield* receive(source);
  return `${data} at ${now()}`;
}

function* wakeSelf(): Coroutine<void> {
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
