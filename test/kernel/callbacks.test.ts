// callSoon(), callLater() and callAt().

import { expect, test } from 'vitest';
import { callAt, callLater, callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { simulate, thrownBy, world } from './helpers.ts';

test('callSoon() runs in the coming turn, in the order of the calls, between the steps of tasks', () => {
  const { clock, selector } = world();
  const log: string[] = [];
  simulate(
    function* () {
      callSoon(() => log.push(`a after ${selector.waits.length}`));
      createTask(function* (): Coroutine<void> {
        log.push('task');
      });
      callSoon(() => log.push('b'));
      log.push('main');
      yield* sleep(1);
    },
    { clock, selector },
  );
  expect(log).toEqual(['main', 'a after 1', 'task', 'b']);
});

test('S5: callLater() and callAt() run when their time has come, equal ones in the order of the calls', () => {
  const log: unknown[] = [];
  simulate(function* () {
    yield* sleep(100);
    callLater(20, () => log.push('20', now()));
    callAt(110, () => log.push('at 110', now()));
    callLater(10, () => log.push('10', now()));
    callAt(5, () => log.push('past', now()));
    callLater(0, () => log.push('zero', now()));
    callLater(-5, () => log.push('negative', now())); // counts as 0, so it does not overtake
    yield* sleep(50);
  });
  expect(log).toEqual(['past', 100, 'zero', 100, 'negative', 100, 'at 110', 110, '10', 110, '20', 120]);
});

test('S10: a timer that is cancelled by one of the same batch does not run', () => {
  const log: string[] = [];
  simulate(function* () {
    callLater(10, () => {
      log.push('first');
      log.push(`${second.cancel()} ${third.cancel()}`);
    });
    const second = callLater(10, () => log.push('never'));
    const third = callAt(10, () => log.push('never'));
    yield* sleep(20);
  });
  expect(log).toEqual(['first', 'true true']);
});

test('S10: callSoon() that is cancelled by one before it does not run', () => {
  const log: string[] = [];
  simulate(function* () {
    callSoon(() => log.push(`${second.cancel()} ${second.cancel()}`));
    const second = callSoon(() => log.push('never'));
    yield* sleep(0);
  });
  expect(log).toEqual(['true false']);
});

test('cancel() says whether it prevented the call', () => {
  simulate(function* () {
    let inside: boolean | undefined;
    const ran = callLater(10, () => {
      inside = ran.cancel();
    });
    const early = callLater(10, () => expect.fail('it was cancelled'));
    const never = callLater(Infinity, () => expect.fail('it never comes'));
    expect([early.cancel(), early.cancel()]).toEqual([true, false]);
    yield* sleep(20);
    expect([inside, ran.cancel(), never.cancel(), never.cancel()]).toEqual([false, false, true, false]);
  });
});

test('a cancelled callLater() lets the loop wait for the next thing instead', () => {
  const { clock, selector } = world();
  simulate(
    function* () {
      const handle = callLater(10, () => {});
      handle.cancel();
      yield* sleep(50);
    },
    { clock, selector },
  );
  expect(selector.waits).toEqual([{ at: 0, ms: 50 }]);
});

test('S8: callLater() and callAt() refuse NaN and other types, all three refuse what is no function', () => {
  simulate(function* () {
    for (const call of [callLater, callAt]) {
      expect(thrownBy(() => call(Number.NaN, () => {}))).toBeInstanceOf(RangeError);
      expect(thrownBy(() => call('5' as never, () => {}))).toBeInstanceOf(TypeError);
    }
    const body = (function* (): Coroutine<void> {})();
    for (const call of [callSoon, (fn: never) => callLater(1, fn), (fn: never) => callAt(1, fn)]) {
      expect(thrownBy(() => call(body as never))).toMatchObject({ code: 'ERR_COREACTOR_ARGUMENT' });
      expect(thrownBy(() => call(undefined as never))).toBeInstanceOf(TypeError);
    }
    yield* sleep(5);
  });
});

test('outside a loop they throw', () => {
  for (const call of [() => callSoon(() => {}), () => callLater(1, () => {}), () => callAt(1, () => {})]) {
    expect(thrownBy(call).code).toBe('ERR_COREACTOR_INVALID_STATE');
  }
});

test('S30: a task that a callback of the last turn creates is cancelled too, its generator closed', () => {
  let task: Task<void> | undefined;
  let ran = false;
  simulate(function* (): Coroutine<void> {
    callSoon(() => {
      task = createTask(function* () {
        ran = true;
        yield* sleep(1000);
      });
    });
  });
  expect([ran, task?.state]).toEqual([false, 'cancelled']);
});
