// gather and shield.

import { expect, test } from 'vitest';
import { gather } from '../../src/compose/gather.ts';
import { shield } from '../../src/compose/shield.ts';
import { timeout } from '../../src/compose/timeout.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { CancelledError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Unhandled } from '../../src/kernel/kernel.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { allTasks } from '../../src/kernel/tasks.ts';
import { thrownIn } from '../kernel/helpers.ts';
import { fail, simulateToEnd as simulate, stubborn, value } from './programs.ts';

test('S47: results in argument order, whatever ends first', () => {
  simulate(function* () {
    const task = createTask(() => value('task', 10));
    const [a, b, c, d] = yield* gather([value(1, 30), value('two', 5), task, sleep(20)]);
    expect([a, b, c, d, now()]).toEqual([1, 'two', 'task', undefined, 30]);
    expect(yield* gather([])).toEqual([]);
    expect(yield* gather(new Set([value(1)]) as never)).toEqual([1]);
  });
});

test('S47: the first failure propagates; the others are cancelled and awaited before', () => {
  const log: string[] = [];
  simulate(function* () {
    const error = yield* thrownIn(gather([stubborn(log, 'a'), fail('first', 10), fail('second', 20), value(1)]));
    expect([error.message, now(), log, allTasks().length]).toEqual(['first', 15, ['a'], 1]);
  });
});

test('S47: what the others throw while they are cancelled is reported', () => {
  const reports: Unhandled[] = [];
  simulate(
    function* () {
      const error = yield* thrownIn(gather([stubborn([], 'clean-up', 1, true), fail('first', 10)]));
      expect(error.message).toBe('first');
      yield* sleep(1);
    },
    { onUnhandled: (report) => reports.push(report) },
  );
  expect(reports.map(({ error }) => (error as Error).message)).toEqual(['clean-up']);
});

test('S47: onFailure "leave" leaves the others running; a cancel of the gather does not', () => {
  const log: string[] = [];
  simulate(function* () {
    const other = createTask(() => value('other', 50));
    const error = yield* thrownIn(gather([other, fail('first', 10)], { onFailure: 'leave' }));
    expect([error.message, now(), other.state]).toEqual(['first', 10, 'parked']);
    expect(yield* other).toBe('other');
    const gathering = createTask(gather([stubborn(log, 'a'), stubborn(log, 'b')], { onFailure: 'leave' }));
    yield* sleep(1);
    gathering.cancel();
    yield* thrownIn(gathering);
    expect([gathering.state, log, allTasks().length]).toEqual(['cancelled', ['a', 'b'], 1]);
  });
});

test('S47: returnExceptions puts errors in place; cancelling the gather cancels the children even then', () => {
  const log: string[] = [];
  const reports: unknown[] = [];
  const onUnhandled = ({ error }: Unhandled) => reports.push((error as Error).message);
  simulate(
    function* () {
      const victim = createTask(sleep(1000));
      yield* sleep(0);
      victim.cancel();
      const results = yield* gather([fail('a', 5), value(2, 50), victim], { returnExceptions: true });
      expect((results[0] as unknown as Error).message).toBe('a');
      expect(results[1]).toBe(2);
      expect(results[2]).toBeInstanceOf(CancelledError);

      const gathering = createTask(gather([stubborn(log, 'a'), fail('x', 3)], { returnExceptions: true }));
      yield* sleep(10);
      expect(gathering.done).toBe(false);
      gathering.cancel();
      yield* thrownIn(gathering);
      expect([gathering.state, log]).toEqual(['cancelled', ['a']]);
      yield* sleep(1);
    },
    { onUnhandled },
  );
  expect(reports).toEqual(['x']); // whose place nobody will see
});

test('S47: the same task (or coroutine) twice runs once', () => {
  simulate(function* () {
    let runs = 0;
    const once = (function* () {
      runs++;
      yield* sleep(1);
      return runs;
    })();
    const task = createTask(() => value('t', 1));
    expect(yield* gather([once, task, once, task])).toEqual([1, 't', 1, 't']);
  });
});

test('S47: one that is cancelled by itself counts as a failure', () => {
  const log: string[] = [];
  simulate(function* () {
    const victim = createTask(() => stubborn([], 'victim', 1));
    const gathering = createTask(gather([victim, stubborn(log, 'other')]));
    yield* sleep(1);
    victim.cancel('enough');
    const error = (yield* thrownIn(gathering)) as CancelledError;
    expect([error.name, error.reason, gathering.state, log]).toEqual(['CancelledError', 'enough', 'failed', ['other']]);
  });
});

test('S47: cancelled again while the children clean up, it still waits for them', () => {
  const log: string[] = [];
  simulate(function* () {
    const gathering = createTask(gather([stubborn(log, 'a', 20), stubborn(log, 'b', 30)]));
    for (let i = 0; i < 3; i++) {
      yield* sleep(1);
      gathering.cancel();
    }
    yield* thrownIn(gathering);
    expect([gathering.state, log, now()]).toEqual(['cancelled', ['a', 'b'], 31]);
  });
});

test('S47: under a timeout the children are ended before TimeoutError is thrown', () => {
  const log: string[] = [];
  simulate(function* () {
    const error = yield* thrownIn(timeout(10, () => gather([stubborn(log, 'a'), stubborn(log, 'b', 7)])));
    expect([error.name, log, now(), allTasks().length]).toEqual(['TimeoutError', ['a', 'b'], 17, 1]);
  });
});

test('gather refuses what is no list of operations, and starts nothing then', () => {
  simulate(function* () {
    expect((yield* thrownIn(gather(value(1) as never))).message).toContain('array');
    expect((yield* thrownIn(gather([value(1), value as never]))).message).toContain('call the function');
    expect((yield* thrownIn(gather([5 as never]))).message).toContain('number');
    expect((yield* thrownIn(gather([], { onFailure: 'no' as never }))).message).toContain("'cancel' or 'leave'");
    expect(allTasks().length).toBe(1);
  });
});

test('S39: shield: the caller is cancelled, the inner work goes on', () => {
  const log: unknown[] = [];
  simulate(function* () {
    function* work() {
      yield* sleep(50);
      log.push('work', now(), currentTask().cancelling);
      return 'result';
    }
    expect(yield* shield(value('through', 5))).toBe('through');
    const caller = createTask(function* () {
      yield* shield(work());
      log.push('never');
    });
    yield* sleep(10);
    caller.cancel();
    yield* thrownIn(caller);
    log.push(now(), caller.state);
    yield* sleep(100);
    const task = createTask(work);
    expect((yield* thrownIn(timeout(10, () => shield(task)))).name).toBe('TimeoutError');
    expect(yield* task).toBe('result');
  });
  expect(log).toEqual([15, 'cancelled', 'work', 55, false, 'work', 165, false]);
});

test('S39: its later failure is reported once; one that the caller gets is not', () => {
  const reports: Unhandled[] = [];
  simulate(
    function* () {
      expect((yield* thrownIn(shield(fail('seen', 5)))).message).toBe('seen');
      const caller = createTask(() => shield(fail('later', 50)));
      yield* sleep(10);
      caller.cancel();
      yield* thrownIn(caller);
      yield* sleep(100);
    },
    { onUnhandled: (report) => reports.push(report) },
  );
  expect(reports.map(({ kind, error }) => [kind, (error as Error).message])).toEqual([['task', 'later']]);
});
