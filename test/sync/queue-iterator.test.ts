// A queue under `for await`: items as they are, in order, and none lost to who leaves while it waits.

import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { PriorityQueue } from '../../src/sync/priority-queue.ts';
import { Queue } from '../../src/sync/queue.ts';
import { simulateToEnd as simulate } from '../compose/programs.ts';

const END = { done: true, value: undefined };

test('return() ends a next() that waits, and takes nothing from the queue', async () => {
  const queue = new Queue<string>();
  const iterator = queue[Symbol.asyncIterator]();
  const pending = [iterator.next(), iterator.next()];
  expect(await iterator.return()).toEqual(END);
  expect(await Promise.all(pending)).toEqual([END, END]);
  queue.putNowait('a');
  expect(queue.size).toBe(1);
  expect(await iterator.next()).toEqual(END);
  expect(queue.getNowait()).toBe('a');
});

test('an item that was handed over and not taken goes back: to the front, or to the next in line', async () => {
  for (const waits of [true, false]) {
    const queue = new Queue<string>();
    if (!waits) for (const item of 'ab') queue.putNowait(item);
    const iterator = queue[Symbol.asyncIterator]();
    const pending = [iterator.next(), iterator.next()];
    if (waits) for (const item of 'ab') queue.putNowait(item);
    queue.putNowait('c');
    expect(queue.size).toBe(1);
    void iterator.return();
    expect(await Promise.all(pending)).toEqual([END, END]);
    expect([queue.getNowait(), queue.getNowait(), queue.getNowait()]).toEqual(['a', 'b', 'c']);
  }
  const queue = new Queue<string>();
  const [leaving, staying] = [queue[Symbol.asyncIterator](), queue[Symbol.asyncIterator]()];
  const pending = [leaving.next(), leaving.next(), staying.next()];
  queue.putNowait('a');
  void leaving.return();
  expect(await Promise.all(pending)).toEqual([END, END, { done: false, value: 'a' }]);
});

test('calls of next() side by side have the items in order', async () => {
  const queue = new Queue<number>();
  const iterator = queue[Symbol.asyncIterator]();
  queue.putNowait(1);
  const pending = [iterator.next(), iterator.next(), iterator.next(), iterator.next()];
  queue.putNowait(2);
  await pending[1];
  queue.putNowait(3);
  queue.shutdown();
  expect(await Promise.all(pending)).toEqual([...[1, 2, 3].map((value) => ({ done: false, value })), END]);
});

test('a stream of it that is destroyed while it waits closes, and the next item is there for others', async () => {
  const queue = new Queue<string>();
  const stream = Readable.from(queue);
  stream.resume();
  await new Promise((resolve) => setImmediate(resolve));
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.destroy();
  await closed;
  queue.putNowait('a');
  await new Promise((resolve) => setImmediate(resolve));
  expect(queue.size).toBe(1);
});

test('items that are tasks, promises or thenables come as they are, whatever becomes of them', async () => {
  const queue = new Queue<unknown>();
  const tasks: Task<unknown>[] = [];
  simulate(function* () {
    tasks.push(
      createTask(sleep(1)),
      createTask(function* () {
        throw new Error('of the task');
      }),
    );
    for (const task of tasks) yield* queue.put(task);
    yield* sleep(0);
    (tasks[1] as Task<unknown>).exception();
    yield* sleep(2);
  });
  const failing = Promise.reject(new Error('of the promise'));
  failing.catch(() => {});
  // biome-ignore lint/suspicious/noThenProperty: it is the subject
  const items = [failing, Promise.resolve(1), { then: () => {} }];
  const got: unknown[] = [];
  const consuming = (async () => {
    for await (const item of queue) got.push(item); // three of which are put while it waits
  })();
  await new Promise((resolve) => setImmediate(resolve));
  for (const item of items) queue.putNowait(item);
  queue.shutdown();
  await consuming;
  expect(got.map((item, i) => item === [...tasks, ...items][i])).toEqual([true, true, true, true, true]);
});

test('the end is shutdown() and nothing else: an error of the queue is thrown', async () => {
  let broken = false;
  const compare = (a: number, b: number): number => {
    if (broken) throw new Error('broken');
    return a - b;
  };
  const queue = new PriorityQueue<number>(0, { compare });
  for (let i = 0; i < 5; i++) queue.putNowait(i);
  broken = true;
  const consuming = (async () => {
    for await (const _ of queue);
  })();
  await expect(consuming).rejects.toThrow('broken');
});
