// Debug mode: steps that keep the loop busy are reported, with where they began and ended. Time is the virtual clock's: a
// step that blocks is one that moves it.

import { expect, test } from 'vitest';
import type { SlowStepWarning } from '../../src/debug/warnings.ts';
import { callLater, callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Unhandled } from '../../src/kernel/kernel.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { simulate, thrownBy, world } from '../kernel/helpers.ts';

function warnings(main: (block: (ms: number) => void) => Coroutine<void>, debug = true): Unhandled[] {
  const { clock, selector } = world();
  const reports: Unhandled[] = [];
  const options = { clock, selector, debug, onUnhandled: (report: Unhandled) => reports.push(report) };
  simulate(() => main((ms) => clock.advance(ms)), options);
  return reports;
}

function stackOf(report: Unhandled | undefined): string {
  return String((report?.error as Error | undefined)?.stack);
}

test("S81: a step longer than the threshold is reported with the task's name, the time and both its ends", () => {
  const reports = warnings(function* (block) {
    function* parse(): Coroutine<void> {
      yield* sleep(5); // it begins here
      block(101);
      yield* sleep(7); // it ends here
    }
    function* handle(): Coroutine<void> {
      yield* parse();
    }
    yield* createTask(handle, { name: 'handler' });
  });
  expect(reports.length).toBe(1);
  const { kind, task, error, createdAt } = reports[0] as Unhandled;
  expect([kind, task?.name]).toEqual(['warning', 'handler']);
  expect(createdAt).toMatch(/slow-step\.test\.ts/);
  const warning = error as SlowStepWarning;
  expect([warning.code, warning.duration, warning.name]).toEqual(['ERR_COREACTOR_SLOW_STEP', 101, 'SlowStepWarning']);
  expect(warning.message).toMatch(/^handler kept the loop busy for 101 ms .*100 ms.*sleep\(0\)/);
  const lines = (warning.stack as string).split('\n');
  const line = (text: string): number => Number(/:(\d+):\d+\)$/.exec(text)?.[1]);
  expect(lines.map((each) => each.replace(/ \(.*/, ''))).toEqual([
    expect.stringMatching(/^SlowStepWarning: handler/),
    'where the step ended:',
    '    at parse',
    '    at handle',
    'where it had begun:',
    '    at parse',
    '    at handle',
  ]);
  expect(line(lines[2] as string) - line(lines[5] as string)).toBe(2);
});

test('S81: the first step of a task, and the last one', () => {
  const reports = warnings(function* (block) {
    createTask(
      function* () {
        block(200);
        yield* sleep(1);
        block(300);
      },
      { name: 'both' },
    );
    yield* sleep(2000);
  });
  const stacks = reports.map(stackOf);
  expect(stacks.length).toBe(2);
  expect(stacks[0]).toMatch(
    /for 200 ms[\s\S]*ended:\n {4}at .*slow-step[\s\S]*begun:\nthe task had just been created$/,
  );
  expect(stacks[1]).toMatch(/for 300 ms[\s\S]*ended:\nthe task returned\nwhere it had begun:\n {4}at .*slow-step/);
});

test('S81: no report for a step that is short enough, nor for time that passes between steps, nor without debug mode', () => {
  function* main(block: (ms: number) => void): Coroutine<void> {
    for (let i = 0; i < 10; i++) {
      block(100);
      yield* sleep(1000);
    }
  }
  expect(warnings(main)).toEqual([]);
  const slow = function* (block: (ms: number) => void): Coroutine<void> {
    block(1e6);
  };
  expect(warnings(slow).length).toBe(1);
  expect(warnings(slow, false)).toEqual([]);
});

test('a step that gives way ends there', () => {
  const [report] = warnings(function* gives(block) {
    block(500);
    yield* sleep(0);
  });
  expect(stackOf(report)).toMatch(/ended:\n {4}at gives/);
});

test("stacks are long enough for many coroutines; the program's own limit is given back, and kept if it sets one", () => {
  const before = Error.stackTraceLimit;
  function* deep(n: number, block: (ms: number) => void): Coroutine<void> {
    if (n > 0) return yield* deep(n - 1, block);
    block(500);
    yield* sleep(1);
  }
  try {
    Error.stackTraceLimit = 7;
    const [report] = warnings((block) => deep(30, block));
    expect(stackOf(report).match(/at deep/g)?.length).toBe(31);
    expect(Error.stackTraceLimit).toBe(7);
    const fails = function* (): Coroutine<void> {
      throw new Error('x');
    };
    thrownBy(() => simulate(fails, { debug: true }));
    expect(Error.stackTraceLimit).toBe(7);
    const sets = function* (): Coroutine<void> {
      Error.stackTraceLimit = 9;
    };
    simulate(sets, { debug: true });
    expect(Error.stackTraceLimit).toBe(9);
  } finally {
    Error.stackTraceLimit = before;
  }
});

test('S81: so is a callback, by its name and that of the task that asked for it', () => {
  const reports = warnings(function* (block) {
    const task = createTask(sleep(1), { name: 'short' });
    task.addDoneCallback(function lateNews() {
      block(200);
    });
    callSoon(function chores() {
      block(300);
    });
    callLater(10, () => block(99));
    yield* sleep(50);
  });
  expect(reports.map(({ error }) => (error as Error).message.replace(/:.*/, ''))).toEqual([
    'a callback chores() of Task-1 kept the loop busy for 300 ms (slowStep is 100 ms)',
    'a callback of short kept the loop busy for 200 ms (slowStep is 100 ms)',
  ]);
  expect(stackOf(reports[0])).toContain('SlowStepWarning');
});
