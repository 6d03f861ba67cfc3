// Debug mode: a forgotten `yield*` is reported with the place of the call, and nothing that was awaited is.

import { expect, test } from 'vitest';
import { callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Unhandled } from '../../src/kernel/kernel.ts';
import { made } from '../../src/kernel/made.ts';
import type { Coroutine, Operation } from '../../src/kernel/operation.ts';
import { now, sleep, sleepUntil } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { Pause, simulate, thrownIn, world } from '../kernel/helpers.ts';

function warnings(main: () => Coroutine<unknown>, debug = true): (Error & { code?: string })[] {
  const reports: Unhandled[] = [];
  simulate(main, { debug, onUnhandled: (report) => reports.push(report) });
  for (const { kind } of reports) expect(kind).toBe('warning');
  return reports.map(({ error }) => error as Error);
}

test('a forgotten yield* is reported when its task has ended, with the stack of the call', () => {
  let at = -1;
  function* inner(): Coroutine<void> {
    sleep(10);
    yield* sleep(1);
  }
  simulate(
    function* () {
      yield* createTask(
        function* outer() {
          yield* inner();
        },
        { name: 'forgetful' },
      );
      yield* sleep(0);
      yield* sleep(100);
    },
    {
      debug: true,
      onUnhandled: ({ error, task }) => {
        at = now();
        expect(task?.name).toBe('forgetful');
        expect((error as { code?: string }).code).toBe('ERR_COREACTOR_NEVER_AWAITED');
        expect((error as Error).message).toMatch(/^forgetful called sleep\(\) and never awaited.*write "yield\*"/);
        expect((error as Error).stack).toMatch(/\n {4}at inner \(.*never-awaited[^\n]*\n {4}at outer \([^\n]*$/);
      },
    },
  );
  expect(at).toBe(1);
});

test.each<[string, () => Coroutine<unknown>]>([
  ['awaited at once', () => body(() => sleep(1))],
  ['awaited later', later],
  ['awaited twice', twice],
  ['given to another task', handedOver],
  ['given back, and awaited by who takes the result', () => body(() => createTask(giver), true)],
  ['made in the step in which the task fails', () => failing(sleep)],
  ['one that gives way', () => body(() => sleep(0))],
  ['driven by hand', byHand],
  ['a generator that is data', () => body(() => createTask(rows), true)],
  ['started as a task', () => startTask(() => made(later(), 'later()'), false)],
  ['of a task that is cancelled before its first step', () => startTask(() => made(later(), 'later()'), true)],
  ['one of another kind, likewise', () => startTask(() => sleep(5), true)],
])('nothing is reported of an operation: %s', (_, main) => {
  expect(warnings(main)).toEqual([]);
});

test('debug mode off: nothing is reported', () => {
  const main = function* (): Coroutine<unknown> {
    sleep(1);
    return sleep(2);
  };
  expect(warnings(main, false)).toEqual([]);
  expect(warnings(main).length).toBe(2);
});

test('one report for each place, with how often it was', () => {
  const found = warnings(function* () {
    for (let i = 0; i < 3; i++) {
      sleep(5);
      yield* sleep(1);
    }
    sleepUntil(0);
  });
  expect(found.map((error) => error.message.replace(/, so.*/, ''))).toEqual([
    'Task-1 called sleep() and never awaited what it gave (3 times)',
    'Task-1 called sleepUntil() and never awaited what it gave',
  ]);
});

test('sleep(0) is one object for all: the forgotten one is told from those that were awaited', () => {
  const found = warnings(function* () {
    const busy = createTask(function* () {
      for (let i = 0; i < 5; i++) yield* sleep(0);
    });
    yield* sleep(0);
    sleep(0); // forgotten
    yield* sleep(0);
    yield* busy;
  });
  expect(found.length).toBe(1);
  expect(found[0]?.message).toMatch(/^Task-1 called sleep\(\)/);
});

test('of an object that many tasks are given, each awaits its own', () => {
  const found = warnings(function* () {
    const mine = sleep(0);
    yield* createTask(
      function* () {
        sleep(0);
      },
      { name: 'other' },
    );
    yield* mine;
  });
  expect(found.map(({ message }) => message.slice(0, 12))).toEqual(['other called']);
});

test('return without yield*: an operation, a coroutine', () => {
  function* inner(): Coroutine<void> {
    yield* sleep(1);
  }
  const found = warnings(function* (): Coroutine<unknown> {
    yield* createTask(
      function* () {
        return sleep(1);
      },
      { name: 'a' },
    );
    yield* createTask(
      function* () {
        return inner();
      },
      { name: 'b' },
    );
    return inner();
  });
  expect(found.map(({ message }) => message.replace(/:.*/, ''))).toEqual([
    'a returned what sleep() gave and nobody awaited it',
    'b returned a coroutine and nobody awaited it',
    'Task-1 returned a coroutine and nobody awaited it',
  ]);
  expect(found[0]?.message).toMatch(/write "return yield\* \.\.\."/);
});

test('a cancelled task: what it forgot before is reported, what it had just made is not', () => {
  const found = warnings(function* () {
    const task = createTask(
      function* () {
        sleep(1);
        yield* sleep(1);
        const next = sleep(1000);
        yield* sleep(null);
        yield* next;
      },
      { name: 'victim' },
    );
    yield* sleep(5);
    task.cancel();
    yield* sleep(5);
  });
  expect(found.map(({ message }) => message.slice(0, 42))).toEqual(['victim called sleep() and never awaited wh']);
});

test('a task that never ends is told after some hundreds; what was made in advance and is awaited is not', () => {
  const times: number[] = [];
  const { clock, selector } = world();
  let begin = Number.POSITIVE_INFINITY;
  simulate(
    function* () {
      const all = Array.from({ length: 3000 }, () => sleep(1));
      for (const each of all) yield* each;
      begin = clock.now();
      for (let i = 0; i < 1500; i++) {
        sleep(1);
        yield* sleep(1);
      }
    },
    { clock, selector, debug: true, onUnhandled: () => times.push(clock.now() - begin) },
  );
  expect(times.length).toBe(2);
  expect(times[0]).toBeLessThan(1100);
});

test('what a callback made is reported at the end of the run', () => {
  const found = warnings(function* () {
    callSoon(() => {
      sleep(1);
    });
    yield* sleep(1);
  });
  expect(found.map(({ message }) => message.slice(0, 27))).toEqual(['a callback called sleep() a']);
});

test('what is made when no loop runs is left alone', () => {
  warnings(function* () {});
  const operation = made(new Pause(), 'pause()');
  expect(Reflect.ownKeys(operation)).not.toContain(Symbol.iterator);
});

test('the operation is left as it was: own properties, frozen ones, several kernels', () => {
  const own: Operation<number> = { [Symbol.iterator]: () => [][Symbol.iterator]() as never };
  const before = Reflect.ownKeys(own).map((key) => [key, Object.getOwnPropertyDescriptor(own, key)]);
  const frozen = Object.freeze(new Pause());
  const kept: object[] = [];
  warnings(function* () {
    made(own, 'own()');
    made(frozen, 'frozen()');
    const nap = sleep(1);
    kept.push(nap);
    yield* nap;
    kept.push(sleep(1));
  });
  expect(Reflect.ownKeys(own).map((key) => [key, Object.getOwnPropertyDescriptor(own, key)])).toEqual(before);
  for (const nap of kept) expect(Object.hasOwn(nap, Symbol.iterator) || Object.hasOwn(nap, 'next')).toBe(false);
});

function* body(make: () => Operation<unknown>, again = false): Coroutine<void> {
  const result = yield* make();
  if (again) yield* result as Operation<void>;
}

function* later(): Coroutine<void> {
  const first = sleep(5);
  yield* sleep(1);
  yield* first;
}

function* twice(): Coroutine<void> {
  const nap = sleep(5);
  yield* nap;
  yield* nap;
}

function* giver(): Coroutine<unknown> {
  return sleep(5);
}

function* rows(): Coroutine<unknown> {
  return (function* () {})();
}

function* handedOver(): Coroutine<void> {
  const box: Operation<void>[] = [];
  createTask(function* () {
    box.push(sleep(5));
  });
  yield* sleep(0);
  yield* sleep(0);
  yield* box[0] as Operation<void>;
}

function* failing(make: (ms: number) => Operation<void>): Coroutine<void> {
  const task: Task<void> = createTask(function* () {
    yield* sleep(1);
    make(5);
    throw new Error('x');
  });
  yield* thrownIn(task);
}

function* byHand(): Coroutine<void> {
  const nap = made(
    body(() => sleep(1)),
    'body()',
  );
  yield* { [Symbol.iterator]: () => ({ next: () => nap.next() }) };
}

function* startTask(make: () => Operation<void>, cancel: boolean): Coroutine<void> {
  const task = createTask(make() as Coroutine<void>);
  if (cancel) task.cancel();
  yield* sleep(10);
}

test('operations that a task hands over in a list are awaited by whoever gets it', () => {
  expect(
    warnings(function* () {
      const task = createTask(function* () {
        return [sleep(1), sleep(2)];
      });
      for (const operation of yield* task) yield* operation;
    }),
  ).toEqual([]);
});
