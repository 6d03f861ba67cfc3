// What wake() answers, and what it does to a task in whatever state.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Park } from '../../src/kernel/operation.ts';
import { giveWay, park, wake } from '../../src/kernel/park.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { Crank, open, Pause, receive, simulate, thrownBy, world } from './helpers.ts';

test('wake() then cancel(): the operation delivers, the cancel takes effect at the next suspension', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const pause = new Pause();
    const task = createTask(function* () {
      yield* pause;
      log.push('delivered');
      yield* sleep(1);
      log.push('never');
    });
    yield* sleep(0);
    log.push(pause.end(), task.cancel());
    yield* sleep(0);
    expect([task.cancelled, pause.left]).toEqual([true, 0]);
  });
  expect(log).toEqual([true, true, 'delivered']);
});

test('cancel() then wake(): wake() says false, the operation is left and not polled again', () => {
  simulate(function* () {
    const pause = new Pause();
    const task = createTask(function* () {
      yield* pause;
    });
    yield* sleep(0);
    expect(task.cancel()).toBe(true);
    expect(pause.end()).toBe(false);
    yield* sleep(0);
    expect([task.cancelled, pause.polls, pause.left]).toEqual([true, 1, 1]);
  });
});

test('wake() of a task that has returned, failed or was cancelled says false', () => {
  simulate(
    function* () {
      const tasks = [
        createTask(function* () {}),
        createTask(() => fails()),
        createTask(function* () {
          yield* sleep(1000);
        }),
      ] as const;
      yield* sleep(1);
      tasks[2].cancel();
      yield* sleep(1);
      expect(tasks.map((task) => [task.state, wake(task as Task<unknown>)])).toEqual([
        ['returned', false],
        ['failed', false],
        ['cancelled', false],
      ]);
    },
    { onUnhandled: () => {} },
  );
});

test('a task that is woken while it runs goes round once more after it parks', () => {
  simulate(function* () {
    const pause = new Pause();
    createTask(function* () {
      yield* pause;
    });
    const busy = new Pause();
    const task = createTask(function* () {
      const self = currentTask();
      expect([wake(self), wake(self)]).toEqual([true, true]);
      yield* busy;
    });
    yield* sleep(0);
    expect([busy.polls, task.state]).toEqual([1, 'ready']);
    yield* sleep(0);
    expect([busy.polls, task.state]).toEqual([2, 'parked']);
    yield* sleep(0);
    expect([busy.polls, task.state]).toEqual([2, 'parked']);
    task.cancel();
  });
});

test('several wakes before the step are one: the operation is polled once', () => {
  simulate(function* () {
    const pause = new Pause();
    const task = createTask(function* () {
      yield* pause;
    });
    yield* sleep(0);
    expect([wake(task), wake(task), wake(task)]).toEqual([true, true, true]);
    yield* sleep(0);
    expect(pause.polls).toBe(2);
    yield* sleep(0);
    expect([pause.polls, pause.end()]).toEqual([2, true]);
    yield* task;
    expect(pause.polls).toBe(3);
  });
});

test('a task that woke itself and then ended is not stepped again', () => {
  const crank = new Crank();
  const task = crank.spawn(function* () {
    wake(currentTask());
    return 7;
  });
  crank.turn(3);
  expect([task.result(), crank.kernel.live, crank.reports]).toEqual([7, 0, []]);
});

test('a wake for nothing shortens no sleep, ends no join and invents no data', () => {
  const { clock, selector } = world();
  const log: unknown[] = [];
  simulate(
    function* () {
      const source = open(3);
      const target = createTask(() => sleepFor(50));
      const waiters = [
        createTask(function* () {
          yield* sleep(30);
          log.push('slept', now());
        }),
        createTask(function* () {
          yield* receive(source);
          log.push('received', now());
        }),
        createTask(function* () {
          yield* target;
          log.push('joined', now());
        }),
        createTask(function* () {
          yield* sleep(null);
        }),
      ];
      selector.signalAt(40, 3, READ);
      for (let i = 0; i < 5; i++) {
        yield* sleep(5);
        for (const task of waiters) expect(wake(task)).toBe(true);
      }
      yield* sleep(100);
      expect(waiters.map((task) => task.state)).toEqual(['returned', 'returned', 'returned', 'parked']);
    },
    { clock, selector },
  );
  expect(log).toEqual(['slept', 30, 'received', 40, 'joined', 50]);
});

test('park() and giveWay() outside a task and wake() of something else are refused with a code', () => {
  expect(thrownBy(() => park('x')).code).toBe('ERR_COREACTOR_INVALID_STATE');
  expect(thrownBy(() => giveWay('x')).code).toBe('ERR_COREACTOR_INVALID_STATE');
  const refused = thrownBy(() => wake({} as never));
  expect(refused).toBeInstanceOf(TypeError);
  expect(refused.code).toBe('ERR_COREACTOR_ARGUMENT');
});

test('a parked task shows what it waits on', () => {
  simulate(function* () {
    const pause = new Pause();
    const task = createTask(function* () {
      yield* pause;
    });
    expect([task.state, task.waitingOn]).toEqual(['new', null]);
    yield* sleep(0);
    expect(task.state).toBe('parked');
    expect(task.waitingOn === pause).toBe(true); // toEqual() would iterate it
    pause.end();
    yield* task;
    expect([task.state, task.waitingOn]).toEqual(['returned', null]);
  });
});

function* fails(): Generator<never, void, void> {
  throw new Error('as it should');
}

function* sleepFor(ms: number): Generator<Park, void, void> {
  yield* sleep(ms);
}
