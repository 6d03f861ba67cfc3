// A cancel unwinds a stack of coroutines from the innermost outwards, whichever of them suspend in their clean-up.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Coroutine, Operation, Park } from '../../src/kernel/operation.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { simulate, thrownIn } from './helpers.ts';

test("S19: tasks that unwind at the same time do not get in each other's way", () => {
  const logs: string[][] = Array.from({ length: 10 }, () => []);
  function* stack(log: string[], depth: number, ms: number): Coroutine<void> {
    try {
      if (depth === 0) yield* sleep(1000);
      else yield* stack(log, depth - 1, ms);
      log.push('never');
    } finally {
      yield* sleep(ms);
      yield* sleep(0);
      log.push(`${depth} at ${now()}`);
    }
  }
  simulate(function* () {
    const tasks = logs.map((log, i) => createTask(() => stack(log, 3, 1 + (i % 3))));
    yield* sleep(10);
    for (const task of tasks) task.cancel();
    yield* sleep(50);
    expect(tasks.map((task) => task.state)).toEqual(logs.map(() => 'cancelled'));
  });
  const at = (ms: number) => [0, 1, 2, 3].map((depth) => `${depth} at ${10 + ms * (depth + 1)}`);
  expect(logs).toEqual(logs.map((_, i) => at(1 + (i % 3))));
});

test('S20: a second cancel interrupts the clean-up of the inner coroutine; the outer ones still clean up with waits', () => {
  const log: unknown[] = [];
  function* inner(): Coroutine<void> {
    try {
      yield* sleep(1000);
    } finally {
      yield* slowly();
      log.push('never: the rest of an interrupted clean-up');
    }
  }
  function* slowly(): Coroutine<void> {
    try {
      yield* sleep(1000);
    } finally {
      yield* sleep(3);
      log.push('helper', now());
    }
  }
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* inner();
        log.push('never');
      } finally {
        yield* sleep(4);
        log.push('outer', now());
      }
    });
    yield* sleep(10);
    task.cancel();
    yield* sleep(10);
    task.cancel();
    yield* thrownIn(task);
  });
  expect(log).toEqual(['helper', 23, 'outer', 27]);
});

test('S21: an error of a clean-up that suspended reaches the coroutines around it like any other', () => {
  const log: string[] = [];
  function* inner(): Coroutine<void> {
    try {
      yield* sleep(1000);
    } finally {
      yield* sleep(1);
      // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
      throw new Error('clean-up');
    }
  }
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* inner();
      } finally {
        yield* sleep(1);
        log.push('outer');
      }
    });
    yield* sleep(10);
    task.cancel();
    expect((yield* thrownIn(task)).message).toBe('clean-up');
    expect([task.state, now()]).toEqual(['failed', 12]);
  });
  expect(log).toEqual(['outer']);
});

test('S11: clean-up that yields something else, catches the error and waits on, is not cut short', () => {
  const log: string[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* sleep(1000);
      } finally {
        try {
          yield 5 as unknown as Park;
        } catch {
          log.push('caught');
        }
        yield* sleep(5);
        log.push('cleaned up');
      }
    });
    yield* sleep(1);
    task.cancel();
    yield* thrownIn(task);
  });
  expect(log).toEqual(['caught', 'cleaned up']);
});

test('generators that have nothing to do with it work as ever while a task unwinds', () => {
  const log: unknown[] = [];
  function* numbers(): Generator<number, string, undefined> {
    try {
      yield 1;
      yield 2;
      return 'end';
    } finally {
      log.push('numbers closed');
    }
  }
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* sleep(1000);
      } finally {
        for (const n of numbers()) {
          log.push(n);
          yield* sleep(1);
          break;
        }
        const it = numbers();
        it.next();
        log.push(it.return('given'), it.next());
      }
    });
    yield* sleep(1);
    task.cancel();
    yield* thrownIn(task);
    const it = numbers();
    it.next();
    log.push(it.return('after'));
  });
  expect(log).toEqual([
    ...[1, 'numbers closed', 'numbers closed', { done: true, value: 'given' }, { done: true, value: undefined }],
    ...['numbers closed', { done: true, value: 'after' }],
  ]);
});

test('an operation that drives a coroutine itself unwinds with it, if its return() passes return() on', () => {
  const log: unknown[] = [];
  const through = (body: Coroutine<void>): Operation<void> => ({
    [Symbol.iterator]: () => ({ next: () => body.next(), return: () => body.return() }),
  });
  function* inner(): Coroutine<void> {
    try {
      yield* sleep(1000);
    } finally {
      yield* sleep(2);
      yield* sleep(2);
      log.push('inner', now());
    }
  }
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* through(inner());
        log.push('never');
      } finally {
        yield* sleep(3);
        log.push('outer', now());
      }
    });
    yield* sleep(10);
    task.cancel();
    yield* thrownIn(task);
  });
  expect(log).toEqual(['inner', 14, 'outer', 17]);
});
