// cancelEverywhere(): where it cancels, whom, and what the error of a failed run says.

import { expect, test } from 'vitest';
import { wait } from '../../src/compose/wait.ts';
import { callLater } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { cancelEverywhere, type Victim } from '../../src/testing/cancel-everywhere.ts';
import { explore } from '../../src/testing/explore.ts';
import { Mailbox, open, receive, thrownBy } from '../kernel/helpers.ts';
import { ended } from './programs.ts';

function* longish() {
  for (let i = 0; i < 10; i++) yield* sleep(1);
}

test('S82: each suspension is met once as the victim parks, and once after it was woken', () => {
  const seen: string[] = [];
  const runs = cancelEverywhere(function* (victim) {
    const log: string[] = [];
    const task = victim(
      function* () {
        for (const ms of [3, 0, 5]) {
          log.push('>');
          yield* sleep(ms);
          log.push(`${ms}`);
        }
      },
      { name: 'the victim' },
    );
    expect(task.name).toBe('the victim');
    yield* ended(task);
    seen.push(`${log.join('')} ${task.state} ${now()}`);
  });
  // A sleep(0) is not woken: it gives way.
  expect([runs, seen]).toEqual([
    6,
    [
      '>3>0>5 returned 8',
      '> cancelled 0',
      '>3> cancelled 3',
      '>3>0> cancelled 3',
      '>3> cancelled 3',
      '>3>0>5 returned 8',
    ],
  ]);
});

test('S82: what the victim was woken with is delivered before the cancel', () => {
  const taken: number[] = [];
  const runs = cancelEverywhere(function* (victim) {
    const mailbox = new Mailbox<number>();
    const task = victim(function* () {
      taken.push(yield* mailbox.take());
    });
    yield* sleep(1);
    mailbox.put(7);
    yield* ended(task);
    expect([mailbox.kept.length, mailbox.lost]).toEqual([task.cancelled ? 1 : 0, []]);
  });
  expect([runs, taken]).toEqual([3, [7, 7]]);
});

test('S82: without victim() the main task is cancelled, and what it leaves is cleaned up as at the end of run()', () => {
  let cleaned = 0;
  const runs = cancelEverywhere(function* () {
    const child = createTask(function* () {
      try {
        yield* sleep(100);
      } finally {
        yield* sleep(1);
        cleaned++;
      }
    });
    yield* sleep(1);
    child.cancel();
    yield* ended(child);
  });
  expect([runs, cleaned]).toEqual([5, 5]); // two sleeps of main, each parked and woken

  const error = thrownBy(() =>
    cancelEverywhere(function* () {
      const handle = callLater(100, () => {});
      yield* sleep(1);
      handle.cancel();
    }),
  );
  expect(error.message).toMatch(
    /1 x armed timer\nOnly this run again: cancelEverywhere\(program, { replay: 'main parked 1' }\)$/,
  );
});

test('S82: the error says where the cancel came and how to have only that run again', () => {
  let runs = 0;
  const program: Parameters<typeof cancelEverywhere>[0] = function* (victim) {
    runs++;
    const task = victim(function* () {
      yield* sleep(1);
      const source = open(3);
      yield* sleep(2);
      source.remove(); // not in a finally block
    });
    yield* ended(task);
  };
  const error = thrownBy(() => cancelEverywhere(program));
  expect(error.message).toBe(
    'cancelled at its suspension 2 (sleep until 3.000), as it parked: ' +
      'the program has left something behind: 1 x registered descriptor\n' +
      "Only this run again: cancelEverywhere(program, { replay: 'victim parked 2' })",
  );
  expect(runs).toBe(3);
  expect(thrownBy(() => cancelEverywhere(program, { replay: 'victim parked 2' })).message).toBe(error.message);
  expect(cancelEverywhere(program, { replay: 'victim parked 1' })).toBe(1);
  expect(cancelEverywhere(program, { replay: 'main parked 1' })).toBe(1);
  expect(runs).toBe(6);
});

