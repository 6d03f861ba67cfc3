// When every task waits and nothing is left that could wake one.

import { expect, test } from 'vitest';
import { callLater } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { DeadlockError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import { Insist } from '../../src/kernel/insist.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { park } from '../../src/kernel/park.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { open, Pause, receive, simulate, thrownBy, thrownIn, world } from './helpers.ts';

test('S80: a deadlock is an error that shows the tasks, what each waits on, the cycle and what to do', () => {
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
    'Task-1 (parked) waits on cycle',
    '└─ cycle (parked) waits on Task-1 (see above, a cycle)',
    'stringy (parked) waits on the barrier of the test',
    'plain (parked) waits on a Pause',
    'They wait in a circle: Task-1 waits on cycle; cycle waits on Task-1.',
    expect.stringMatching(/^One of them has to end.*COREACTOR_DEBUG=1/),
  ]);
});

/** A lock as far as a deadlock goes: it is never given up. */
class Held {
  readonly holders: Task<unknown>[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  toString(): string {
    return `Lock ${this.#name}`;
  }

  *acquire(): Coroutine<void> {
    if (this.holders.length === 0) this.holders.push(currentTask());
    else yield* { [Symbol.iterator]: () => ({ next: () => park(this) }) };
  }
}

test('S80: who holds what, the circle in words, and the same for programs', () => {
  const locks = [new Held('x'), new Held('y'), new Held('z')] as const;
  const tasks: Task<unknown>[] = [];
  const error = thrownBy(() =>
    simulate(function* () {
      currentTask().name = 'main';
      for (const [i, name] of ['a', 'b', 'c'].entries()) {
        const body = function* () {
          yield* (locks[i] as Held).acquire();
          yield* sleep(1);
          yield* (locks[(i + 1) % 3] as Held).acquire();
        };
        tasks.push(createTask(body, { name }));
      }
      tasks.push(currentTask());
      yield* tasks[1] as Task<void>;
    }),
  ) as DeadlockError;
  expect(error.message.split('\n').slice(1)).toEqual([
    'main (parked) waits on b',
    '└─ b (parked) waits on Lock z, held by c',
    'a (parked) waits on Lock y, held by b',
    'c (parked) waits on Lock x, held by a',
    'They wait in a circle: a waits on Lock y, held by b; b waits on Lock z, held by c; c waits on Lock x, held by a.',
    expect.stringMatching(/^Take locks in the same order/),
  ]);
  const [a, b, c, main] = tasks;
  const rows = error.waits.map(({ task, state, waitsOn, holders, awaits }) => [task, state, waitsOn, holders, awaits]);
  const expected = [
    [main, 'parked', 'b', [], [b]],
    [a, 'parked', 'Lock y', [b], []],
    [b, 'parked', 'Lock z', [c], []],
    [c, 'parked', 'Lock x', [a], []],
  ];
  const same = (x: unknown, y: unknown): boolean =>
    Array.isArray(x) && Array.isArray(y) ? x.length === y.length && x.every((each, i) => same(each, y[i])) : x === y;
  expect(same(rows, expected)).toBe(true);
});

test('S80: a task that waits for what it holds itself, and one that waits for a task that waits for a lock', () => {
  const lock = new Held('db');
  const itself = thrownBy(() =>
    simulate(function* () {
      yield* lock.acquire();
      yield* lock.acquire();
    }),
  );
  expect(itself.message).toContain('circle: Task-1 waits on Lock db, held by Task-1.');
  const other = new Held('db');
  const mixed = thrownBy(() =>
    simulate(function* () {
      yield* other.acquire();
      yield* createTask(() => other.acquire(), { name: 'helper' });
    }),
  );
  expect(mixed.message).toContain('circle: Task-1 waits on helper; helper waits on Lock db, held by Task-1.');
});

test('S80: without a circle none is told, and a long one is told in part', () => {
  const lock = new Held('db');
  const plain = thrownBy(() =>
    simulate(function* () {
      const owner = createTask(() => lock.acquire(), { name: 'owner' });
      yield* owner;
      yield* lock.acquire();
    }),
  );
  expect(plain.message).toContain('Task-1 (parked) waits on Lock db, held by owner, which has ended (returned)');
  expect(plain.message).not.toContain('circle');
  expect(plain.message).toMatch(/\nA task has ended and still holds/);

  const long = thrownBy(() =>
    simulate(function* () {
      const ring: Task<unknown>[] = [];
      for (let i = 0; i < 5000; i++) {
        ring.push(createTask(() => later(() => ring[(i + 1) % 5000] as Task<unknown>), { name: `ring ${i}` }));
      }
      yield* ring[0] as Task<void>;
    }),
  );
  expect(long.message).toMatch(
    /circle: ring 0 waits on ring 1; .*ring 9 waits on ring 10; and so on, 5000 tasks in all\./,
  );
  expect(long.message.length).toBeLessThan(20_000);
});

test('S80: in debug mode the error says where each waits, and names no setting to find that out', () => {
  const error = thrownBy(() =>
    simulate(
      function* () {
        yield* new Pause();
      },
      { debug: true },
    ),
  );
  expect(error.message).toMatch(/\n {3}at .*deadlock\.test\.ts:\d+:\d+/);
  expect(error.message).not.toContain('COREACTOR_DEBUG');
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
  expect(error.message).toMatch(
    /Task-1 \(parked\) waits on Task-2\n└─ Task-2 \(parked\) waits on a Pause\nSomebody has to wake/,
  );
});

function* later(task: () => Task<unknown>): Coroutine<void> {
  yield* task();
}

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

test('S80: a clean-up that insists on what will never come ends in the error as well', () => {
  const error = thrownBy(() =>
    simulate(function* () {
      try {
        yield* new Pause();
      } finally {
        yield* new Insist(new Pause());
      }
    }),
  );
  expect(error).toBeInstanceOf(DeadlockError);
});
