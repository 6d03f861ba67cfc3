// Errors: into the task that caused them, with the user's frames.

import { expect, test } from 'vitest';
import { callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { InvalidStateError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Unhandled } from '../../src/kernel/kernel.ts';
import type { Coroutine, Operation, Park } from '../../src/kernel/operation.ts';
import { park } from '../../src/kernel/park.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { simulate, thrownBy, thrownIn } from './helpers.ts';

test('S11: awaiting oneself is an error thrown into the task, which can catch it', () => {
  simulate(function* () {
    const task = createTask(function* (): Coroutine<string> {
      const error = yield* thrownIn(currentTask());
      expect(error).toBeInstanceOf(InvalidStateError);
      yield* sleep(5);
      return error.message;
    });
    expect(yield* task).toMatch(/Task-2 awaits itself/);
  });
});

test.each<[string, unknown]>([
  ['a number', 5],
  ['undefined', undefined],
  ['null', null],
  ['a promise', Promise.resolve()],
  ['a symbol', Symbol('s')],
  ['an object without a prototype', Object.create(null)],
  ['an operation', { [Symbol.iterator]: () => ({}) }],
  ['the value of a park', park],
])('S11: yielding %s is an error thrown into the task, at the yield', (_, value) => {
  simulate(function* () {
    const seen: unknown[] = [];
    const task = createTask(function* (): Coroutine<string> {
      try {
        yield value as Park;
      } catch (error) {
        seen.push(error);
      }
      yield* sleep(5);
      return `went on at ${now()}`;
    });
    expect(yield* task).toBe('went on at 5');
    expect(seen[0]).toBeInstanceOf(InvalidStateError);
    expect(String(seen[0])).toMatch(/yield\*/);
  });
});

test('S11: a task that does not catch it fails, and the others go on', () => {
  simulate(function* () {
    const bad = createTask(function* (): Coroutine<void> {
      yield 5 as unknown as Park;
    });
    const good = createTask(() => nap(5));
    expect(yield* thrownIn(bad)).toBeInstanceOf(InvalidStateError);
    yield* good;
    expect([bad.state, good.state, now()]).toEqual(['failed', 'returned', 5]);
  });
});

test('S11: clean-up that yields something else gets the error too', () => {
  simulate(function* () {
    const task = createTask(function* (): Coroutine<void> {
      try {
        yield* sleep(1000);
      } finally {
        yield 5 as unknown as Park;
      }
    });
    yield* sleep(1);
    task.cancel();
    expect(yield* thrownIn(task)).toBeInstanceOf(InvalidStateError);
  });
});

test('an error of an operation carries the frames of every coroutine above it, also after a suspension', () => {
  class RecvOperation implements Iterator<Park, string, void> {
    #polls = 0;
    next(): IteratorResult<Park, string> {
      if (this.#polls++ > 0) throw new Error('ECONNRESET');
      currentTask().kernel.callSoon(() => task.wake());
      const task = currentTask();
      return park(this);
    }
  }
  const recv = (): Operation<string> => ({ [Symbol.iterator]: () => new RecvOperation() });
  function* readLine(): Coroutine<string> {
    return yield* recv();
  }
  function* readRequest(): Coroutine<string> {
    return yield* readLine();
  }
  function* serveClient(): Coroutine<void> {
    yield* readRequest();
  }
  simulate(function* () {
    const { stack } = yield* thrownIn(createTask(serveClient));
    expect(stack).toMatch(/ECONNRESET[\s\S]*RecvOperation\.next[\s\S]*readLine[\s\S]*readRequest[\s\S]*serveClient/);
  });
});

test('an error is the same object for everybody who asks for it', () => {
  simulate(function* () {
    const error = new Error('mine');
    const task = createTask(() => fails(error));
    const joiners = [1, 2].map(() => createTask(() => thrownIn(task)));
    for (const joiner of joiners) expect(yield* joiner).toBe(error);
    expect(task.exception()).toBe(error);
  });
});

test('an error that main throws is thrown by the run', () => {
  const error = new Error('mine');
  expect(thrownBy(() => simulate(() => fails(error, 5)))).toBe(error);
});

test('S12: an error in a plain callback is reported with the task that asked for it; everything else goes on', () => {
  const reports: unknown[] = [];
  const log: string[] = [];
  simulate(
    function* () {
      const asker = function* (): Coroutine<void> {
        callSoon(() => {
          throw new Error('of the callback');
        });
        callSoon(() => log.push('the next callback'));
      };
      createTask(asker, { name: 'asker' });
      createTask(function* () {
        yield* sleep(0);
        log.push('another task');
      });
      yield* sleep(5);
      log.push('main');
    },
    { onUnhandled: ({ kind, error, task }) => reports.push(`${kind}: ${(error as Error).message}, by ${task}`) },
  );
  expect(reports).toEqual(['callback: of the callback, by asker']);
  expect(log.sort()).toEqual(['another task', 'main', 'the next callback']);
});

test('S12: without a handler of the test, simulate() throws what nobody took', () => {
  const soon = () =>
    simulate(function* () {
      callSoon(() => {
        throw new Error('of the callback');
      });
      yield* sleep(5);
    });
  expect(soon).toThrow('of the callback');
});

function* nap(ms: number): Coroutine<void> {
  yield* sleep(ms);
}

function* fails(error: Error, ms = 0, turns = 0): Coroutine<never> {
  if (ms > 0) yield* sleep(ms);
  for (let i = 0; i < turns; i++) yield* sleep(0);
  throw error;
}

test('S23: the stack of a failure has every coroutine that awaited, not only the last ten frames', () => {
  function* deep(levels: number): Coroutine<void> {
    yield* sleep(1);
    if (levels > 0) return yield* deep(levels - 1);
    throw new Error('down there');
  }
  const limit = Error.stackTraceLimit;
  const reports: Unhandled[] = [];
  simulate(
    function* () {
      createTask(() => deep(20));
      yield* sleep(100);
    },
    { onUnhandled: (report) => reports.push(report) },
  );
  const { stack } = (reports[0] as Unhandled).error as Error;
  expect(stack?.match(/at deep \(/g)?.length).toBe(21);
  expect(Error.stackTraceLimit).toBe(limit);
});
