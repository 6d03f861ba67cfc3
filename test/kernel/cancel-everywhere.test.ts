// A few programs made of the kernel's own operations, each cancelled at each of its suspensions by the test kit.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { CancelledError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine, Operation } from '../../src/kernel/operation.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { cancelEverywhere } from '../../src/testing/cancel-everywhere.ts';
import { Mailbox, open, receive } from './helpers.ts';

const programs: Record<string, (log: Log) => Coroutine<unknown>> = {
  *sleeps(log) {
    for (let i = 0; i < 4; i++) yield* log.scope(() => sleepFor(i));
  },
  *joins(log) {
    const child = createTask(() => log.scope(() => sleepFor(7)));
    try {
      yield* log.scope(() => sleepFor(3));
      yield* child;
    } finally {
      child.cancel();
      yield* thrownOrNot(child);
    }
  },
  *reads(log) {
    const source = open(3);
    try {
      for (let i = 0; i < 3; i++) yield* log.scope(() => receive(source));
    } finally {
      expect(source.reader).toBe(null);
      source.remove();
    }
  },
  *hands(log) {
    const mailbox = new Mailbox<number>();
    const producer = createTask(function* () {
      for (let i = 0; i < 3; i++) {
        yield* sleep(1);
        mailbox.put(i);
      }
    });
    try {
      for (let i = 0; i < 3; i++) yield* log.scope(() => mailbox.take());
    } finally {
      producer.cancel();
      expect([mailbox.lost, mailbox.waiting]).toEqual([[], 0]);
    }
  },
};

class Log {
  entered = 0;
  left = 0;
  /** Scopes entered by a task that was cancelled: the program went on where it should have ended. */
  strayed = 0;
  *scope(body: () => Operation<unknown>): Coroutine<unknown> {
    this.entered++;
    if (currentTask().cancelling) this.strayed++;
    try {
      return yield* body();
    } finally {
      try {
        yield* sleep(1);
      } finally {
        this.left++;
      }
    }
  }
}

test.each(Object.entries(programs))('S82: "%s" is cleaned up wherever a cancel meets it', (_, program) => {
  const states = new Set<string>();
  const runs = cancelEverywhere(function* (victim, { selector }) {
    for (let i = 0; i < 3; i++) selector.signalAt(2 * i, 3, READ);
    const log = new Log();
    const task = victim(() => program(log));
    yield* sleep(100);
    expect([log.left, log.strayed]).toEqual([log.entered, 0]);
    states.add(task.state);
  });
  expect(runs).toBeGreaterThan(6);
  expect([...states].sort()).toEqual(['cancelled', 'returned']);
});

function* sleepFor(ms: number): Coroutine<void> {
  yield* sleep(ms);
}

function* thrownOrNot(task: Task<unknown>): Coroutine<void> {
  try {
    yield* task;
  } catch (error) {
    expect(error).toBeInstanceOf(CancelledError);
  }
}
