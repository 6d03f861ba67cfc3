// What a task is from the outside: its name, its outcome, the list it stands in, and what can be made one.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { CancelledError, InvalidStateError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine, Main } from '../../src/kernel/operation.ts';
import { park, wake } from '../../src/kernel/park.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { allTasks } from '../../src/kernel/tasks.ts';
import { Crank, collectGarbage, simulate, thrownBy, thrownIn } from './helpers.ts';

test('S15: default names are Task-1, Task-2, ...; a name can be given, read and changed', () => {
  simulate(function* () {
    const tasks = [createTask(() => nap()), createTask(nap(), { name: 'mine' }), createTask(() => nap(), {})];
    expect([currentTask(), ...tasks].map((task) => task.name)).toEqual(['Task-1', 'Task-2', 'mine', 'Task-3']);
    const [first] = tasks as [Task<void>];
    first.name = 'renamed';
    yield* first;
    expect([first.name, String(first), `${tasks[1]}`]).toEqual(['renamed', 'renamed', 'mine']);
  });
});

test('S15: currentTask() is the task whose step runs, and throws outside one', () => {
  expect(thrownBy(currentTask)).toBeInstanceOf(InvalidStateError);
  const main = function* (): Coroutine<void> {
    const self = currentTask();
    const child = createTask(function* () {
      expect(currentTask() === self).toBe(false);
      yield* sleep(5);
      expect(currentTask() === child).toBe(true);
    });
    yield* child;
    expect(currentTask() === self).toBe(true);
    self.kernel.callSoon(() => {
      expect(thrownBy(currentTask)).toMatchObject({ code: 'ERR_COREACTOR_INVALID_STATE' });
    });
    yield* sleep(0);
  };
  simulate(main);
  expect(thrownBy(currentTask)).toBeInstanceOf(InvalidStateError);
});

test('a task goes through its states, and yield* gives what it returned', () => {
  simulate(function* () {
    const seen: string[] = [];
    const task = createTask(function* () {
      seen.push(task.state);
      yield* sleep(10);
      return { answer: 42 };
    });
    seen.push(task.state);
    yield* sleep(5);
    seen.push(task.state);
    expect(task.done).toBe(false);
    const result = yield* task;
    seen.push(task.state);
    expect([now(), task.done, result === (yield* task), result === task.result()]).toEqual([10, true, true, true]);
    expect(seen).toEqual(['new', 'running', 'parked', 'returned']);
  });
});

test('S24: a task that nobody references still runs', async () => {
  const crank = new Crank();
  let ended = false;
  const registry: { waiter?: WeakRef<Task<unknown>> } = {};
  crank.spawn(function* () {
    let polls = 0;
    yield* {
      [Symbol.iterator]: () => ({
        next: () => {
          if (polls++ > 0) return { done: true as const, value: undefined };
          registry.waiter = new WeakRef(currentTask());
          return park('nothing');
        },
      }),
    };
    ended = true;
  });
  crank.turn();
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve)); // a WeakRef holds its target until the job ends
    collectGarbage();
  }
  const task = registry.waiter?.deref();
  expect(task === undefined).toBe(false);
  wake(task as Task<unknown>);
  crank.turn();
  expect([ended, crank.kernel.live]).toEqual([true, 0]);
});

test('S25: allTasks() lists what has not ended, oldest first; what ended is gone from it', () => {
  expect(thrownBy(allTasks)).toBeInstanceOf(InvalidStateError);
  simulate(
    function* () {
      const names = () => allTasks().map((task) => task.name);
      const make = (name: string, ms: number) => createTask(() => nap(ms), { name });
      const tasks = [make('a', 30), make('b', 10), make('c', 40), make('d', 20)];
      expect(names()).toEqual(['Task-1', 'a', 'b', 'c', 'd']);
      yield* sleep(15); // one in the middle returned
      expect(names()).toEqual(['Task-1', 'a', 'c', 'd']);
      make('e', 100);
      yield* sleep(10); // the last of the old ones
      expect(names()).toEqual(['Task-1', 'a', 'c', 'e']);
      tasks[0]?.cancel();
      expect(names()).toEqual(['Task-1', 'a', 'c', 'e']);
      yield* sleep(0);
      createTask(() => fails());
      expect(names()).toEqual(['Task-1', 'c', 'e', 'Task-2']);
      yield* sleep(0);
      expect(names()).toEqual(['Task-1', 'c', 'e']);
      yield* sleep(1000);
      expect(names()).toEqual(['Task-1']);
    },
    { onUnhandled: () => {} },
  );
});

