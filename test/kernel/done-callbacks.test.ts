// addDoneCallback() and removeDoneCallback().

import { expect, test } from 'vitest';
import { callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Unhandled } from '../../src/kernel/kernel.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { Crank, simulate } from './helpers.ts';

test('S27: done callbacks run once, in the order of the calls, with the task, in the turn after its end', () => {
  const crank = new Crank();
  const log: string[] = [];
  const task = crank.spawn(() => nap(), 'it');
  for (const name of ['a', 'b', 'c']) task.addDoneCallback((ended) => log.push(`${name} of ${ended} ${ended.state}`));
  crank.turn();
  crank.clock.advance(1);
  crank.turn();
  expect([task.done, log]).toEqual([true, []]);
  crank.turn();
  expect(log).toEqual(['a of it returned', 'b of it returned', 'c of it returned']);
  crank.turn(3);
  expect(log.length).toBe(3);
});

test('S27: whatever way the task ended', () => {
  const log: string[] = [];
  simulate(
    function* () {
      const failed = createTask(() => fails(), { name: 'one' });
      const cancelled = createTask(() => nap(), { name: 'another' });
      const unborn = createTask(() => nap(), { name: 'a third' });
      for (const task of [failed, cancelled, unborn]) task.addDoneCallback((it) => log.push(`${it} ${it.state}`));
      unborn.cancel();
      yield* sleep(0);
      cancelled.cancel();
      yield* sleep(5);
    },
    { onUnhandled: () => {} },
  );
  expect(log).toEqual(['one failed', 'a third cancelled', 'another cancelled']);
});

test('S27: joiners and callbacks are told in the order in which they came', () => {
  const log: string[] = [];
  simulate(function* () {
    const task = createTask(() => nap());
    task.addDoneCallback(() => log.push('first'));
    createTask(function* () {
      yield* task;
      log.push('joiner');
    });
    yield* sleep(0);
    task.addDoneCallback(() => log.push('last'));
    yield* sleep(5);
  });
  expect(log).toEqual(['first', 'joiner', 'last']);
});

test('S27: one that is added to a done task runs on the next turn, not at once', () => {
  const crank = new Crank();
  const log: string[] = [];
  const task = crank.spawn(() => nap(0));
  crank.turn(3);
  crank.spawn(function* (): Coroutine<void> {
    task.addDoneCallback(() => log.push('late'));
    log.push('added');
  });
  crank.turn();
  expect(log).toEqual(['added']);
  crank.turn();
  expect(log).toEqual(['added', 'late']);
});

test('S27: removing one that has not run prevents it: before the end of the task', () => {
  const log: string[] = [];
  simulate(function* () {
    const task = createTask(() => nap());
    const twice = () => log.push('never');
    task.addDoneCallback(twice);
    expect(task.removeDoneCallback(() => {})).toBe(0);
    expect(task.removeDoneCallback(twice)).toBe(1);
    task.addDoneCallback(twice);
    task.addDoneCallback(() => log.push('kept'));
    task.addDoneCallback(twice);
    expect([task.removeDoneCallback(twice), task.removeDoneCallback(twice)]).toEqual([2, 0]);
    yield* task;
    yield* sleep(1);
    expect(task.removeDoneCallback(twice)).toBe(0);
  });
  expect(log).toEqual(['kept']);
});

test('S27: removing one that has not run prevents it: between the end of the task and the callback', () => {
  const log: string[] = [];
  simulate(function* () {
    const callback = () => log.push('never');
    const task = createTask(() => nap(0));
    task.addDoneCallback(callback);
    task.addDoneCallback(() => log.push('kept'));
    const remover = createTask(function* () {
      yield* sleep(0);
      // One turn: the task has just ended, its callbacks are queued.
      return [task.done, task.removeDoneCallback(callback)];
    });
    expect(yield* remover).toEqual([true, 1]);
    yield* sleep(1);
  });
  expect(log).toEqual(['kept']);
});

test('S27: removing one that was added to a done task and has not run prevents it', () => {
  const log: string[] = [];
  simulate(function* () {
    const task = createTask(() => nap(0));
    yield* task;
    const callback = () => log.push('never');
    task.addDoneCallback(callback);
    expect(task.removeDoneCallback(callback)).toBe(1);
    yield* sleep(1);
  });
  expect(log).toEqual([]);
});

test('S27: the callbacks of main run too, and so does what main asked for with callSoon() before it ended', () => {
  const log: string[] = [];
  simulate(function* (): Coroutine<void> {
    currentTask().addDoneCallback((task) => log.push(`${task} ${task.state}`));
    callSoon(() => log.push('soon'));
  });
  expect(log).toEqual(['soon', 'Task-1 returned']);
});

test('a callback that throws is reported and stops neither the others nor the loop', () => {
  const reports: Unhandled[] = [];
  const log: string[] = [];
  simulate(
    function* () {
      const task = createTask(() => nap(), { name: 'it' });
      task.addDoneCallback(() => {
        throw new Error('of the callback');
      });
      task.addDoneCallback(() => log.push('second'));
      yield* sleep(5);
    },
    { onUnhandled: (report) => reports.push(report) },
  );
  expect(log).toEqual(['second']);
  expect(reports.map(({ kind, error }) => `${kind}: ${(error as Error).message}`)).toEqual([
    'callback: of the callback',
  ]);
});

function* nap(ms = 1): Coroutine<void> {
  yield* sleep(ms);
}

function* fails(): Coroutine<never> {
  throw new Error('as it should');
}