test('S82: a cancel just after the wake has an error of its own', () => {
  const error = thrownBy(() =>
    cancelEverywhere(
      function* (victim) {
        const task = victim(function* () {
          let clean = true;
          try {
            yield* sleep(1);
            clean = false;
            yield* sleep(0);
            clean = true;
          } finally {
            if (!clean) callLater(9, () => {});
          }
        });
        yield* sleep(0);
        task.addDoneCallback(() => {});
        yield* ended(task);
      },
      { replay: 'victim woken 1' },
    ),
  );
  expect(error.message).toMatch(
    /^cancelled at its suspension 1 \(sleep until 1.000\), just after it was woken: .*armed timer/,
  );
});

test('S82: every run has a world of its own, where descriptors are ready as the program says', () => {
  const starts: number[] = [];
  const runs = cancelEverywhere(function* (victim, { clock, selector }) {
    starts.push(clock.now());
    selector.signalAt(20, 3, READ);
    const task = victim(function* () {
      const source = open(3);
      try {
        yield* receive(source);
        expect(clock.now()).toBe(20);
      } finally {
        source.remove();
      }
    });
    yield* ended(task);
  });
  expect([runs, starts]).toEqual([3, [0, 0, 0]]);
});

test('S82: a failure without any cancel is told as such, before all others', () => {
  let runs = 0;
  const error = thrownBy(() =>
    cancelEverywhere(function* () {
      runs++;
      yield* sleep(1);
      throw new Error('of its own');
    }),
  );
  expect([runs, error.message]).toEqual([
    1,
    expect.stringMatching(/^the program fails without any cancel: of its own/),
  ]);
  expect((error.cause as Error).message).toBe('of its own');
});

test('S82: more runs than allowed, a second victim, a program that changes and an unknown replay are refused', () => {
  expect(cancelEverywhere(longish, { maxRuns: 21 })).toBe(21);
  expect(thrownBy(() => cancelEverywhere(longish, { maxRuns: 20 })).message).toMatch(/would take 21 runs/);
  const twice = thrownBy(() =>
    cancelEverywhere(function* (victim) {
      victim(function* () {});
      victim(function* () {});
    }),
  );
  expect(twice.message).toMatch(/victim\(\) was called twice/);

  let left = 3;
  const changing = thrownBy(() =>
    cancelEverywhere(function* () {
      for (let i = left--; i > 0; i--) yield* sleep(1);
    }),
  );
  expect(changing.message).toMatch(/there is no "main parked \d+": the program is not the same in each run/);
  for (const replay of ['', 'parked 1', 'victim parked 0', 'victim parked 1 ', 'victim slept 1']) {
    expect(thrownBy(() => cancelEverywhere(longish, { replay })).message).toMatch(/replay is a text such as/);
  }
  expect(thrownBy(() => cancelEverywhere(longish, { replay: 'victim parked 1' })).message).toMatch(
    /there is no "victim parked 1"/,
  );
});

test('S20, S82: with `twice`, a clean-up that does not survive a second cancel is found, and its replay is told', () => {
  const program = function* (victim: Victim): Coroutine<void> {
    let open = 0;
    const task = victim(function* () {
      open++;
      try {
        yield* sleep(5);
      } finally {
        if (currentTask().cancelling) yield* sleep(3);
        open--;
      }
    });
    yield* wait([task]);
    if (open > 0) throw new Error('it is open still');
  };
  const once = cancelEverywhere(program);
  const error = thrownBy(() => cancelEverywhere(program, { twice: true }));
  expect(error.message).toContain('it is open still');
  const replay = /replay: '(.*)'/.exec(error.message)?.[1] as string;
  expect(replay).toBe('victim parked 1, again 2');
  expect(thrownBy(() => cancelEverywhere(program, { replay })).message).toBe(error.message);
  expect(once).toBe(3);
});

test('S82: a number of runs that would make none is refused', () => {
  for (const maxRuns of [0, Number.NaN, -1, 1.5]) {
    expect(thrownBy(() => cancelEverywhere(longish, { maxRuns }))).toBeInstanceOf(RangeError);
    expect(thrownBy(() => explore(longish, { maxRuns }))).toBeInstanceOf(RangeError);
  }
  expect(thrownBy(() => explore(longish, { seed: Number.NaN }))).toBeInstanceOf(RangeError);
});