test('S26: a generator that is a task already is refused: while it is new, while it runs, parked, and when it is done', () => {
  simulate(function* () {
    const again = () => {
      const error = thrownBy(() => createTask(body));
      expect(error).toBeInstanceOf(InvalidStateError);
      expect(error.message).toMatch(/task already/);
    };
    const body = (function* (): Coroutine<number> {
      again();
      yield* sleep(5);
      return 7;
    })();
    const task = createTask(body);
    again();
    yield* sleep(1);
    again();
    expect(yield* task).toBe(7);
    again();
    expect(allTasks().length).toBe(1);
  });
});

test('S26: a function makes a new generator each time and may be given again', () => {
  simulate(function* () {
    const tasks = [createTask(nap), createTask(nap)];
    for (const task of tasks) yield* task;
    expect(tasks.map((task) => task.state)).toEqual(['returned', 'returned']);
  });
});

test.each<[string, () => unknown]>([
  ['a promise', () => Promise.resolve()],
  ['an async function', () => async () => {}],
  ['an array', () => [sleep(5)]],
  ['a function that is no generator function', () => () => 5],
  ['undefined', () => undefined],
  ['null', () => null],
  ['a string', () => 'main'],
])('createTask() refuses %s', (_, make) => {
  simulate(function* () {
    const error = thrownBy(() => createTask(make() as Main<unknown>));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.code).toBe('ERR_COREACTOR_ARGUMENT');
    expect(allTasks().length).toBe(1);
    yield* sleep(0);
  });
});

test('createTask() takes any operation', () => {
  simulate(function* () {
    const child = createTask(nap);
    const tasks = [createTask(sleep(5)), createTask(() => sleep(7))];
    for (const task of tasks) yield* task;
    expect(now()).toBe(7);
    expect(thrownBy(() => createTask(child)).message).toContain('is a task already');
    yield* child;
  });
});

test('createTask() refuses an async generator, whose every next() is a promise', () => {
  let thrown = 0;
  simulate(
    function* () {
      const body = (async function* () {})();
      // Without the refusal the step would throw into it for ever.
      body.throw = () => (++thrown > 3 ? ({ done: true } as never) : Promise.resolve({ done: false } as never));
      expect(thrownBy(() => createTask(body as never)).code).toBe('ERR_COREACTOR_ARGUMENT');
      yield* sleep(0);
    },
    { onUnhandled: () => {} },
  );
  expect(thrown).toBe(0);
});

test('createTask() outside a loop throws and closes the generator it was given', () => {
  const body = nap();
  expect(thrownBy(() => createTask(body))).toBeInstanceOf(InvalidStateError);
  expect(body.next()).toEqual({ done: true, value: undefined });
});

test('S28: result() and exception() of an unfinished task throw InvalidStateError, of a cancelled one CancelledError', () => {
  simulate(
    function* () {
      const error = new Error('mine');
      const returned = createTask(() => nap(5));
      const failed = createTask(() => fails(error, 5));
      const cancelled = createTask(() => nap(5));
      const all: Task<unknown>[] = [returned, failed, cancelled, currentTask()];
      yield* sleep(1);
      for (const task of all) {
        expect(thrownBy(() => task.result())).toBeInstanceOf(InvalidStateError);
        expect(thrownBy(() => task.exception())).toBeInstanceOf(InvalidStateError);
      }
      cancelled.cancel('enough');
      expect(thrownBy(() => cancelled.result())).toBeInstanceOf(InvalidStateError); // asked, not yet done
      yield* sleep(10);
      expect([returned.result(), returned.exception()]).toEqual([undefined, null]);
      expect(thrownBy(() => failed.result())).toBe(error);
      expect(failed.exception()).toBe(error);
      for (const ask of [() => cancelled.result(), () => cancelled.exception()]) {
        expect(thrownBy(ask)).toBeInstanceOf(CancelledError);
        expect(thrownBy(ask)).toMatchObject({ reason: 'enough', by: 'Task-1' });
      }
      expect(yield* thrownIn(failed)).toBe(error);
    },
    { onUnhandled: () => {} },
  ); // `failed` is reported before it is asked
});

function* nap(ms = 1): Coroutine<void> {
  yield* sleep(ms);
}

function* fails(error = new Error('as it should'), ms = 0): Coroutine<never> {
  if (ms > 0) yield* sleep(ms);
  throw error;
}
