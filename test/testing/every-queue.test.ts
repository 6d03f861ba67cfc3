// Every kind of queue, with a user who is cancelled everywhere and in every order: each item is taken once, and join()
// settles.

import { expect, test } from 'vitest';
import { moveOnAfter, timeout } from '../../src/compose/timeout.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { QueueShutDownError, TimeoutError } from '../../src/kernel/errors.ts';
import type { Coroutine, Operation } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { LifoQueue } from '../../src/sync/lifo-queue.ts';
import { PriorityQueue } from '../../src/sync/priority-queue.ts';
import { Queue } from '../../src/sync/queue.ts';
import { everyWay, type Program } from './every-way.ts';
import { ended, only } from './programs.ts';

const programs: Record<string, Program> = {
  ...queues('Queue', (maxsize) => new Queue<number>(maxsize)),
  ...queues('LifoQueue', (maxsize) => new LifoQueue<number>(maxsize)),
  ...queues('PriorityQueue', (maxsize) => new PriorityQueue<number>(maxsize)),
};

/** For one kind of queue. */
function queues(name: string, make: (maxsize: number) => Queue<number>): Record<string, Program> {
  return {
    *[`${name}.get`](victim) {
      const queue = make(1);
      const taken: number[] = [];
      const getters = [createTask(() => takeAll(queue, taken)), victim(() => takeAll(queue, taken))];
      for (let item = 1; item <= 4; item++) yield* queue.put(item);
      yield* queue.join();
      queue.shutdown();
      yield* ended(...getters);
      expect([queue.size, [...taken].sort()]).toEqual([0, [1, 2, 3, 4]]);
    },

    *[`${name}.put`](victim) {
      const queue = make(1);
      const taken: number[] = [];
      const put: number[] = [];
      function* putAll(...items: number[]): Coroutine<void> {
        for (const item of items) {
          yield* queue.put(item);
          put.push(item);
        }
      }
      const putters = [victim(() => putAll(1, 2)), createTask(() => putAll(3, 4))];
      const getter = createTask(() => takeAll(queue, taken));
      yield* ended(...putters);
      yield* queue.join();
      queue.shutdown();
      yield* ended(getter);
      expect([...taken].sort()).toEqual([...put].sort());
      expect(put).toEqual(expect.arrayContaining([3, 4]));
    },

    *[`${name}.get with timeouts`](victim) {
      const queue = make(0);
      const taken: number[] = [];
      function* takeInTime(): Coroutine<void> {
        try {
          yield* timeout(4, function* () {
            for (;;) {
              const item = yield* moveOnAfter(1, () => moveOnAfter(2, () => queue.get()));
              if (item !== undefined) taken.push(item);
            }
          });
        } catch (error) {
          expect(error).toBeInstanceOf(TimeoutError);
        }
      }
      const getters = [victim(takeInTime), createTask(takeInTime)];
      for (let item = 1; item <= 3; item++) {
        yield* sleep(1);
        yield* queue.put(item);
      }
      yield* ended(...getters);
      while (!queue.empty) taken.push(queue.getNowait());
      expect([...taken].sort()).toEqual([1, 2, 3]);
    },

    *[`${name}.forEach`](victim) {
      const queue = make(2);
      const begun: number[] = [];
      const work = function* (item: number) {
        begun.push(item);
        yield* sleep(1);
      };
      const workers = [victim(() => only(queue.forEach(work))), createTask(() => only(queue.forEach(work)))];
      for (let item = 1; item <= 3; item++) yield* queue.put(item);
      queue.shutdown();
      yield* queue.join();
      yield* ended(...workers);
      expect([...begun].sort()).toEqual([1, 2, 3]);
    },

    *[`${name}.shutdown`](victim) {
      const queue = make(1);
      const taken: number[] = [];
      const put: number[] = [];
      const putter = victim(function* () {
        for (const item of [1, 2, 3]) {
          if ((yield* refused(queue.put(item))) !== undefined) return;
          put.push(item);
        }
      });
      const getter = createTask(() => takeAll(queue, taken));
      yield* sleep(1);
      queue.shutdown({ immediate: true });
      yield* queue.join();
      yield* ended(putter, getter);
      expect([queue.size, taken]).toEqual([0, put.filter((item) => taken.includes(item))]);
    },

    *[`${name}.join`](victim) {
      const queue = make(0);
      const taken: number[] = [];
      const joined = victim(() => only(queue.join()));
      for (const item of [1, 2]) queue.putNowait(item);
      const getter = createTask(() => takeAll(queue, taken));
      yield* queue.join();
      expect(taken.length).toBe(2);
      queue.shutdown();
      yield* ended(joined, getter);
    },
  };
}

function* takeAll(queue: Queue<number>, taken: number[]): Coroutine<void> {
  const error = yield* refused(
    (function* () {
      for (;;) {
        const item = yield* queue.get();
        try {
          taken.push(item);
          yield* sleep(1);
        } finally {
          queue.taskDone();
        }
      }
    })(),
  );
  expect(error).toBeInstanceOf(QueueShutDownError);
}

/** The QueueShutDownError that it throws, if it does. */
function* refused(operation: Operation<unknown>): Coroutine<QueueShutDownError | undefined> {
  try {
    yield* operation;
    return undefined;
  } catch (error) {
    if (error instanceof QueueShutDownError) return error;
    throw error;
  }
}

test.each(Object.entries(programs))(
  'S82: %s loses nothing, wherever a cancel comes and in whatever order',
  (_, program) => {
    const { cancels, orders } = everyWay(program, 300);
    expect(Math.min(cancels, orders)).toBeGreaterThan(1);
  },
);
