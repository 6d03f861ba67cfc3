// Failures that nobody retrieved: reported when, how often, and what counts as retrieving.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Unhandled } from '../../src/kernel/kernel.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { Crank, simulate, thrownBy, thrownIn } from './helpers.ts';

test('S23: a failure that nobody retrieved is reported once, at the end of the turn after its own', () => {
  const crank = new Crank({ debug: true });
  const error = new Error('mine');
  function* startIt(): Coroutine<void> {
    createTask(() => fails(error), { name: 'forgotten' });
  }
  crank.spawn(startIt);
  crank.turn();
  crank.turn();
  expect(crank.reports).toEqual([]);
  crank.turn();
  expect(crank.reports.length).toBe(1);
  const { kind, task, createdAt, ...rest } = crank.reports[0] as Unhandled;
  expect([kind, rest.error === error, task?.name]).toEqual(['task', true, 'forgotten']);
  expect(createdAt).toMatch(/^\s*at startIt/);
  expect((rest.error as Error).stack).toMatch(/failures\.test/);
  crank.turn(5);
  expect(crank.reports.length).toBe(1);
});

test('S23: the loop does not sleep on a failure that is still to be reported', () => {
  const reports: unknown[] = [];
  simulate(
    function* () {
      createTask(() => fails(new Error('mine')));
      yield* sleep(1000);
    },
    { onUnhandled: ({ error }) => reports.push([(error as Error).message, now()]) },
  );
  expect(reports).toEqual([['mine', 0]]);
});

test('S23: one that failed in the last turn of the run, or in its clean-up, is reported too', () => {
  const reports: unknown[] = [];
  simulate(
    function* () {
      createTask(function* (): Coroutine<void> {
        try {
          yield* sleep(1000);
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
          throw new Error('clean-up');
        }
      });
      yield* sleep(0);
      createTask(() => fails(new Error('last turn')));
      yield* sleep(0);
    },
    { onUnhandled: ({ error }) => reports.push((error as Error).message) },
  );
  expect(reports).toEqual(['last turn', 'clean-up']);
});

test('S23: main throwing is no unhandled failure', () => {
  const reports: unknown[] = [];
  thrownBy(() => simulate(() => fails(new Error('mine')), { onUnhandled: (report) => reports.push(report) }));
  expect(reports).toEqual([]);
});

test('S23: asking a task that has not ended retrieves nothing', () => {
  const crank = new Crank();
  thrownBy(() => failing(crank).result());
  thrownBy(() => failing(crank).exception());
  crank.turn(6);
  expect(crank.reports.length).toBe(1);
});

test.each<[string, (crank: Crank) => unknown]>([
  ['a joiner', (crank) => crank.spawn(() => thrownIn(failing(crank)))],
  ['exception() in the next turn', (crank) => later(crank, () => failing(crank).exception())],
  ['result() in the next turn', (crank) => later(crank, () => thrownBy(() => failing(crank).result()))],
  ['a done callback', (crank) => failing(crank).addDoneCallback((task) => task.exception())],
])('S23: retrieving it first suppresses the report: %s', (_, retrieve) => {
  const crank = new Crank();
  retrieve(crank);
  failing(crank);
  crank.turn(6);
  expect([failing(crank).state, crank.reports]).toEqual(['failed', []]);
});

const failures = new WeakMap<Crank, ReturnType<typeof createTask<never>>>();

/** A task of this kernel that fails in its third turn. */
function failing(crank: Crank): ReturnType<typeof createTask<never>> {
  const task = failures.get(crank) ?? crank.spawn(() => fails(new Error('mine'), 0, 2));
  failures.set(crank, task);
  return task;
}

/** Calls `look` in the turn after that in which the task failed. */
function later(crank: Crank, look: () => unknown): void {
  failing(crank);
  crank.spawn(function* () {
    for (let i = 0; i < 3; i++) yield* sleep(0);
    look();
  });
}

function* fails(error: Error, ms = 0, turns = 0): Coroutine<never> {
  if (ms > 0) yield* sleep(ms);
  for (let i = 0; i < turns; i++) yield* sleep(0);
  throw error;
}
