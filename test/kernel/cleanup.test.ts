// Clean-up: that it runs and may wait, what a second cancel does to it, what its own errors do, and that a cancel at any suspension leaves nothing.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { CancelledError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { Mailbox, simulate, thrownIn } from './helpers.ts';

test('S19: finally runs on cancel, may suspend and sees cancelling; catch sees nothing', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* sleep(1000);
      } catch (error) {
        log.push('caught', error);
      } finally {
        log.push(currentTask() === task, task.cancelling, task.done);
        yield* sleep(5);
        log.push(now(), task.cancelling);
      }
      log.push('never');
    });
    yield* sleep(10);
    expect(task.cancelling).toBe(false);
    task.cancel();
    yield* thrownIn(task);
    expect([task.cancelled, task.cancelling]).toEqual([true, false]);
  });
  expect(log).toEqual([true, true, false, 15, true]);
});

test('S19: a coroutine within a coroutine is left through all its frames', () => {
  const log: string[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* nested(log);
        log.push('never');
      } catch {
        log.push('caught');
      } finally {
        log.push('outer');
      }
      log.push('never');
    });
    yield* sleep(1);
    task.cancel();
    yield* thrownIn(task);
    expect(task.cancelled).toBe(true);
  });
  expect(log).toEqual(['inner', 'outer']);
});

test('S19: likewise when the clean-up of the inner one suspends: the outer one does not go on after it', () => {
  const log: string[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* nested(log, 5);
        log.push('never: code after the coroutine that was cancelled');
        yield* sleep(5);
        log.push('never: nor what comes after the next suspension');
      } finally {
        log.push('outer');
      }
    });
    yield* sleep(1);
    task.cancel();
    yield* thrownIn(task);
    expect(task.cancelled).toBe(true);
  });
  expect(log).toEqual(['inner', 'outer']);
});

test('S19: using disposes what it holds on cancel, the innermost first', () => {
  const log: string[] = [];
  const held = (name: string) => ({ [Symbol.dispose]: () => log.push(name) });
  simulate(function* () {
    const task = createTask(function* () {
      using outer = held('outer');
      using inner = held('inner');
      yield* sleep(1000);
      log.push('never', String(outer), String(inner));
    });
    yield* sleep(1);
    task.cancel();
    yield* thrownIn(task);
  });
  expect(log).toEqual(['inner', 'outer']);
});

test('S19: clean-up that is done with its wait goes on, whatever the wait was', () => {
  simulate(function* () {
    const mailbox = new Mailbox<string>();
    const other = createTask(() => give('joined'));
    const got: string[] = [];
    const task = createTask(function* () {
      try {
        yield* sleep(1000);
      } finally {
        got.push(yield* mailbox.take());
        got.push(yield* other);
        yield* sleep(0);
      }
    });
    yield* sleep(1);
    task.cancel();
    yield* sleep(1);
    mailbox.put('taken');
    yield* thrownIn(task);
    expect([got, task.cancelled]).toEqual([['taken', 'joined'], true]);
  });
});

test('S20: a second cancel interrupts the wait of the clean-up; the outer finally blocks still run', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      try {
        try {
          yield* sleep(1000);
        } finally {
          log.push('inner', now());
          yield* sleep(1000);
          log.push('never');
        }
      } finally {
        log.push('outer', now());
        yield* sleep(5);
        log.push('done', now());
      }
    });
    yield* sleep(10);
    task.cancel('first');
    yield* sleep(10);
    expect(task.cancel('second')).toBe(true);
    const error = yield* thrownIn(task);
    expect(error).toMatchObject({ reason: 'first' });
  });
  expect(log).toEqual(['inner', 10, 'outer', 20, 'done', 25]);
});

test('S20: clean-up that cancels its own task interrupts itself at its next wait', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* sleep(1000);
      } finally {
        currentTask().cancel();
        try {
          yield* sleep(1000);
          log.push('never');
        } finally {
          yield* sleep(5);
          log.push(now());
        }
      }
    });
    yield* sleep(10);
    task.cancel();
    yield* thrownIn(task);
  });
  expect(log).toEqual([15]);
});

test('S21: an error thrown by clean-up is the outcome of the task: failed, not cancelled', () => {
  simulate(function* () {
    const error = new Error('clean-up');
    const body = function* (ms: number): Coroutine<void> {
      try {
        yield* sleep(1000);
      } finally {
        if (ms > 0) yield* sleep(ms);
        // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
        throw error;
      }
    };
    const tasks = [createTask(body(0)), createTask(body(5))];
    yield* sleep(1);
    for (const task of tasks) task.cancel();
    for (const task of tasks) {
      expect(yield* thrownIn(task)).toBe(error);
      expect([task.state, task.cancelled, task.exception()]).toEqual(['failed', false, error]);
    }
  });
});

test('S21: clean-up that returns a value does not undo the cancel', () => {
  simulate(function* () {
    const task = createTask(function* (): Coroutine<number> {
      try {
        yield* sleep(1000);
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
        return 5;
      }
    });
    yield* sleep(1);
    task.cancel();
    expect(yield* thrownIn(task)).toBeInstanceOf(CancelledError);
  });
});

test('S30: a task that is cleaning up already when main ends is let finish, not interrupted', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const task = createTask(function* () {
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(5);
        log.push('clean', now());
      }
    });
    yield* sleep(10);
    task.cancel();
    yield* sleep(1);
  });
  expect(log).toEqual(['clean', 15]);
});

function* nested(log: string[], cleanUp = 0): Coroutine<void> {
  try {
    yield* sleep(1000);
  } finally {
    if (cleanUp > 0) yield* sleep(cleanUp);
    log.push('inner');
  }
}

function* give<T>(value: T): Coroutine<T> {
  return value;
}
