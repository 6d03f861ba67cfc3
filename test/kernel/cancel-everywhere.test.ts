// A few programs, each cancelled at each of its suspensions: once as it parks there, once just after it was woken.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { CancelledError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine, Operation } from '../../src/kernel/operation.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { Mailbox, open, receive, simulate, world } from './helpers.ts';

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

test.each(Object.entries(programs))('the program "%s" is cleaned up wherever a cancel meets it', (_, program) => {
  for (const hook of ['parked', 'woken'] as const) {
    let met = 0;
    for (let at = 1; met === at - 1; at++) {
      met = 0;
      const log = new Log();
      const { clock, selector } = world();
      for (let i = 0; i < 3; i++) selector.signalAt(2 * i, 3, READ);
      let victim: Task<unknown> | null = null;
      const cancelAtNth = (task: Task<unknown>) => {
        if (task === victim && met < at && ++met === at) task.cancel();
      };
      simulate(
        function* () {
          victim = createTask(() => program(log));
          yield* sleep(100);
          const { timers, poller, hopes, live } = victim.kernel;
          expect([log.left, timers.size, poller.size, hopes, live], `${hook} ${at}`).toEqual([log.entered, 0, 0, 0, 1]);
          expect(log.strayed, `${hook} ${at}`).toBe(0);
          if (met < at) expect(victim.state).toBe('returned');
          else expect(['cancelled', 'returned']).toContain(victim.state);
        },
        { clock, selector, instruments: [{ [hook]: cancelAtNth }] },
      );
    }
    expect(met).toBeGreaterThan(2);
  }
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
