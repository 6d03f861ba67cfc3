// The event stream: every event of a small program, in order, and the same for each of several instruments.

import { expect, test } from 'vitest';
import { callLater } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Instrument } from '../../src/kernel/instruments.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { open, Pause, receive, simulate, world } from './helpers.ts';

function recorder(log: string[]): Required<Instrument> {
  return {
    taskSpawned: (task, by) => log.push(`spawned ${task} by ${by}`),
    stepBegin: (task) => log.push(`begin ${task}`),
    stepEnd: (task) => log.push(`end ${task}`),
    parked: (task, resource) => log.push(`parked ${task} on ${resource}`),
    woken: (task, by) => log.push(`woken ${task} by ${by}`),
    taskExited: (task) => log.push(`exited ${task} ${task.state}`),
    selectBegin: (timeout) => log.push(`select ${timeout}`),
    selectEnd: (rows) => log.push(`rows ${rows}`),
  };
}

test('every event of a program, in order', () => {
  const log: string[] = [];
  const { clock, selector } = world();
  simulate(
    function* () {
      const source = open(3);
      const child = createTask(
        function* () {
          yield* receive(source);
          yield* sleep(5);
        },
        { name: 'child' },
      );
      selector.signalAt(10, 3, READ);
      Object.assign(source, { toString: () => 'fd 3' });
      yield* child;
    },
    { clock, selector, instruments: [recorder(log)] },
  );
  expect(log).toEqual([
    ...['spawned Task-1 by null', 'begin Task-1', 'spawned child by Task-1', 'parked Task-1 on child', 'end Task-1'],
    ...['select 0', 'rows 0', 'begin child', 'parked child on fd 3', 'end child'],
    ...['select Infinity', 'rows 1', 'woken child by null', 'begin child', 'parked child on sleep until 15.000'],
    ...['end child', 'select 5', 'rows 0', 'woken child by null', 'begin child', 'exited child returned'],
    ...['woken Task-1 by child', 'end child', 'select 0', 'rows 0', 'begin Task-1', 'exited Task-1 returned'],
    ...['end Task-1'],
  ]);
});

test('who woke a task: another task, or nobody when a callback did; a wake that changes nothing is no event', () => {
  const woken: string[] = [];
  simulate(
    function* () {
      const pauses = [new Pause(), new Pause()] as const;
      const tasks = pauses.map((pause, i) =>
        createTask(
          function* () {
            yield* pause;
          },
          { name: `sleeper ${i}` },
        ),
      );
      callLater(5, () => pauses[0].end());
      const waker = function* () {
        yield* sleep(10);
        for (let i = 0; i < 3; i++) pauses[1].end();
      };
      createTask(waker, { name: 'waker' });
      yield* sleep(20);
      for (const pause of pauses) pause.end();
      expect(tasks.map((task) => task.done)).toEqual([true, true]);
    },
    { instruments: [{ woken: (task, by) => woken.push(`${task} by ${by}`) }] },
  );
  expect(woken).toEqual(['sleeper 0 by null', 'waker by null', 'sleeper 1 by waker', 'Task-1 by null']);
});

test('steps and exits of tasks that fail or are cancelled', () => {
  const log: string[] = [];
  simulate(
    function* () {
      createTask(
        function* () {
          yield* sleep(0);
          throw new Error('as it should');
        },
        { name: 'failing' },
      );
      const doomed = createTask(() => sleepFor(1000), { name: 'doomed' });
      yield* sleep(1);
      doomed.cancel();
      yield* sleep(1);
    },
    {
      onUnhandled: () => {},
      instruments: [{ taskExited: (task) => log.push(`${task} ${task.state}`) }],
    },
  );
  expect(log).toEqual(['failing failed', 'doomed cancelled', 'Task-1 returned']);
});

test('each of several instruments gets every event, in the order of the list', () => {
  const logs: string[][] = [[], []];
  const order: string[] = [];
  const [first, second] = logs.map(recorder) as [Instrument, Instrument];
  simulate(() => sleepFor(5), {
    instruments: [first, { stepBegin: () => order.push('a') }, {}, { stepBegin: () => order.push('b') }, second],
  });
  expect(logs[0]).toEqual(logs[1]);
  expect(logs[0]?.length).toBe(10);
  expect(order).toEqual(['a', 'b', 'a', 'b']);
});

function* sleepFor(ms: number) {
  yield* sleep(ms);
}
