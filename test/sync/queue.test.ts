// Queue and its kin: each item once, in order, and none lost to those who leave.

import { expect, test } from 'vitest';
import { gather } from '../../src/compose/gather.ts';
import { moveOnAfter } from '../../src/compose/timeout.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { InvalidStateError, QueueEmptyError, QueueFullError, QueueShutDownError } from '../../src/kernel/errors.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { LifoQueue } from '../../src/sync/lifo-queue.ts';
import { PriorityQueue } from '../../src/sync/priority-queue.ts';
import { Queue } from '../../src/sync/queue.ts';
import { simulateToEnd as simulate } from '../compose/programs.ts';
import { bytesInUse, seeded, thrownBy, thrownIn, world } from '../kernel/helpers.ts';

const kinds: [string, (maxsize?: number) => Queue<number>][] = [
  ['Queue', (maxsize) => new Queue(maxsize)],
  ['LifoQueue', (maxsize) => new LifoQueue(maxsize)],
  ['PriorityQueue', (maxsize) => new PriorityQueue(maxsize)],
];

function* drain(queue: Queue<number>): Coroutine<number[]> {
  const items: number[] = [];
  while (!queue.empty) items.push(yield* queue.get());
  return items;
}

test.each(kinds)(
  'S60: %s: a getter cancelled after its wake loses no item: it takes it, or the next getter has it',
  (_, make) => {
    for (const when of ['before', 'after', 'gone']) {
      simulate(function* () {
        const queue = make();
        const got: unknown[] = [];
        const victim = createTask(function* () {
          got.push('victim', yield* queue.get());
          yield* sleep(1);
          got.push('never');
        });
        const next = createTask(function* () {
          got.push('next', yield* queue.get());
        });
        yield* sleep(1);
        if (when !== 'after') victim.cancel();
        if (when === 'gone') yield* sleep(1);
        queue.putNowait(1);
        if (when === 'after') victim.cancel();
        queue.putNowait(2);
        yield* next;
        expect(got).toEqual(when === 'after' ? ['victim', 1, 'next', 2] : ['next', 1]);
        expect(yield* drain(queue)).toEqual(when === 'after' ? [] : [2]);
      });
    }
  },
);

test.each(kinds)('S60: %s: likewise a putter and its slot', (_, make) => {
  for (const when of ['before', 'after', 'gone']) {
    simulate(function* () {
      const queue = make(1);
      queue.putNowait(0);
      const victim = createTask(() => queue.put(1));
      const next = createTask(() => queue.put(2));
      yield* sleep(1);
      if (when !== 'after') victim.cancel();
      if (when === 'gone') yield* sleep(1);
      expect(queue.getNowait()).toBe(0);
      if (when === 'after') victim.cancel();
      expect([queue.full, queue.getNowait()]).toEqual([true, when === 'after' ? 1 : 2]);
      if (when === 'after') expect(queue.getNowait()).toBe(2);
      yield* next;
      expect(queue.size).toBe(0);
    });
  }
});

test.each(kinds)('S61: %s: no barging', (_, make) => {
  simulate(function* () {
    const queue = make(1);
    const getter = createTask(queue.get());
    yield* sleep(1);
    queue.putNowait(1);
    expect(thrownBy(() => queue.getNowait())).toBeInstanceOf(QueueEmptyError);
    expect(yield* getter).toBe(1);

    queue.putNowait(2);
    const putter = createTask(queue.put(3));
    yield* sleep(1);
    expect(queue.getNowait()).toBe(2);
    expect(thrownBy(() => queue.putNowait(4))).toBeInstanceOf(QueueFullError); // the slot is the putter's
    expect(queue.getNowait()).toBe(3);
    yield* putter;
  });
});

test.each(kinds)('S62: %s: a million cancelled gets leave memory where it was', (_, make) => {
  const { clock, selector } = world();
  const main = function* (): Coroutine<void> {
    const queue = make();
    const round = function* (count: number): Coroutine<number> {
      for (let i = 0; i < count; i++) yield* moveOnAfter(1, () => queue.get());
      selector.waits.length = 0;
      return bytesInUse();
    };
    const before = yield* round(1000);
    expect((yield* round(1_000_000)) - before).toBeLessThan(2_000_000);
  };
  simulate(main, { clock, selector });
});

test('S62: a burst of items leaves no memory behind', () => {
  simulate(function* () {
    const queue = new Queue<number>();
    const before = bytesInUse();
    for (let i = 0; i < 500_000; i++) queue.putNowait(i);
    for (let i = 0; i < 500_000; i++) expect(queue.getNowait() === i).toBe(true);
    expect(bytesInUse() - before).toBeLessThan(1_000_000);
    expect(queue.size).toBe(0); // it is there still
  });
});

