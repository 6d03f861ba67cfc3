// sleep(), sleepUntil() and now(): how long, what is accepted, and how long the selector is asked to wait.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { InvalidStateError } from '../../src/kernel/errors.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { now, sleep, sleepUntil } from '../../src/kernel/sleep.ts';
import { Event } from '../../src/sync/event.ts';
import { FakeSelector } from '../../src/testing/fake-selector.ts';
import type { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { seeded, simulate, thrownBy, thrownIn, world } from './helpers.ts';

test('a sleep ends when its time has come, whatever else goes on', () => {
  const log: number[] = [];
  simulate(function* () {
    const sleepers = [30, 10, 20].map((ms) =>
      createTask(function* () {
        yield* sleep(ms);
        log.push(ms, now());
      }),
    );
    for (const sleeper of sleepers) yield* sleeper;
    yield* sleepUntil(100);
    log.push(now());
    yield* sleepUntil(99);
    log.push(now());
  });
  expect(log).toEqual([10, 10, 20, 20, 30, 30, 100, 100]);
});

test('a sleep counts from its yield*: never shorter, however early it was made', () => {
  const { clock, selector } = world();
  simulate(
    function* () {
      const nap = sleep(10);
      clock.advance(4);
      yield* nap;
      expect(now()).toBe(14);
    },
    { clock, selector },
  );
});

// At 2^50 ms (35,000 years) a double still counts quarters of a millisecond.
test.each([0, 1, 1e9, 2 ** 32, 2 ** 40, 2 ** 50])(
  'S6: at an uptime of %d ms sleeps are exact and wait once',
  (start) => {
    const { clock, selector } = world(start);
    simulate(
      function* () {
        for (const ms of [0.25, 1, 1.5, 1000, 2 ** 31]) {
          const before = now();
          const waits = selector.waits.length;
          yield* sleep(ms);
          expect([ms, now() - before, selector.waits.length - waits]).toEqual([ms, ms, 1]);
        }
      },
      { clock, selector },
    );
  },
);

test('S6: equal deadlines far from zero keep their order, near ones apart stay apart', () => {
  const { clock, selector } = world(2 ** 50);
  const log: string[] = [];
  simulate(
    function* () {
      const named = (name: string, ms: number) =>
        createTask(function* () {
          yield* sleep(ms);
          log.push(name);
        });
      for (const [name, ms] of [
        ['late', 0.75],
        ['a', 0.5],
        ['b', 0.5],
        ['early', 0.25],
      ] as const)
        named(name, ms);
      yield* sleep(10);
    },
    { clock, selector },
  );
  expect(log).toEqual(['early', 'a', 'b', 'late']);
});

test('S7: the waits asked of the selector are never shorter than what remains, and never longer', () => {
  const random = seeded(7);
  const { clock, selector } = world(0.1);
  simulate(
    function* () {
      for (let i = 0; i < 500; i++) {
        const deadline = now() + random(1e6) / 3e4;
        const waits = selector.waits.length;
        yield* sleepUntil(deadline);
        expect(now()).toBeGreaterThanOrEqual(deadline);
        for (const { at, ms } of selector.waits.slice(waits)) expect(ms).toBe(Math.max(0, deadline - at));
      }
    },
    { clock, selector },
  );
});

test('S7: with a selector that rounds up to whole milliseconds a sleep takes one wait: no spinning', () => {
  class WholeMilliseconds extends FakeSelector {
    override wait(ms: number): number {
      return super.wait(Math.ceil(ms));
    }
  }
  const { clock } = world(0.3);
  const selector = new WholeMilliseconds(clock);
  simulate(
    function* () {
      for (const ms of [0.001, 0.5, 1.0001, 7.7]) {
        const [before, waits] = [now(), selector.waits.length];
        yield* sleep(ms);
        expect(now() - before).toBeGreaterThanOrEqual(ms);
        expect(selector.waits.length - waits).toBe(1);
      }
    },
    { clock, selector },
  );
});

test('S7: the kernel waits for the earliest of all, and for what remains after a step that took its time', () => {
  const { clock, selector } = world();
  simulate(
    function* () {
      for (const ms of [40, 25, 60]) createTask(() => sleepFor(ms));
      yield* sleep(0);
      clock.advance(10);
      yield* sleep(100);
    },
    { clock, selector },
  );
  expect(selector.waits.map(({ at, ms }) => [at, ms])).toEqual([
    [0, 0],
    [10, 15],
    [25, 15],
    [40, 20],
    [60, 50],
  ]);
});

test('S8: negative counts as 0: it gives way once and takes no time', () => {
  const { clock, selector } = world();
  simulate(
    function* () {
      for (const ms of [-1, -0, -1e300, Number.NEGATIVE_INFINITY]) {
        const waits = selector.waits.length;
        yield* sleep(ms);
        yield* sleepUntil(ms);
        expect([now(), selector.waits.length - waits]).toEqual([0, 2]);
      }
    },
    { clock, selector },
  );
});

test('S8: null and Infinity are for ever: the selector is asked to wait without end, and a cancel ends it', () => {
  for (const make of [() => sleep(null), () => sleep(Infinity), () => sleepUntil(null), () => sleepUntil(Infinity)]) {
    const { clock, selector } = world();
    const stuck = thrownBy(() => simulate(() => wrap(make), { clock, selector }));
    expect(stuck.message).toMatch(/wait for ever/); // the fake selector refuses what a real one would do
    expect(selector.waits.at(-1)?.ms).toBe(Number.POSITIVE_INFINITY);
    simulate(function* () {
      const task = createTask(() => wrap(make));
      yield* sleep(1e9);
      expect([task.state, task.kernel.hopes]).toEqual(['parked', 1]);
      task.cancel();
      yield* thrownIn(task);
      expect([now(), task.kernel.hopes, task.kernel.timers.size]).toEqual([1e9, 0, 0]);
    });
  }
});

test('S8: NaN is a RangeError, another type a TypeError, at the call', () => {
  simulate(function* () {
    for (const wait of [sleep, sleepUntil]) {
      const range = thrownBy(() => wait(Number.NaN));
      expect([range instanceof RangeError, range.code]).toEqual([true, 'ERR_COREACTOR_RANGE']);
      for (const value of ['5', undefined, {}, 5n]) {
        const type = thrownBy(() => wait(value as never));
        expect([type instanceof TypeError, type.code]).toEqual([true, 'ERR_COREACTOR_ARGUMENT']);
      }
    }
    yield* sleep(0);
  });
});

test('S8: a deadline beyond what the selector can wait is reached in several waits', () => {
  class Capped extends FakeSelector {
    override wait(ms: number): number {
      return super.wait(Math.min(ms, 2 ** 31 - 1));
    }
  }
  const clock: VirtualClock = world().clock;
  const selector = new Capped(clock);
  simulate(
    function* () {
      yield* sleep(1e11);
      expect(now()).toBe(1e11);
    },
    { clock, selector },
  );
  expect(selector.waits.length).toBe(Math.ceil(1e11 / (2 ** 31 - 1)));
});

test('now(), sleep() and sleepUntil() need a loop', () => {
  for (const call of [now, () => sleep(1), () => sleepUntil(1)]) {
    expect(thrownBy(call).code).toBe('ERR_COREACTOR_INVALID_STATE');
  }
});

test('a sleep can be awaited again once it is over, and by another task meanwhile', () => {
  simulate(function* () {
    const nap = sleep(10);
    const other = createTask(function* () {
      yield* nap;
      return now();
    });
    yield* nap;
    yield* nap;
    expect([now(), yield* other]).toEqual([20, 10]);
  });
});

test('a coroutine that two tasks await is an error in the second, and no deadlock', () => {
  simulate(function* () {
    for (const wait of [() => sleep(5), () => new Event().wait()]) {
      const shared = (function* () {
        yield* wait();
      })();
      const join = function* (): Coroutine<void> {
        yield* shared;
      };
      const first = createTask(join, { name: 'first' });
      const second = createTask(join, { name: 'second' });
      const error = yield* thrownIn(second);
      expect(error).toBeInstanceOf(InvalidStateError);
      expect(error.message).toMatch(/second awaits .* so does first/);
      first.cancel();
      yield* sleep(1);
    }
  });
});

test('a sleep that was left by a cancel and is awaited again is no shorter for that', () => {
  simulate(function* () {
    const task = createTask(function* () {
      const nap = sleep(50);
      try {
        yield* nap;
      } finally {
        yield* nap;
      }
    });
    yield* sleep(10);
    task.cancel();
    yield* thrownIn(task);
    expect(now()).toBe(60); // it sleeps once more
  });
});

test('an endless sleep that is left twice is counted out once', () => {
  simulate(function* () {
    const task = createTask(function* () {
      const nap = sleep(null);
      try {
        yield* nap;
      } finally {
        yield* nap;
      }
    });
    for (let i = 0; i < 2; i++) {
      yield* sleep(10);
      expect(task.kernel.hopes).toBe(1);
      task.cancel();
    }
    yield* thrownIn(task);
    expect(task.kernel.hopes).toBe(0);
  });
});

function* wrap(make: () => ReturnType<typeof sleep>): Coroutine<void> {
  yield* make();
}

function* sleepFor(ms: number): Coroutine<void> {
  yield* sleep(ms);
}
