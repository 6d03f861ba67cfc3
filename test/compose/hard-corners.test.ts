// Where two things meet: a cancel and somebody else's clean-up, a deadline and a result, one operation and two tasks.

import { expect, test } from 'vitest';
import {
  asCompleted,
  CancelScope,
  type Coroutine,
  callLater,
  createTask,
  currentTask,
  gather,
  Lock,
  moveOnAfter,
  now,
  type Operation,
  Queue,
  shield,
  sleep,
  type Task,
  TimeoutError,
  taskGroup,
  timeout,
  wait,
  waitFor,
} from '../../src/index.ts';
import { simulate } from '../../src/testing/index.ts';
import { simulateToEnd } from './programs.ts';

/** Cleans up for `ms` when it is told to end, inside a scope that ends it at `limit`, again and again. */
function* restless(limit: number, ms: number, log: string[]): Coroutine<void> {
  for (;;) {
    yield* moveOnAfter(limit, function* () {
      try {
        yield* sleep(1e6);
      } finally {
        yield* sleep(ms);
        log.push(`cleaned up at ${now()}`);
      }
    });
  }
}

test('S30: the end of a run cancels a task whose inner scope cleans up, when that has cleaned up', () => {
  const log: string[] = [];
  simulateToEnd(function* () {
    createTask(restless(10, 5, log));
    yield* sleep(12);
  });
  expect(log).toEqual(['cleaned up at 15']);
});

test.each<[string, (body: () => Operation<void>, log: string[]) => Operation<unknown>]>([
  [
    'S41: a sibling failed',
    (body) =>
      taskGroup(function* (group) {
        group.createTask(body);
        yield* sleep(12);
        throw new Error('boom');
      }),
  ],
  [
    'S42: group.cancel()',
    (body) =>
      taskGroup(function* (group) {
        group.createTask(body);
        yield* sleep(12);
        group.cancel();
      }),
  ],
  [
    'S47: gather',
    (body) =>
      gather([
        body(),
        (function* () {
          yield* sleep(12);
          throw new Error('boom');
        })(),
      ]),
  ],
  ['S37: waitFor(task)', (body) => waitFor(createTask(body), 12)],
])('a task whose inner scope cleans up is ended after that: %s', (_, program) => {
  const log: string[] = [];
  simulateToEnd(function* () {
    try {
      yield* program(() => restless(10, 5, log), log);
    } catch {}
    expect(now()).toBe(15);
    expect(log).toEqual(['cleaned up at 15']);
  });
});

test('S45: its own clean-up, with a scope in it, is let finish too', () => {
  const log: string[] = [];
  simulateToEnd(function* () {
    const task = createTask(function* () {
      try {
        yield* sleep(1e6);
      } finally {
        yield* moveOnAfter(5, () => sleep(1e6));
        yield* sleep(5);
        log.push(`ended at ${now()}`);
      }
    });
    yield* sleep(1);
    task.cancel();
    yield* sleep(1);
    const scope = new CancelScope();
    callLater(1, () => scope.cancel());
    yield* scope.run(() => waitFor(task, null)); // cancels what is being cancelled
    expect(log).toEqual(['ended at 11']);
  });
});

/** What the loop reports of it. */
function reports(main: () => Coroutine<void>): string[] {
  const messages: string[] = [];
  simulate(main, { onUnhandled: ({ error }) => messages.push((error as Error).message) });
  return messages;
}

function* fail(ms: number, message = 'boom'): Coroutine<never> {
  yield* sleep(ms);
  throw new Error(message);
}

test('S23, S49: a failure that comes after the last of asCompleted() is reported', () => {
  const found = reports(function* () {
    for (const next of asCompleted([fail(50)], { timeout: 10 })) {
      try {
        yield* next;
      } catch {}
    }
    yield* sleep(200);
  });
  expect(found).toEqual(['boom']);
});

test('S23, S49: ... and one that is never fetched, at the end of the run', () => {
  const found = reports(function* () {
    const all = [...asCompleted([fail(1, 'spread')])];
    const dropped = asCompleted([fail(1, 'dropped'), sleep(5)]);
    dropped.next();
    for (const next of asCompleted([fail(1, 'passed over'), sleep(3)])) {
      if (next !== undefined) continue;
    }
    yield* sleep(10);
    expect(all.length).toBe(1);
  });
  expect(found.sort()).toEqual(['dropped', 'passed over', 'spread']);
});

test('S23: a failure that two wait for is nobody’s fault as long as one of them still does', () => {
  const found = reports(function* () {
    const failing = createTask(fail(5));
    const slow = createTask(sleep(50));
    createTask(function* () {
      yield* wait([failing]);
    });
    const results = yield* gather([failing, slow], { returnExceptions: true });
    expect(String(results[0])).toBe('Error: boom');
  });
  expect(found).toEqual([]);
});

const lock = () => {
  const held = new Lock();
  return held.with(() => sleep(10));
};

