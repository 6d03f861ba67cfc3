// wait and asCompleted.

import { expect, test } from 'vitest';
import { asCompleted } from '../../src/compose/as-completed.ts';
import { moveOnAfter } from '../../src/compose/timeout.ts';
import { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, wait } from '../../src/compose/wait.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { allTasks } from '../../src/kernel/tasks.ts';
import { bytesInUse, thrownBy, thrownIn, world } from '../kernel/helpers.ts';
import { fail, simulateToEnd as simulate, value } from './programs.ts';

function three(): Task<unknown>[] {
  return [
    createTask(() => value(1, 10), { name: 'ten' }),
    createTask(() => fail('twenty', 20), { name: 'twenty' }),
    createTask(() => value(3, 30), { name: 'thirty' }),
  ];
}

function names(tasks: Set<Task<unknown>>): string[] {
  return [...tasks].map(({ name }) => name);
}

test.each<[string, object, string[], number]>([
  ['FIRST_COMPLETED', { returnWhen: FIRST_COMPLETED }, ['ten'], 10],
  ['FIRST_EXCEPTION', { returnWhen: FIRST_EXCEPTION }, ['ten', 'twenty'], 20],
  ['ALL_COMPLETED', { returnWhen: ALL_COMPLETED }, ['ten', 'twenty', 'thirty'], 30],
  ['all by default', {}, ['ten', 'twenty', 'thirty'], 30],
  ['timeout', { timeout: 15 }, ['ten'], 15],
  ['timeout at the moment of a result', { timeout: 20 }, ['ten', 'twenty'], 20],
  ['timeout 0', { timeout: 0 }, [], 0],
])('S48: wait by %s gives done and pending, and cancels nobody', (_, options, expected, at) => {
  simulate(
    function* () {
      const tasks = three();
      const { done, pending } = yield* wait(tasks, options);
      expect([names(done), now()]).toEqual([expected, at]);
      expect(names(pending)).toEqual(['ten', 'twenty', 'thirty'].filter((name) => !expected.includes(name)));
      yield* sleep(100);
      expect(tasks.map(({ state }) => state)).toEqual(['returned', 'failed', 'returned']);
      expect(tasks[1]?.exception()).toBeInstanceOf(Error);
    },
    { onUnhandled: () => {} },
  );
});

test('S48: FIRST_EXCEPTION: a cancelled task is no exception', () => {
  simulate(function* () {
    const [a, b] = [createTask(() => value(1, 50)), createTask(() => value(2, 20))];
    yield* sleep(1);
    b.cancel();
    const { done } = yield* wait([a, b], { returnWhen: FIRST_EXCEPTION });
    expect([done.size, now()]).toEqual([2, 50]);
  });
});

test('S48: a failure is unhandled only if nobody asks for it when the wait is over', () => {
  const reports: unknown[] = [];
  simulate(
    function* () {
      const tasks = [
        createTask(() => fail('asked for', 5)),
        createTask(() => fail('ignored', 5)),
        createTask(sleep(50)),
      ];
      yield* wait(tasks);
      expect([reports, now()]).toEqual([[], 50]);
      expect(tasks[0]?.exception()).toBeInstanceOf(Error);
      yield* sleep(1);
      expect(reports).toEqual(['ignored']);
      const late = createTask(() => fail('of a cancelled wait', 5));
      const waiting = createTask(() => wait([late, createTask(sleep(100))]));
      yield* sleep(20);
      waiting.cancel();
      yield* sleep(1);
    },
    { onUnhandled: ({ error }) => reports.push((error as Error).message) },
  );
  expect(reports).toEqual(['ignored', 'of a cancelled wait']);
});

test('S48: tasks that have ended already count; the same one twice is one', () => {
  simulate(function* () {
    const task = createTask(() => value(1));
    yield* task;
    const { done, pending } = yield* wait([task, task, createTask(() => value(2, 5))], { returnWhen: FIRST_COMPLETED });
    expect([[...done][0] === task, done.size, pending.size, now()]).toEqual([true, 1, 1, 0]);
    yield* sleep(10);
  });
});

