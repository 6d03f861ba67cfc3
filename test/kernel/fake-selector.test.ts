// The test kit itself: the clock that moves by hand and the selector that obeys the test.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { InvalidStateError } from '../../src/kernel/errors.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { READ, ROW_FIELDS, ROWS_BEGIN, WRITE } from '../../src/kernel/selector-port.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { FakeSelector } from '../../src/testing/fake-selector.ts';
import { simulate } from '../../src/testing/simulate.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { thrownBy } from './helpers.ts';

function setUp(): { clock: VirtualClock; selector: FakeSelector; rows: (ms: number) => [number, number][] } {
  const clock = new VirtualClock();
  const selector = new FakeSelector(clock);
  const rows = (ms: number) => {
    const count = selector.wait(ms);
    return Array.from({ length: count }, (_, i): [number, number] => {
      const at = ROWS_BEGIN + ROW_FIELDS * i;
      return [selector.rows[at] as number, selector.rows[at + 1] as number];
    });
  };
  return { clock, selector, rows };
}

test('the clock moves only forward, and only when told', () => {
  const clock = new VirtualClock(5);
  expect(clock.now()).toBe(5);
  clock.advance(2.5);
  clock.advance(0);
  expect(clock.now()).toBe(7.5);
  for (const ms of [-1, Number.NaN]) expect(() => clock.advance(ms)).toThrow(RangeError);
  expect(clock.now()).toBe(7.5);
});

test('wait() moves the clock to its end when nothing happens, and to the event when one does', () => {
  const { clock, selector, rows } = setUp();
  expect([rows(10), clock.now()]).toEqual([[], 10]);
  selector.add(3, READ, 77);
  selector.signalAt(25, 3, READ);
  expect([rows(100), clock.now()]).toEqual([[[77, READ]], 25]);
  expect([rows(5), clock.now(), selector.waits.map(({ ms }) => ms)]).toEqual([[], 30, [10, 100, 5]]);
});

test('what is signalled stays until it is told once; several signals of an fd are one row', () => {
  const { selector, rows } = setUp();
  selector.signal(3, READ);
  expect(rows(0)).toEqual([]);
  selector.add(3, READ | WRITE, 1);
  selector.add(4, READ, 2);
  selector.signal(3, WRITE);
  selector.signal(4, READ);
  expect(rows(0)).toEqual([
    [1, READ | WRITE],
    [2, READ],
  ]);
  expect(rows(0)).toEqual([]);
});

test('an event of an fd that is not registered lets no time pass unnoticed: the wait goes on to its end', () => {
  const { clock, selector, rows } = setUp();
  selector.signal(3, READ);
  expect([rows(10), clock.now()]).toEqual([[], 10]);
});

test('modify() changes the token, remove() forgets what was signalled', () => {
  const { selector, rows } = setUp();
  selector.add(3, READ, 1);
  selector.signal(3, READ);
  selector.modify(3, READ, 2);
  expect(rows(0)).toEqual([[2, READ]]);
  selector.signal(3, READ);
  selector.remove(3);
  selector.remove(3);
  selector.add(3, READ, 4);
  expect(rows(0)).toEqual([]);
});

test('adding twice and modifying what is not there are refused', () => {
  const { selector } = setUp();
  selector.add(3, READ, 1);
  expect(() => selector.add(3, READ, 2)).toThrow(/EEXIST/);
  expect(() => selector.modify(4, READ, 2)).toThrow(/ENOENT/);
});

test('a batch is limited; the rest comes with the next wait, which waits for nothing', () => {
  const { clock, selector, rows } = setUp();
  for (let fd = 0; fd < 300; fd++) {
    selector.add(fd, READ, fd);
    selector.signal(fd, READ);
  }
  const first = rows(1000);
  const second = rows(1000);
  expect([first.length, second.length, clock.now()]).toEqual([256, 44, 0]);
  expect([...first, ...second].map(([token]) => token)).toEqual(Array.from({ length: 300 }, (_, i) => i));
});

test('wake() ends one wait at once', () => {
  const { clock, selector, rows } = setUp();
  selector.wake();
  selector.wake();
  expect([rows(Number.POSITIVE_INFINITY), clock.now()]).toEqual([[], 0]);
  expect([rows(10), clock.now()]).toEqual([[], 10]);
});

test('a wait without end and without anything scripted is refused, since no test runner could end it', () => {
  const { selector } = setUp();
  expect(thrownBy(() => selector.wait(Number.POSITIVE_INFINITY))).toBeInstanceOf(InvalidStateError);
});

test('H40: a loop that turns without getting anywhere is refused; events and time are getting somewhere', () => {
  const { selector, rows } = setUp();
  selector.add(3, READ, 1);
  for (let i = 0; i < 60_000; i++) {
    selector.signal(3, READ);
    rows(0);
    rows(0);
  }
  for (let i = 0; i < 60_000; i++) {
    rows(0.5);
    rows(0);
  }
  const spins = thrownBy(() => {
    for (let i = 0; i < 100_001; i++) rows(0);
  });
  expect(spins.message).toMatch(/the loop spins at 30000 ms/);
});

test('S8: a wait of less than nothing or of NaN is refused', () => {
  const { rows } = setUp();
  for (const ms of [-1, Number.NaN]) expect(() => rows(ms)).toThrow(RangeError);
});

test('scripted events happen in the order of their times, whatever the order in which they were given', () => {
  const { clock, selector, rows } = setUp();
  for (const fd of [3, 4, 5]) selector.add(fd, READ, fd);
  selector.signalAt(30, 3, READ);
  selector.signalAt(10, 4, READ);
  selector.signalAt(10, 5, READ);
  expect([rows(100), clock.now()]).toEqual([
    [
      [4, READ],
      [5, READ],
    ],
    10,
  ]);
  clock.advance(100);
  expect([rows(100), clock.now()]).toEqual([[[3, READ]], 110]);
});

test('simulate() gives what main returns, and an hour takes no time', () => {
  const result = simulate(function* () {
    yield* sleep(3_600_000);
    return now();
  });
  expect(result).toBe(3_600_000);
});

test('the same program gives the same trace every time', () => {
  const trace = () => {
    const log: string[] = [];
    simulate(
      function* () {
        for (let i = 0; i < 5; i++) yield* sleep(i % 3);
      },
      { instruments: [{ stepBegin: (task) => log.push(`${task} at ${task.kernel.clock.now()}`) }] },
    );
    return log;
  };
  expect(trace()).toEqual(trace());
  expect(trace().length).toBe(6);
});

test('a selector brings its clock along, and another one is refused', () => {
  const selector = new FakeSelector(new VirtualClock(100));
  expect(
    simulate(
      function* () {
        yield* sleep(5);
        return now();
      },
      { selector },
    ),
  ).toBe(105);
  const error = thrownBy(() => simulate(() => sleep(5), { selector, clock: new VirtualClock() }));
  expect(error).toBeInstanceOf(TypeError);
});

test('simulate() throws every error that nobody handled, with that of main', () => {
  const errors = (main: () => Coroutine<void>): string[] => {
    const error = thrownBy(() => simulate(main));
    return error instanceof AggregateError ? error.errors.map((each) => each.message) : [error.message];
  };
  const failing = (message: string) =>
    createTask(function* () {
      throw new Error(message);
    });
  expect(
    errors(function* () {
      failing('a');
      failing('b');
      yield* sleep(1);
      throw new Error('main');
    }),
  ).toEqual(['main', 'a', 'b']);
  expect(
    errors(function* () {
      failing('a');
      yield* sleep(1);
    }),
  ).toEqual(['a']);
});
