// explore(): which orders it runs, which it must not, and how it repeats one.

import { expect, test } from 'vitest';
import { callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { CancelScope } from '../../src/kernel/scope.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { type ExploreOptions, explore } from '../../src/testing/explore.ts';
import type { World } from '../../src/testing/trial.ts';
import { Mailbox, open, thrownBy } from '../kernel/helpers.ts';
import { ended, replayOf } from './programs.ts';

type Body = (log: string[], world: World) => Coroutine<unknown>;

/** All orders of what the program logs, and what explore() says of them. */
function ordersOf(body: Body, options?: ExploreOptions): { orders: string[] } & ReturnType<typeof explore> {
  const orders: string[] = [];
  const explored = explore(function* (world) {
    const log: string[] = [];
    yield* body(log, world);
    orders.push(log.join(''));
  }, options);
  return { orders, ...explored };
}

/** Tasks that log their name each time they step. */
function* steps(log: string[], names: string, each = 1): Coroutine<void> {
  const tasks = [...names].map((name) =>
    createTask(function* () {
      for (let i = 0; i < each; i++) {
        if (i > 0) yield* sleep(1);
        log.push(name);
      }
    }),
  );
  yield* ended(...tasks);
}

test("S82: every order of the tasks that are ready is run once, the first one is the kernel's own", () => {
  const { orders, ...explored } = ordersOf((log) => steps(log, 'abc'));
  expect(orders).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
  expect(explored).toEqual({ runs: 6, exhaustive: true, seed: undefined });
});

test('S82: the orders of several turns multiply, and none comes twice', () => {
  const { orders, runs } = ordersOf((log) => steps(log, 'ab', 3));
  // Main is not ready together with the others but at their ends.
  expect(new Set(orders).size).toBe(8);
  expect(runs).toBe(orders.length);
  for (const order of orders) expect(order).toMatch(/^(ab|ba){3}$/);
});

test('S82, S27: callbacks stay where they are, and in their order', () => {
  const { orders } = ordersOf(function* (log) {
    callSoon(() => log.push('1'));
    const tasks = ['a', 'b'].map((name) => {
      const task = createTask(function* () {
        log.push(name);
      });
      callSoon(() => log.push('2'));
      return task;
    });
    callSoon(() => log.push('3'));
    yield* ended(...tasks);
    yield* sleep(0);
  });
  expect([...new Set(orders)].sort()).toEqual(['1a2b23', '1b2a23']);
});

test('S82, S27: done callbacks run in the order in which they were added', () => {
  const { orders } = ordersOf(function* (log) {
    const task = createTask(function* () {});
    for (const name of '123') task.addDoneCallback(() => log.push(name));
    yield* steps(log, 'ab');
    yield* sleep(1);
  });
  const callbacks = new Set(orders.map((order) => order.replace(/[ab]/g, '')));
  expect([...callbacks]).toEqual(['123']);
  expect(new Set(orders).size).toBeGreaterThan(1);
});

test('S82, S13: who gave way comes after those whom time or I/O woke', () => {
  const { orders, exhaustive } = ordersOf(function* (log) {
    const sleeper = createTask(function* () {
      yield* sleep(1);
      log.push('s');
    });
    const patient = createTask(function* () {
      yield* sleep(0.5);
      yield* sleep(0.5);
      log.push('p');
      yield* sleep(0);
      log.push('P');
      yield* sleep(0);
      log.push('P');
    });
    yield* ended(sleeper, patient);
  });
  expect(exhaustive).toBe(true);
  expect([...new Set(orders)].sort()).toEqual(['psPP', 'spPP']);

  // Only for that once: later on it is like any other.
  const later = ordersOf(function* (log) {
    const once = createTask(function* () {
      yield* sleep(0);
      yield* sleep(1);
      log.push('o');
    });
    yield* sleep(1);
    log.push('m');
    yield* ended(once);
  });
  expect([...new Set(later.orders)].sort()).toEqual(['mo', 'om']);

  const woken = ordersOf(function* (log, { selector }) {
    const source = open(3);
    source.ready = (events) => {
      if (events === READ) log.push('r');
    };
    yield* sleep(0);
    selector.signal(3, READ);
    const others = steps(log, 'ab');
    yield* sleep(0);
    log.push('m');
    yield* others;
    source.remove();
  });
  expect([...new Set(woken.orders)].sort()).toEqual(['rmab', 'rmba']);
});

test('S82, S3: a result and a deadline of the same turn are a result in every order', () => {
  const { runs, exhaustive } = explore(function* () {
    const mailbox = new Mailbox<number>();
    const putter = createTask(function* () {
      yield* sleep(5);
      mailbox.put(1);
    });
    const taker = createTask(function* () {
      return yield* new CancelScope({ deadline: 5 }).run(() => mailbox.take());
    });
    const other = createTask(function* () {
      yield* sleep(5);
    });
    yield* ended(putter, other, taker);
    expect([taker.result(), mailbox.kept]).toEqual([1, []]);
  });
  expect([runs > 10, exhaustive]).toEqual([true, true]);
});

test('S82: descriptors that are ready at the same time are told in every order', () => {
  const { orders, runs } = ordersOf(function* (log, { selector }) {
    const sources = [3, 4, 5].map((fd) => {
      selector.signalAt(10, fd, READ);
      const source = open(fd);
      source.ready = (events) => {
        if (events === READ) log.push(`${fd} `);
      };
      return source;
    });
    yield* sleep(20);
    for (const source of sources) source.remove();
  });
  expect(orders.sort()).toEqual(['3 4 5 ', '3 5 4 ', '4 3 5 ', '4 5 3 ', '5 3 4 ', '5 4 3 ']);
  expect(runs).toBe(6);
});

test('S82: what is too much for maxRuns is half enumerated and half random, the same each time', () => {
  const run = (options: ExploreOptions) => ordersOf((log) => steps(log, 'abcdef'), options);
  const { orders, ...explored } = run({ maxRuns: 101 });
  expect(explored).toEqual({ runs: 101, exhaustive: false, seed: 1 });
  expect(new Set(orders.slice(0, 51)).size).toBe(51);
  expect(new Set(orders.slice(51).map((order) => order[0])).size).toBe(6);
  expect(run({ maxRuns: 101 }).orders).toEqual(orders);
  // With a seed all of them are random.
  const seeded = run({ maxRuns: 50, seed: 1 });
  expect([seeded.runs, seeded.exhaustive, seeded.seed, seeded.orders]).toEqual([50, false, 1, orders.slice(51)]);
  expect(run({ maxRuns: 1, seed: 8 }).orders).toEqual([orders[51 + 7]]);
});

test('S82: a failing order is repeated by its replay, whether it was enumerated or random', () => {
  let seen: string[] = [];
  const program = function* () {
    const log: string[] = [];
    seen.push('');
    yield* steps(log, 'abc', 2);
    seen[seen.length - 1] = log.join('');
    expect(log.join('')).not.toBe('bcacab');
  };
  for (const options of [{}, { seed: 100 }]) {
    seen = [];
    const error = thrownBy(() => explore(program, options));
    const failed = seen.at(-1);
    expect([failed, error.message]).toEqual([
      'bcacab',
      expect.stringMatching(/^the program fails in one order: expected/),
    ]);
    expect(error.cause).toHaveProperty('name', 'AssertionError');
    seen = [];
    expect(thrownBy(() => explore(program, replayOf(error))).message).toBe(error.message);
    expect(seen).toEqual([failed]);
  }
  expect(replayOf(thrownBy(() => explore(program)))).toEqual({ replay: '1.1.1.1' });
  expect(explore(program, { replay: '1.1.1' })).toEqual({ runs: 1, exhaustive: false, seed: undefined });
});

test('S82: a replay that does not fit, and a program that is not the same each time, are refused', () => {
  const program = () => steps([], 'ab');
  for (const replay of ['', '1.', 'a', '-1']) {
    expect(thrownBy(() => explore(program, { replay })).message).toMatch(/replay is a text such as '0.1.0.2'/);
  }
  for (const replay of ['2', '0.0.0.1']) {
    expect(thrownBy(() => explore(program, { replay })).message).toMatch(/the program is not the same in each run/);
  }
  expect(explore(program, { replay: '0.0.0' }).runs).toBe(1);
  let run = 0;
  const changing = thrownBy(() => explore(() => steps([], run++ === 0 ? 'ab' : 'abc')));
  expect(changing.message).toMatch(/choice 1 is one of 3 now, and was not before/);
});
