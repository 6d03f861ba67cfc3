// The ring that holds what is ready.

import { expect, test } from 'vitest';
import { ReadyQueue, type Step } from '../../src/kernel/ready-queue.ts';
import { bytesInUse, collectGarbage, seeded } from './helpers.ts';

class Item implements Step {
  readonly id: number;
  constructor(id: number) {
    this.id = id;
  }
  step(): void {}
}

test('it is first in, first out over 100,000 random operations, growing, shrinking and wrapping round', () => {
  const random = seeded(1);
  const queue = new ReadyQueue();
  const model: number[] = [];
  let id = 0;
  let most = 0;
  for (let i = 0; i < 100_000; i++) {
    // Phases of growth and of shrinking, so that it grows with its head anywhere.
    if (random(100) < (i % 2000 < 1100 ? 60 : 42)) {
      queue.push(new Item(id));
      model.push(id++);
    } else if (model.length > 0) {
      const item = queue.shift() as Item;
      if (item.id !== model.shift()) expect.fail(`item ${item.id} came out of turn in step ${i}`);
    }
    if (i % 97 === 0) queue.relax(random(model.length + 1)); // at any fill and with its head anywhere
    most = Math.max(most, model.length);
    if (queue.size !== model.length) expect.fail(`size ${queue.size} instead of ${model.length} in step ${i}`);
  }
  expect(most).toBeGreaterThan(128);
});

test('it grows with its head anywhere in the ring', () => {
  for (let offset = 0; offset <= 64; offset++) {
    const queue = new ReadyQueue();
    for (let i = 0; i < offset; i++) {
      queue.push(new Item(-1));
      queue.shift();
    }
    for (let i = 0; i < 200; i++) queue.push(new Item(i));
    const out = Array.from({ length: 200 }, () => (queue.shift() as Item).id);
    expect(out.findIndex((each, i) => each !== i)).toBe(-1);
    expect(queue.size).toBe(0);
  }
});

test('what was taken out is not kept alive', async () => {
  const queue = new ReadyQueue();
  const refs = (() => {
    const items = Array.from({ length: 50 }, (_, i) => new Item(i));
    for (const item of items) queue.push(item);
    for (let i = 0; i < 50; i++) queue.shift();
    return items.map((item) => new WeakRef(item));
  })();
  await new Promise((resolve) => setImmediate(resolve)); // a WeakRef holds its target until the job ends
  collectGarbage();
  expect(refs.filter((ref) => ref.deref() !== undefined).length).toBe(0);
  expect(queue.size).toBe(0);
});

test('the memory of a burst is given back after a few calls of relax(), and what is queued meanwhile stays', () => {
  const queue = new ReadyQueue();
  const item = new Item(0);
  const last = new Item(1);
  const before = bytesInUse();
  for (let i = 0; i < 1_000_000; i++) queue.push(item);
  for (let i = 0; i < 1_000_000; i++) queue.shift();
  queue.push(last);
  queue.relax(1_000_000); // as much was needed in this turn, so it is kept for the next
  expect(bytesInUse() - before).toBeGreaterThan(4 << 20);
  for (let i = 0; i < 20; i++) queue.relax(1);
  expect(bytesInUse() - before).toBeLessThan(1 << 20);
  expect([queue.size, queue.shift() === last]).toEqual([1, true]);
});
