// When every task waits and nothing is left that could wake one.

import { expect, test } from 'vitest';
import { callLater } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { DeadlockError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { open, Pause, receive, simulate, thrownBy, thrownIn, world } from './helpers.ts';

test('a deadlock is an error that lists the tasks and what each waits on', () => {
  class Barrier extends Pause {
    override toString(): string {
      return 'the barrier of the test';
    }
  }
  const error = thrownBy(() =>
    simulate(function* () {
      const main = currentTask();
      const cycle = createTask(() => join(main), { name: 'cycle' });
      createTask(() => wait(new Barrier()), { name: 'stringy' });
      createTask(() => wait(new Pause()), { name: 'plain' });
      yield* cycle;
    }),
  );
  expect(error).toBeInstanceOf(DeadlockError);
  expect(error.code).toBe('ERR_COREACTOR_DEADLOCK');
  expect(error.message.split('\n').slice(1)).toEqual([
    '  Task-1 waits on cycle',
    '  cycle waits on Task-1',
    '  stringy waits on the barrier of the test',
    '  plain waits on a Pause',
  ]);
});

test('the clean-up of the deadlocked tasks runs, and may wait', () => {
  const log: unknown[] = [];
  const error = thrownBy(() =>
    simulate(function* () {
      createTask(function* () {
        try {
          yield* new Pause();
        } finally {
          yield* sleep(5);
          log.push('child', now());
        }
      });
      try {
        yield* new Pause();
      } catch {
        log.push('caught');
      } finally {
        log.push('main', now());
      }
    }),
  );
  expect(error).toBeInstanceOf(DeadlockError);
  expect(log).toEqual(['main', 0, 'child', 5]);
});

test('a deadlock in the clean-up is found as well, and ends', () => {
  const log: string[] = [];
  const error = thrownBy(() =>
    simulate(function* () {
      createTask(function* () {
        try {
          try {
            yield* sleep(1000);
          } finally {
            yield* new Pause();
          }
        } finally {
          log.push('outer');
        }
      });
      yield* sleep(1);
    }),
  );
  expect(error).toBeInstanceOf(DeadlockError);
  expect(log).toEqual(['outer']);
});

test('a main that throws while the clean-up of another task is stuck: its error is not lost', () => {
  const error = thrownBy(() =>
    simulate(function* () {
      createTask(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* new Pause();
        }
      });
      yield* sleep(1);
      throw new Error('the first cause');
    }),
  );
  expect([error, error.cause].map(String)).toContain('Error: the first cause');
});

test.each<[string, (pause: Pause) => unknown]>([
  ['a timer', (pause) => callLater(1e6, () => pause.end())],
  ['a task that can go on', (pause) => createTask(() => endAfter(pause, 3))],
])('no deadlock while there is %s', (_, arrange) => {
  const result = simulate(function* () {
    const pause = new Pause();
    arrange(pause);
    yield* pause;
    return 'ended';
  });
  expect(result).toBe('ended');
});

test('no deadlock while a descriptor is registered; its removal leaves one', () => {
  const { clock, selector } = world();
  selector.signalAt(500, 3, READ);
  const error = thrownBy(() =>
    simulate(
      function* () {
        const source = open(3);
        expect([yield* receive(source), now()]).toEqual(['data', 500]);
        source.remove();
        yield* new Pause();
      },
      { clock, selector },
    ),
  );
  expect(error).toBeInstanceOf(DeadlockError);
});

test('a task that sleeps for ever was asked to: no deadlock until it is cancelled', () => {
  const { clock, selector } = world();
  const endless = thrownBy(() =>
    simulate(
      function* () {
        const sleeper = createTask(() => wait(sleep(null)));
        yield* thrownIn(sleeper);
      },
      { clock, selector },
    ),
  );
  expect(endless).not.toBeInstanceOf(DeadlockError);
  const error = thrownBy(() =>
    simulate(function* () {
      const sleeper = createTask(() => wait(sleep(null)));
      yield* sleep(5);
      sleeper.cancel();
      yield* new Pause();
    }),
  );
  expect(error).toBeInstanceOf(DeadlockError);
});

test('a timer that was cancelled is no hope', () => {
  const error = thrownBy(() =>
    simulate(function* () {
      const pause = new Pause();
      callLater(10, () => pause.end()).cancel();
      yield* pause;
    }),
  );
  expect(error).toBeInstanceOf(DeadlockError);
});

test('a task that joins one that is cancelled by the deadlock does not hang', () => {
  const error = thrownBy(() =>
    simulate(function* () {
      const inner = createTask(() => wait(new Pause()));
      yield* inner;
    }),
  );
  expect(error.message).toMatch(/Task-1 waits on Task-2\n {2}Task-2 waits on a Pause/);
});

function* join(task: Task<unknown>): Coroutine<void> {
  yield* task;
}

function* wait(operation: Iterable<never> | Pause | ReturnType<typeof sleep>): Coroutine<void> {
  yield* operation as Pause;
}

function* endAfter(pause: Pause, turns: number): Coroutine<void> {
  for (let i = 0; i < turns; i++) yield* sleep(0);
  pause.end();
}