test.each(kinds)('S63: %s: taskDone too often is an error; join waits for work in flight', (_, make) => {
  simulate(function* () {
    const queue = make(1);
    yield* queue.join(); // nothing was put
    expect(thrownBy(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
    const worker = createTask(function* () {
      for (let i = 0; i < 3; i++) {
        yield* queue.get();
        yield* sleep(10);
        queue.taskDone();
      }
    });
    yield* sleep(0); // it waits
    for (let i = 0; i < 3; i++) yield* queue.put(i); // through a slot, a hand-over and a wait
    const others = [createTask(queue.join()), createTask(queue.join())];
    yield* queue.join();
    expect([now(), queue.size]).toEqual([30, 0]);
    yield* gather([...others, worker]);
    expect(thrownBy(() => queue.taskDone()).message).toContain('more often');
    yield* queue.join();
  });
});

test.each(kinds)('S64: %s: shutdown lets getters drain what is there; putters get the error at once', (_, make) => {
  simulate(function* () {
    const queue = make(2);
    for (const item of [1, 2]) queue.putNowait(item);
    const putters = [createTask(() => thrownIn(queue.put(3))), createTask(() => thrownIn(queue.put(4)))];
    yield* sleep(1);
    queue.shutdown();
    for (const error of yield* gather(putters)) expect(error).toBeInstanceOf(QueueShutDownError);
    expect(thrownBy(() => queue.putNowait(5))).toBeInstanceOf(QueueShutDownError);
    expect((yield* thrownIn(queue.put(5))).code).toBe('ERR_COREACTOR_QUEUE_SHUT_DOWN');
    expect((yield* drain(queue)).sort()).toEqual([1, 2]);
    expect(yield* thrownIn(queue.get())).toBeInstanceOf(QueueShutDownError);
    expect(thrownBy(() => queue.getNowait())).toBeInstanceOf(QueueShutDownError);
    const joining = createTask(queue.join());
    queue.taskDone();
    yield* sleep(1);
    expect(joining.done).toBe(false);
    queue.taskDone();
    yield* joining;
    queue.shutdown();
  });
});

test.each(kinds)('S64: %s: getters that wait get the error', (_, make) => {
  simulate(function* () {
    const queue = make();
    const getters = [createTask(() => thrownIn(queue.get())), createTask(() => thrownIn(queue.get()))];
    yield* sleep(1);
    queue.shutdown();
    for (const error of yield* gather(getters)) expect(error).toBeInstanceOf(QueueShutDownError);
  });
});

test.each(kinds)('S64: %s: immediate drops what is queued, and settles join for that only', (_, make) => {
  simulate(function* () {
    const queue = make();
    for (const item of [1, 2, 3]) queue.putNowait(item);
    yield* queue.get(); // in work
    const joining = createTask(queue.join());
    yield* sleep(1);
    queue.shutdown({ immediate: true });
    expect([queue.size, yield* thrownName(queue.get())]).toEqual([0, 'QueueShutDownError']);
    yield* sleep(1);
    expect(joining.done).toBe(false);
    queue.taskDone();
    yield* joining;
    const idle = make();
    idle.putNowait(1);
    const joined = createTask(idle.join());
    yield* sleep(1);
    idle.shutdown();
    idle.shutdown({ immediate: true });
    yield* joined;
  });
});

test.each(kinds)('S65: %s: maxsize 0 is unbounded, any other bounds it', (_, make) => {
  simulate(function* () {
    const unbounded = make();
    for (let i = 0; i < 10_000; i++) unbounded.putNowait(i);
    expect([unbounded.maxsize, unbounded.size, unbounded.full, unbounded.empty]).toEqual([0, 10_000, false, false]);
    const queue = make(2);
    const log: unknown[] = [];
    const putter = createTask(function* () {
      for (let i = 1; i <= 4; i++) {
        yield* queue.put(i);
        log.push(i);
      }
    });
    yield* sleep(1);
    expect([log, queue.size, queue.full, queue.maxsize]).toEqual([[1, 2], 2, true, 2]);
    yield* queue.get();
    yield* sleep(1);
    expect(log).toEqual([1, 2, 3]);
    yield* drain(queue);
    yield* putter;
  });
  for (const bad of [-1, 1.5, Number.NaN, '1' as never]) expect(thrownBy(() => make(bad))).toBeInstanceOf(RangeError);
});

test('S65: the order in which items leave: first in, last in, least', () => {
  simulate(function* () {
    const random = seeded(7);
    const items = Array.from({ length: 500 }, () => random(50));
    const orders: [Queue<number>, number[]][] = [
      [new Queue(), items],
      [new LifoQueue(), [...items].reverse()],
      [new PriorityQueue(), [...items].sort((a, b) => a - b)],
      [new PriorityQueue(0, { compare: (a, b) => b - a }), [...items].sort((a, b) => b - a)],
    ];
    for (const [queue, expected] of orders) {
      for (const item of items) yield* queue.put(item);
      expect(yield* drain(queue)).toEqual(expected);
    }
  });
});

test('S65: equal priorities leave first in, first out, whatever comes between', () => {
  simulate(function* () {
    const random = seeded(3);
    const queue = new PriorityQueue<{ rank: number; n: number }>(0, { compare: (a, b) => a.rank - b.rank });
    const last = new Map<number, number>();
    let size = 0;
    for (let n = 0; n < 5000; n++) {
      if (size === 0 || random(3) > 0) {
        queue.putNowait({ rank: random(4), n });
        size++;
        continue;
      }
      const { rank, n: number } = queue.getNowait();
      size--;
      expect(number).toBeGreaterThan(last.get(rank) ?? -1);
      last.set(rank, number);
    }
    yield* sleep(0);
  });
});

test('S65: a comparison that throws loses nothing', () => {
  simulate(function* () {
    const queue = new PriorityQueue<number | symbol>();
    queue.putNowait(2);
    queue.putNowait(1);
    expect(thrownBy(() => queue.putNowait(Symbol('end')))).toBeInstanceOf(TypeError);
    expect([yield* queue.get(), yield* queue.get(), queue.size]).toEqual([1, 2, 0]);
    queue.taskDone();
    queue.taskDone();
    yield* queue.join();
  });
});

test('S65: a waiting put whose item cannot be compared has the error; the get that made room and the next put do not', () => {
  simulate(function* () {
    const queue = new PriorityQueue<number | symbol>(2);
    queue.putNowait(2);
    queue.putNowait(1);
    const bad = createTask(() => thrownIn(queue.put(Symbol('end'))));
    const good = createTask(() => queue.put(3));
    yield* sleep(0);
    expect(yield* queue.get()).toBe(1);
    expect(yield* bad).toBeInstanceOf(TypeError);
    yield* good;
    expect([yield* queue.get(), yield* queue.get(), queue.size]).toEqual([2, 3, 0]);
    for (let i = 0; i < 3; i++) queue.taskDone();
    yield* queue.join();
  });
});

test('S65: a get in which a comparison throws takes nothing', () => {
  simulate(function* () {
    let broken = false;
    let compared = 0;
    const compare = (a: number, b: number): number => {
      if (broken && ++compared === 5) throw new Error('broken');
      return a - b;
    };
    const queue = new PriorityQueue<number>(0, { compare });
    const items = Array.from({ length: 20 }, (_, i) => (i * 7) % 20);
    for (const item of items) queue.putNowait(item);
    broken = true;
    expect((yield* thrownIn(queue.get())).message).toBe('broken');
    broken = false;
    const got: number[] = [];
    while (!queue.empty) got.push(yield* queue.get());
    expect(got).toEqual(items.sort((a, b) => a - b));
  });
});

test.each(kinds)('S65: %s: forEach takes each item until it is shut down', (_, make) => {
  simulate(function* () {
    const queue = make();
    const got: number[] = [];
    const consumers = [
      createTask(() =>
        queue.forEach(function* (item) {
          yield* sleep(1);
          got.push(item);
        }),
      ),
      createTask(() =>
        queue.forEach((item) => {
          got.push(item);
        }),
      ),
    ];
    for (let i = 0; i < 10; i++) yield* queue.put(i);
    yield* queue.join();
    queue.shutdown();
    yield* gather(consumers);
    expect(got.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

test('S65: forEach ends with the error of its body, and has said taskDone()', () => {
  simulate(function* () {
    const queue = new Queue<number>();
    for (const item of [1, 2]) queue.putNowait(item);
    const error = yield* thrownIn(
      queue.forEach(() => {
        throw new QueueShutDownError('of another queue');
      }),
    );
    expect([error.message, queue.size]).toEqual(['of another queue', 1]);
    queue.getNowait();
    queue.taskDone();
    yield* queue.join();
  });
});

test('S66: several consumers, and one end marker for each', () => {
  simulate(function* () {
    const END = Symbol('end');
    const queue = new Queue<number | typeof END>(3);
    const consumer = function* (): Coroutine<number[]> {
      const got: number[] = [];
      for (;;) {
        const item = yield* queue.get();
        if (item === END) return got;
        got.push(item);
        yield* sleep(item % 3);
      }
    };
    const producer = function* (): Coroutine<void> {
      for (let i = 0; i < 50; i++) yield* queue.put(i);
      for (let i = 0; i < 4; i++) yield* queue.put(END);
    };
    const [, ...lists] = yield* gather([producer(), consumer(), consumer(), consumer(), consumer()]);
    expect(lists.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    for (const list of lists) expect(list).toEqual([...list].sort((a, b) => a - b));
    expect(queue.size).toBe(0);
  });
});

test('undefined is an item like any other', () => {
  simulate(function* () {
    const queue = new Queue<undefined>();
    const getter = createTask(function* () {
      return [yield* queue.get()];
    });
    yield* sleep(1);
    yield* queue.put(undefined);
    expect(yield* getter).toEqual([undefined]);
    queue.putNowait(undefined);
    expect([queue.size, queue.getNowait()]).toEqual([1, undefined]);
  });
});

test('a queue in a loop gives way, so that others run', () => {
  simulate(function* () {
    const queue = new Queue<number>();
    let other = false;
    createTask(function* () {
      other = true;
    });
    for (let i = 0; i < 1000 && !other; i++) {
      yield* queue.put(i);
      yield* queue.get();
    }
    expect(other).toBe(true);
  });
});

function* thrownName(operation: Parameters<typeof thrownIn>[0]): Coroutine<string> {
  return (yield* thrownIn(operation)).name;
}