test.each<[string, () => Operation<unknown>]>([
  ['gather', () => gather([sleep(10)])],
  ['taskGroup', () => taskGroup(() => sleep(10))],
  ['shield', () => shield(sleep(10))],
  ['timeout', () => timeout(100, () => sleep(10))],
  ['waitFor', () => waitFor(sleep(10), 100)],
  ['wait', () => wait([createTask(sleep(10))])],
  ['Lock.with', lock],
])('S26: what %s gave is awaited once: a second task is refused, and the first not disturbed', (_, make) => {
  simulateToEnd(function* () {
    const operation = make();
    const ends: string[] = [];
    const user = function* (): Coroutine<void> {
      try {
        yield* operation;
        ends.push(`first at ${now()}`);
      } catch (error) {
        ends.push(String((error as Error).message).replace(/.* is awaited/, 'awaited'));
      }
    };
    yield* gather([user(), user()]);
    expect(ends).toEqual([expect.stringContaining('awaited a second time'), 'first at 10']);
    // ... nor does it give undefined when it is over.
    ends.length = 0;
    yield* user();
    expect(ends).toEqual([expect.stringContaining('awaited a second time')]);
  });
});

test.each<[string, () => Operation<unknown>]>([
  ['waitFor', () => waitFor(currentTask(), 5)],
  ['gather', () => gather([currentTask()])],
  ['gather under a timeout', () => timeout(5, () => gather([sleep(1), currentTask()]))],
  ['wait', () => wait([currentTask()])],
  ['asCompleted', () => [...asCompleted([currentTask()])][0] as Operation<unknown>],
])('S11: a task that awaits itself through %s is told so', (_, make) => {
  simulateToEnd(function* () {
    let message = 'none';
    try {
      yield* make();
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('awaits itself');
    expect(now()).toBe(0);
  });
});

test('S3: an item that a task under waitFor() was handed in the turn of the deadline is its result', () => {
  simulateToEnd(function* () {
    for (const get of [(q: Queue<string>) => q.get(), (q: Queue<string>) => createTask(q.get())]) {
      const queue = new Queue<string>();
      callLater(10, () => queue.putNowait('item'));
      expect(yield* waitFor<string>(get(queue), 10)).toBe('item');
    }
  });
});

test('S35: a group that fails on expiry has the expiry as its cause', () => {
  simulateToEnd(function* () {
    let error: unknown;
    try {
      yield* timeout(10, () =>
        taskGroup(function* (group) {
          group.createTask(function* () {
            try {
              yield* sleep(1e6);
            } finally {
              yield* fail(1);
            }
          });
          yield* sleep(1e6);
        }),
      );
    } catch (caught) {
      error = caught;
    }
    expect((error as AggregateError).errors.map(String)).toEqual(['Error: boom']);
    expect((error as Error).cause).toBeInstanceOf(TimeoutError);
  });
});

test.each<[string, () => Coroutine<void>, string]>([
  [
    'of a scope in clean-up',
    function* () {
      try {
        yield* sleep(1e6);
      } finally {
        yield* waitFor(sleep(50), 5);
      }
    },
    'not finished in 5 ms',
  ],
  [
    'of the program’s own making',
    function* () {
      throw new TimeoutError('mine');
    },
    'mine',
  ],
])('S35: a TimeoutError %s is an error like any other', (_, body, message) => {
  simulateToEnd(function* () {
    for (const limit of [10, 0]) {
      let error: unknown = null;
      try {
        yield* moveOnAfter(limit, body);
      } catch (caught) {
        error = caught;
      }
      expect(String((error as Error | null)?.message)).toContain(message);
    }
  });
});

test('S33: that of a scope within, which was late too, is not: each says so itself', () => {
  simulateToEnd(function* () {
    const result = yield* moveOnAfter(10, () => timeout(10, () => sleep(1e6)));
    expect(result).toBe(undefined);
  });
});

test('S35: an error that is frozen keeps what it is', () => {
  simulateToEnd(function* () {
    let error: unknown;
    try {
      yield* timeout(10, function* () {
        try {
          yield* sleep(1e6);
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: that is the case
          throw Object.freeze(new Error('frozen'));
        }
      });
    } catch (caught) {
      error = caught;
    }
    expect(String(error)).toBe('Error: frozen');
  });
});

test('S37: clean-up of a scope that an outer deadline cuts short ends in the TimeoutError of that deadline', () => {
  simulateToEnd(function* () {
    const started: Task<unknown>[] = [];
    let error: unknown = null;
    try {
      yield* timeout(20, () =>
        moveOnAfter(10, function* () {
          try {
            yield* sleep(1e6);
          } finally {
            started.push(currentTask());
            yield* sleep(50);
          }
        }),
      );
    } catch (caught) {
      error = caught;
    }
    expect([started.length, now()]).toEqual([1, 20]);
    expect(error).toBeInstanceOf(TimeoutError);
  });
});