test('S48: an empty set is an error, and so is what is no task', () => {
  simulate(function* () {
    expect((yield* thrownIn(wait([]))).message).toContain('no task');
    expect((yield* thrownIn(wait([value(1) as never]))).message).toContain('createTask()');
    expect((yield* thrownIn(wait([currentTask()], { returnWhen: 'SOON' as never }))).message).toContain(
      'FIRST_COMPLETED',
    );
  });
});

test('S48: a cancelled wait leaves the tasks running and nothing of itself', () => {
  simulate(function* () {
    const task = createTask(() => value(1, 50));
    const waiting = createTask(() => wait([task]));
    yield* sleep(10);
    waiting.cancel();
    yield* thrownIn(waiting);
    expect([waiting.state, task.state]).toEqual(['cancelled', 'parked']);
    expect(yield* task).toBe(1);
  });
});

test('S48: a hundred thousand cancelled waits leave memory where it was', () => {
  const { clock, selector } = world();
  const main = function* (): Coroutine<void> {
    const task = createTask(sleep(1e9));
    const other = createTask(sleep(1e9));
    const round = function* (count: number): Coroutine<number> {
      for (let i = 0; i < count; i++) yield* moveOnAfter(1, () => wait([task, other]));
      selector.waits.length = 0;
      return bytesInUse();
    };
    const before = yield* round(1000);
    expect((yield* round(100_000)) - before).toBeLessThan(2_000_000);
  };
  simulate(main, { clock, selector });
});

test('S48: a wait in a loop that is always over gives way', () => {
  simulate(function* () {
    const task = createTask(() => value(1));
    yield* task;
    let other = false;
    createTask(function* () {
      other = true;
    });
    for (let i = 0; i < 1000 && !other; i++) yield* wait([task]);
    expect(other).toBe(true);
  });
});

test('S49: asCompleted gives what ends first, first', () => {
  simulate(function* () {
    const got: unknown[] = [];
    for (const next of asCompleted([value('c', 30), value('a', 10), fail('b', 20), value('now')])) {
      try {
        got.push(yield* next, now());
      } catch (error) {
        got.push((error as Error).message, now());
      }
    }
    expect(got).toEqual(['now', 0, 'a', 10, 'b', 20, 'c', 30]);
  });
});

test('S49: with a timeout, TimeoutError for what is late, which goes on', () => {
  simulate(function* () {
    const tasks = [
      createTask(() => value('a', 10)),
      createTask(() => value('b', 50)),
      createTask(() => value('c', 60)),
    ];
    const got: unknown[] = [];
    for (const next of asCompleted(tasks, { timeout: 20 })) {
      try {
        got.push(yield* next);
      } catch (error) {
        got.push((error as Error).name, now());
      }
    }
    expect(got).toEqual(['a', 'TimeoutError', 20, 'TimeoutError', 20]);
    expect(yield* tasks[2] as Task<string>).toBe('c');
  });
});

test('S49: what has come is given though it is fetched late', () => {
  simulate(function* () {
    const iterable = asCompleted([value('a', 10), value('b', 50)], { timeout: 20 });
    yield* sleep(100);
    const got: unknown[] = [];
    for (const next of iterable) got.push(yield* next);
    expect(got).toEqual(['a', 'b']);
  });
});

test('S49: failures that nobody fetches are reported once the loop is left', () => {
  const reports: unknown[] = [];
  simulate(
    function* () {
      for (const next of asCompleted([value(1), fail('early', 5), fail('late', 500)])) {
        yield* next;
        yield* sleep(100);
        expect(reports).toEqual([]);
        break;
      }
      yield* sleep(1000);
    },
    { onUnhandled: ({ error }) => reports.push((error as Error).message) },
  );
  expect(reports).toEqual(['early', 'late']);
});

test('S49: tasks that have ended already come first, and the same one twice comes once', () => {
  simulate(function* () {
    const task = createTask(() => value('old'));
    yield* task;
    const got: unknown[] = [];
    for (const next of asCompleted([value('new'), task, task])) got.push(yield* next);
    expect(got).toEqual(['old', 'new']);
    expect([...asCompleted([])]).toEqual([]);
    expect(thrownBy(() => asCompleted(value(1) as never)).message).toContain('array');
    expect(allTasks().length).toBe(1);
  });
});
