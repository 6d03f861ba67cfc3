// What cancelEverywhere() and explore() refuse alike: programs that leave something behind, that fail, that do not end.

import { expect, test } from 'vitest';
import { callLater, callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { InvalidStateError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import { Insist } from '../../src/kernel/insist.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { cancelEverywhere, type Victim } from '../../src/testing/cancel-everywhere.ts';
import { explore } from '../../src/testing/explore.ts';
import { simulate } from '../../src/testing/simulate.ts';
import { open, Pause, receive, thrownBy } from '../kernel/helpers.ts';

type Program = () => Coroutine<unknown>;

const tools: [string, (program: Program, options?: { maxSteps?: number }) => unknown][] = [
  ['cancelEverywhere', (program, options) => cancelEverywhere((victim) => atOnce(victim, program), options)],
  ['explore', (program, options) => explore(program, options)],
];

/** The victim is somebody else, who ends without a suspension. */
function* atOnce(victim: Victim, program: Program): Coroutine<unknown> {
  yield* victim(function* () {});
  return yield* program();
}

const faults: [string, Program, RegExp][] = [
  [
    'a timer',
    function* () {
      callLater(5, () => {});
    },
    /left something behind: 1 x armed timer$/m,
  ],
  [
    'a descriptor',
    function* () {
      open(3);
    },
    /left something behind: 1 x registered descriptor$/m,
  ],
  [
    'a wait for ever',
    function* () {
      currentTask().kernel.hopes++;
    },
    /left something behind: 1 x wait for ever$/m,
  ],
  [
    'a task',
    function* () {
      createTask(() => forever(1), { name: 'idle' });
      yield* sleep(0);
    },
    /left something behind: 1 x unfinished task, 1 x armed timer\nidle \(parked\) waits on sleep until \d/m,
  ],
  [
    'a failure',
    function* () {
      createTask(fails, { name: 'failing' });
      yield* sleep(1);
    },
    /nobody took the error of failing: no$/m,
  ],
  [
    'a late failure',
    function* () {
      const task = createTask(fails, { name: 'failing' });
      while (!task.done) yield* sleep(0);
    },
    /nobody took the error of failing: no$/m,
  ],
  [
    'an error of a callback',
    function* () {
      callSoon(() => {
        throw new Error('no');
      });
      yield* sleep(1);
    },
    /nobody took the error of a callback: no$/m,
  ],
  ['a failed check', fails, /: no$/m],
  [
    'a cancelled main',
    function* () {
      currentTask().cancel('so');
      yield* sleep(1);
    },
    /Task-1 was cancelled by Task-1: so$/m,
  ],
  [
    'a clean-up that waits for what never comes',
    function* () {
      yield* new Insist(new Pause());
    },
    /every task waits/,
  ],
  [
    'a deadlock',
    function* () {
      yield* new Pause();
    },
    /every task waits/,
  ],
];

test.each(tools)('S82: %s() refuses what leaves something behind or fails', (_, tool) => {
  for (const [what, program, message] of faults) {
    const error = thrownBy(() => tool(program));
    expect(error.message, what).toMatch(message);
    expect((error.cause as Error).message, what).toMatch(/left|no|cancelled|every task/);
  }
});

test.each(tools)('S82: several things that go wrong in a run of %s() are all told', (_, tool) => {
  const error = thrownBy(() =>
    tool(function* () {
      createTask(fails, { name: 'a' });
      createTask(fails, { name: 'b' });
      yield* sleep(1);
      throw new Error('main too');
    }),
  );
  expect(error.message).toMatch(/main too; nobody took the error of a: no; nobody took the error of b: no$/m);
  expect((error.cause as AggregateError).errors.length).toBe(3);
});

const endless: [string, Program][] = [
  ['sleeps on and on', () => forever(1)],
  ['gives way on and on', () => forever(0)],
  [
    'calls back on and on',
    function* () {
      const again = () => {
        callSoon(again);
      };
      again();
      yield* sleep(1);
    },
  ],
  [
    'starts another as each one ends',
    function* () {
      createTask(another);
      yield* sleep(0);
    },
  ],
];

test.each(tools)('H40: %s() refuses programs that do not end', (_, tool) => {
  for (const [what, program] of endless) {
    expect(thrownBy(() => tool(program, { maxSteps: 500 })).message, what).toMatch(
      /has not ended after 500 steps: make it end, or raise maxSteps\nTask-\d+ \(/,
    );
  }
  const waits = function* () {
    const source = open(3);
    try {
      yield* receive(source);
    } finally {
      source.remove();
    }
  };
  expect(thrownBy(() => tool(waits)).message).toMatch(/asked to wait for ever: say with signalAt/);
});

test.each(tools)('S82: %s() is for outside a loop, and what runs in the loop goes on', (_, tool) => {
  simulate(function* () {
    const error = thrownBy(() => tool(function* () {}));
    expect([error instanceof InvalidStateError, error.message]).toEqual([
      true,
      expect.stringMatching(/inside a running loop/),
    ]);
    expect(thrownBy(() => simulate(function* () {}))).toBeInstanceOf(InvalidStateError);
    yield* sleep(1);
  });
});

function* forever(ms: number): Coroutine<never> {
  for (;;) yield* sleep(ms);
}

function* fails(): Coroutine<never> {
  throw new Error('no');
}

function* another(): Coroutine<void> {
  try {
    yield* sleep(9);
  } finally {
    createTask(another);
  }
}
