// Channel, between threads; for its protocol see shared-ring.test.ts.

import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import {
  Channel,
  type ChannelHandle,
  type Coroutine,
  createTask,
  gather,
  type Main,
  openReceiver,
  openSender,
  run,
  runPromise,
  sleep,
  spend,
  type Task,
  timeout,
  wait,
} from '../../src/index.ts';
import type { SharedRing } from '../../src/threads/shared-ring.ts';
import { bytesInUse } from '../kernel/helpers.ts';
import { countDescriptors } from '../support/descriptors.ts';

test('what waits to be sent is what it was when it was given', () => {
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    const [sender, receiver] = [openSender(channel.sender), openReceiver(channel.receiver)];
    while (sender.trySend(Buffer.alloc(20, 1)));
    const bytes = Buffer.alloc(20, 2);
    const sending = createTask(sender.send(bytes));
    yield* sleep(5);
    bytes.fill(3);
    for (const expected of [1, 1, 2]) expect(yield* receiver.receive()).toEqual(Buffer.alloc(20, expected));
    yield* sending;
    sender.close();
    receiver.close();
  });
});

test('who waits for room is told of it, also while the ring is half full and the other one receives no more', () => {
  run(function* () {
    using channel = new Channel({ capacity: 256 });
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    for (let i = 0; i < 4; i++) sender.trySend(Buffer.alloc(60));
    const sending = createTask(sender.send(Buffer.alloc(60)));
    yield* sleep(5);
    expect(sending.done).toBe(false);
    receiver.tryReceive();
    yield* timeout(10_000, () => sending);
  });
});

const library = new URL('../../dist/bundle/coreactor.js', import.meta.url).href;

/** A worker whose coroutine is `body`, with `end` for the channel's end that it has. */
function worker(handle: ChannelHandle | object, how: 'run' | 'runPromise', body: string): Worker {
  const source = `import(${JSON.stringify(library)}).then((coreactor) => {
    const { openReceiver, openSender, sleep } = coreactor;
    const handle = process.getBuiltinModule('node:worker_threads').workerData;
    return coreactor.${how}(function* () {
      const end = handle.side === 'reader' ? openReceiver(handle) : handle.side ? openSender(handle) : null;
      ${body}
    });
  });`;
  const made = new Worker(source, { eval: true, workerData: handle });
  made.unref();
  return made;
}

describe.each<['run' | 'runPromise', <T>(main: Main<T>) => T | Promise<T>]>([
  ['run', run],
  ['runPromise', runPromise],
])('under %s()', (how, go) => {
  const goes = (main: () => Coroutine<void>): Promise<void> => Promise.resolve(go(() => timeout(25_000, main)));

  test('a hundred thousand messages arrive, in order, through a small ring, with pauses on both sides', () =>
    goes(function* () {
      const channel = new Channel({ capacity: 1024 });
      worker(
        channel.sender,
        how,
        `for (let i = 0; i < 100_000; i++) {
          yield* end.send(i % 3 === 0 ? 'x'.repeat(i % 200) + i : i % 3 === 1 ? Buffer.from(String(i)) : { i });
          if (i % 5003 === 0) yield* sleep(2);
        }
        end.close();`,
      );
      const receiver = openReceiver(channel.receiver);
      for (let i = 0; i < 100_000; i++) {
        const value = yield* receiver.receive();
        const expected = i % 3 === 0 ? 'x'.repeat(i % 200) + i : i % 3 === 1 ? Buffer.from(String(i)) : { i };
        if (JSON.stringify(value) !== JSON.stringify(expected)) expect(value).toEqual(expected);
        if (i % 7001 === 0) yield* sleep(2);
      }
      const end = createTask(receiver.receive());
      yield* wait([end]);
      expect(end.exception()).toMatchObject({ code: 'ERR_COREACTOR_CLOSED' });
      channel.close();
    }));

  test('backpressure, both ways of trying, what is too long, a cancelled receive', () =>
    goes(function* () {
      const before = countDescriptors();
      const channel = new Channel({ capacity: 256 });
      const [sender, receiver] = [openSender(channel.sender), openReceiver(channel.receiver)];
      expect(receiver.tryReceive()).toBe(null);
      let sent = 0;
      while (sender.trySend('0123456789')) sent++;
      expect(sent).toBe(16);
      const waiting = createTask(sender.send('late'));
      yield* sleep(0);
      for (let i = 0; i < 16; i++) expect(receiver.tryReceive()).toEqual(['0123456789']);
      yield* waiting;
      expect(yield* receiver.receive()).toBe('late');
      const cancelled = createTask(receiver.receive());
      yield* sleep(1);
      cancelled.cancel();
      yield* sleep(0);
      yield* sender.send('kept');
      expect(yield* receiver.receive()).toBe('kept');
      expect(() => sender.trySend('x'.repeat(300))).toThrow(/longer than the channel can hold \(252\)/);
      expect(() => openSender(channel.receiver)).toThrow(TypeError);
      receiver.close();
      expect(() => sender.trySend('x')).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
      sender.close();
      sender.close();
      channel.close();
      expect(countDescriptors()).toBeLessThanOrEqual(before);
      expect(() => openSender(channel.sender)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
    }));

  test('two threads ask and answer thousands of times, through rings with room for one', () =>
    goes(function* () {
      const [there, back] = [new Channel({ capacity: 64 }), new Channel({ capacity: 64 })];
      worker(
        { there: there.receiver, back: back.sender },
        how,
        `const [asked, answers] = [openReceiver(handle.there), openSender(handle.back)];
        for (let i = 0; i < 5000; i++) yield* answers.send(yield* asked.receive());`,
      );
      const [asks, answered] = [openSender(there.sender), openReceiver(back.receiver)];
      for (let i = 0; i < 5000; i++) {
        yield* asks.send('x'.repeat(i % 50) + i);
        expect(yield* answered.receive()).toBe('x'.repeat(i % 50) + i);
      }
    }));

  test('who waits for a thread that ends without a word is told', () =>
    goes(function* () {
      const channel = new Channel();
      const other = worker(channel.sender, how, `yield* end.send('here'); yield* sleep(50); process.exit(0);`);
      const receiver = openReceiver(channel.receiver);
      expect(yield* receiver.receive()).toBe('here');
      channel.close();
      const end = createTask(receiver.receive());
      yield* wait([end]);
      expect(end.exception()).toMatchObject({ code: 'ERR_COREACTOR_CLOSED' });
      receiver.close();
      void other;
    }));
});

test('values of every kind are what structuredClone() makes of them', () => {
  const self: Record<string, unknown> = { name: 'self' };
  self.self = self;
  const shared = { deep: [1] };
  const nested = JSON.parse('['.repeat(80) + ']'.repeat(80));
  const values: unknown[] = [
    ...['', 'text', 'ünïcödé 🎉', 'x'.repeat(5000), 0, -0, 1.5, NaN, Infinity, 2n ** 70n, true, null, undefined],
    ...[
      [],
      [1, [2, [null]]],
      [1, undefined],
      {},
      { a: { b: ['c'] } },
      { a: undefined },
      { a: -0 },
      Object.create(null),
    ],
    ...[
      new Date(5),
      new Map([[{ a: 1 }, new Set([1])]]),
      /a+/g,
      Buffer.from([1, 2]),
      new Float64Array([1.5]),
      new Error('e'),
    ],
    ...[
      { toJSON: 5 },
      Object.assign([1], { extra: 2 }),
      new (class Point {
        x = 1;
      })(),
      Object.assign(new Array(3), { 0: 1, 2: 3 }), // a hole is no undefined
      Array.from({ length: 100 }, (_, i) => ({ i })),
      { a: [{ b: 'c', d: [true, false, null, 1e300] }], 'a key': '\ud800' },
      [shared, shared],
      self,
      nested,
      JSON.parse('{"__proto__": 1}'),
    ],
  ];
  run(function* () {
    using channel = new Channel();
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    for (const value of values) {
      yield* sender.send(value);
      const given = yield* receiver.receive();
      const expected = Buffer.isBuffer(value) ? value : structuredClone(value);
      expect(Object.is(given, expected) || given).toStrictEqual(Object.is(given, expected) || expected);
    }
    yield* sender.send([shared, shared]);
    const [one, other] = (yield* receiver.receive()) as unknown[];
    expect(one).toBe(other); // also in the clone
    for (const value of [() => 1, { deep: [Symbol('s')] }]) {
      expect(() => sender.trySend(value)).toThrow(
        expect.objectContaining({
          name: 'TypeError',
          code: 'ERR_COREACTOR_ARGUMENT',
          message: expect.stringMatching(/^a channel cannot carry this: .* could not be cloned\. Send data only/),
          cause: expect.any(Error),
        }),
      );
    }
    yield* sender.send('and on');
    expect(yield* receiver.receive()).toBe('and on');
  });
});

test('plain values of every shape and size arrive as they were, whatever is thrown away, waits or goes another way', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  const text = (): string =>
    ['a', 'ü', '€', '🎉', '\ud83c', '"\n'][random(6)]?.repeat(random(random(9) === 0 ? 90 : 9)) as string;
  const value = (depth: number): unknown => {
    const kind = random(depth === 0 ? 7 : 10);
    if (kind === 0) return [0, -0, 1, -1, 2 ** 31, -(2 ** 31), 1.5, NaN, Infinity, 5e-324][random(10)];
    if (kind < 4) return [null, true, false, undefined, random(1e9), -random(300)][random(random(5) === 0 ? 6 : 3)];
    if (kind < 7) return text();
    if (kind === 7) return Array.from({ length: random(6) }, () => value(depth - 1));
    const names = ['id', 'name', 'ü', '1', '__proto__', '', 'a name', `n${random(20)}`].slice(random(3), random(8));
    return Object.fromEntries(names.map((name) => [name, value(depth - 1)]));
  };
  run(function* () {
    using channel = new Channel({ capacity: 4096 });
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    const sent: unknown[] = [];
    const receive = (most: number): void => {
      for (let i = 0; i < most; i++) {
        const found = receiver.tryReceive();
        if (found === null) return;
        expect(found[0]).toStrictEqual(sent.shift());
      }
    };
    let waited = 0;
    for (let i = 0; i < 20_000; i++) {
      const one = value(4);
      const copy = structuredClone(one);
      if (sender.trySend(one)) sent.push(copy);
      else if (i % 2 === 0)
        receive(random(30)); // it is gone, with the shapes that it would have told
      else {
        const waiting = createTask(sender.send(one));
        yield* sleep(0);
        const other = [one, { [`m${i % 50}`]: i }]; // made while that waits, with the same shapes and a new one
        if (!waiting.done && sender.trySend(other)) sent.push(structuredClone(other));
        else receive(random(30));
        if (!waiting.done) {
          waited++;
          receive(Infinity);
        }
        yield* waiting;
        sent.push(copy);
      }
    }
    receive(Infinity);
    expect(sent).toEqual([]);
    expect(waited).toBeGreaterThan(50);
  });
});

test('a shape that was made while another message waited is not taken for told', () => {
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    let filling = 0;
    while (sender.trySend('0123456789')) filling++;
    const waiting = createTask(sender.send(5));
    yield* sleep(0);
    expect(sender.trySend({ name: 1 })).toBe(false);
    for (; filling > 0; filling--) receiver.tryReceive();
    yield* waiting;
    expect(receiver.tryReceive()).toEqual([5]);
    for (let i = 0; i < 2; i++) {
      expect(sender.trySend({ name: i })).toBe(true);
      expect(receiver.tryReceive()).toEqual([{ name: i }]);
    }
  });
});

test('many tasks send and receive at one channel, and nobody overtakes: neither with a shorter message nor with a try', () => {
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    const receivers = [1, 2, 3].map(() => createTask(receiver.receive()));
    yield* sleep(0);
    sender.trySend('first');
    expect(receiver.tryReceive()).toBe(null);
    for (const text of ['second', 'third']) yield* sender.send(text);
    expect(yield* gather(receivers)).toEqual(['first', 'second', 'third']);

    while (sender.trySend('0123456789'));
    const senders = ['x'.repeat(50), 'y', 'z'].map((text) => createTask(sender.send(text)));
    yield* sleep(0);
    expect(receiver.tryReceive()).toEqual(['0123456789']);
    expect(sender.trySend('w')).toBe(false);
    (senders[1] as Task<void>).cancel();
    const received: unknown[] = [];
    while (received.at(-1) !== 'z') received.push(yield* receiver.receive());
    expect(received.slice(-2)).toEqual(['x'.repeat(50), 'z']);

    const left = [createTask(receiver.receive()), createTask(receiver.receive())];
    yield* sleep(0);
    sender.close();
    yield* wait(left);
    for (const task of left) expect(task.exception()).toMatchObject({ code: 'ERR_COREACTOR_CLOSED' });
  });
});

test('S14: a channel that has room, or a message, at every call keeps nobody else from running', () => {
  run(function* () {
    using channel = new Channel();
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    let turns = 0;
    createTask(function* () {
      for (;;) {
        yield* sleep(0);
        turns++;
      }
    });
    for (let i = 0; i < 1000; i++) yield* sender.send(i);
    const sent = turns;
    for (let i = 0; i < 1000; i++) expect(yield* receiver.receive()).toBe(i);
    expect([sent > 3, turns - sent > 3]).toEqual([true, true]);
  });
});

test('a task whose step has done enough keeps its place in the line while it gives way', () => {
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    const got: unknown[] = [];
    const send = (text: string): Task<void> =>
      createTask(function* () {
        while (!spend());
        yield* sender.send(text);
      });
    const receive = (): Task<void> =>
      createTask(function* () {
        while (!spend());
        got.push(yield* receiver.receive());
      });
    // Alone it holds the line; of three the first one does, and the second one leaves it.
    for (const texts of [['first'], ['first', 'left', 'third']]) {
      const senders = texts.map(send);
      const last = createTask(sender.send('last'));
      yield* sleep(0);
      senders[1]?.cancel();
      expect(sender.trySend('barges')).toBe(false);
      yield* wait([...senders, last]);
      const receivers = texts.map(receive);
      yield* sleep(0);
      receivers[1]?.cancel();
      expect(receiver.tryReceive()).toBe(null);
      got.push(yield* receiver.receive());
      yield* wait(receivers);
      expect(got.splice(0)).toEqual([...texts.filter((text) => text !== 'left'), 'last']);
      expect(receiver.tryReceive()).toBe(null);
    }
    const cancelled = [send('gone'), receive()];
    yield* sleep(0);
    for (const task of cancelled) task.cancel();
    yield* wait(cancelled);
    expect(sender.trySend('free again')).toBe(true);
    expect(receiver.tryReceive()).toEqual(['free again']);
  });
});

test('what can never be sent is an error at once, also while others wait', () => {
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    using sender = openSender(channel.sender);
    const receiver = openReceiver(channel.receiver);
    while (sender.trySend('0123456789'));
    const waiting = [createTask(sender.send('0123456789')), createTask(sender.send('y'))];
    yield* sleep(0);
    const tooLong = 'x'.repeat(61);
    expect(() => sender.trySend(tooLong)).toThrow(RangeError);
    const sending = createTask(sender.send(tooLong));
    yield* sleep(0);
    expect(sending.exception()).toBeInstanceOf(RangeError);
    receiver.close();
    expect(() => sender.trySend('z')).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
    yield* wait(waiting);
    for (const task of waiting) expect(task.exception()).toMatchObject({ code: 'ERR_COREACTOR_CLOSED' });
  });
});

test('objects whose names never come again arrive, and so do those that came before', () => {
  run(function* () {
    using channel = new Channel();
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    for (let i = 0; i < 6000; i++) {
      for (const value of [
        { [`name ${i}`]: i, id: [i] },
        { id: i, name: 'one' },
      ]) {
        yield* sender.send(value);
        expect(yield* receiver.receive()).toStrictEqual(value);
      }
    }
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`wide ${i}`, i]));
    yield* sender.send([wide, [wide.none ?? null]]);
    expect(yield* receiver.receive()).toStrictEqual([wide, [null]]);
    // A getter that sends, too, is in the middle of what is written.
    const odd = Object.defineProperty({}, 'first', { enumerable: true, get: () => sender.trySend({ inner: 1 }) });
    yield* sender.send([5, odd]);
    expect(yield* receiver.receive()).toStrictEqual({ inner: 1 });
    expect(yield* receiver.receive()).toStrictEqual([5, { first: true }]);
  });
});

test('text with lone surrogates arrives unchanged, alone and within', () => {
  run(function* () {
    using channel = new Channel({ capacity: 256 });
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    for (let i = 0; i < 50; i++) {
      for (const text of ['\ud800', '\udc00\ud800', `é${'x'.repeat(i)}\udfff`, '🎉\ud83c']) {
        expect(sender.trySend(text)).toBe(true);
        expect(receiver.tryReceive()).toEqual([text]);
        expect(sender.trySend([text])).toBe(true);
        expect(receiver.tryReceive()).toEqual([[text]]);
      }
    }
  });
});

/** What is received of it. */
function passed(value: unknown): unknown {
  return run(function* () {
    using channel = new Channel();
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    yield* sender.send(value);
    return yield* receiver.receive();
  });
}

test('what has memory has its own: no window onto a pool, nor onto the rest of the message', () => {
  const sent = {
    pixels: new Uint8ClampedArray([1, 2, 3]),
    numbers: new Float64Array([1.5, 2.5]),
    view: new DataView(Uint8Array.of(9, 8, 7, 6).buffer, 1, 2),
    memory: Uint8Array.of(1, 2).buffer,
    bytes: Buffer.from('bytes'),
    empty: new Uint16Array(0),
  };
  const got = passed(sent) as typeof sent;
  expect(got).toStrictEqual({ ...sent, view: new DataView(Uint8Array.of(8, 7).buffer) });
  const { pixels, numbers, view, memory, bytes } = got;
  const memories = [pixels, numbers, view, bytes].map((each) => each.buffer);
  expect(memories.map((each) => each.byteLength)).toEqual([3, 16, 2, 5]);
  expect(new Set([...memories, memory]).size).toBe(5);
  structuredClone(pixels, { transfer: [pixels.buffer as ArrayBuffer] });
  expect(pixels.length).toBe(0);
});

test('an end that waits keeps nothing of what it has received, also of what went across the end of the memory', () => {
  run(function* () {
    const size = 10 << 20;
    using channel = new Channel({ capacity: 16 << 20 });
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    const before = bytesInUse();
    for (let i = 0; i < 2; i++) {
      sender.trySend(new Uint8Array(size));
      expect(receiver.tryReceive()?.[0]).toHaveLength(size);
    }
    yield* sleep(0);
    expect(bytesInUse() - before).toBeLessThan(size / 2);
  });
});

test('what cannot be made anew at the other end is an error once, and the next message comes', () => {
  run(function* () {
    using channel = new Channel();
    using sender = openSender(channel.sender);
    using receiver = openReceiver(channel.receiver);
    const { WebAssembly } = globalThis as unknown as { WebAssembly: { Module: new (code: Uint8Array) => object } };
    sender.trySend(new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)));
    sender.trySend('next');
    expect(() => receiver.tryReceive()).toThrow();
    expect(yield* receiver.receive()).toBe('next');
    expect(receiver.tryReceive()).toBe(null);
  });
});

test('a Proxy is refused, as structuredClone() does, and what a getter throws is the cause, whichever way a value goes', () => {
  const failing = () => ({
    get bad(): never {
      throw new RangeError('of the getter');
    },
  });
  run(function* () {
    using channel = new Channel();
    using sender = openSender(channel.sender);
    for (const value of [new Proxy({}, {}), [new Proxy([1], {})]]) {
      expect(() => structuredClone(value)).toThrow();
      expect(() => sender.trySend(value)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_ARGUMENT' }));
    }
    for (const value of [failing(), [new Map(), failing()]]) {
      expect(() => sender.trySend(value)).toThrow(
        expect.objectContaining({ code: 'ERR_COREACTOR_ARGUMENT', cause: new RangeError('of the getter') }),
      );
    }
    yield* sleep(0);
  });
});

test('names arrive whatever a program has done to Object.prototype', () => {
  const odd = { toString: 1, constructor: [2], valueOf: null, tricky: 5 };
  const wide = { ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`n${i}`, i])), ...odd };
  Object.defineProperty(Object.prototype, 'tricky', { configurable: true, set: () => {} });
  Object.defineProperty(Object.prototype, 'toString', { writable: false });
  try {
    for (const value of [odd, wide]) expect(Object.entries(passed(value) as object)).toEqual(Object.entries(value));
  } finally {
    Object.defineProperty(Object.prototype, 'toString', { writable: true });
    delete (Object.prototype as { tricky?: unknown }).tricky;
  }
});

test('who closes an end while a task waits there is told what was closed, and so is that task', () => {
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    const [sender, receiver] = [openSender(channel.sender), openReceiver(channel.receiver)];
    const receiving = createTask(receiver.receive());
    yield* sleep(1);
    receiver.close();
    yield* wait([receiving]);
    const closed = {
      code: 'ERR_COREACTOR_CLOSED',
      message: expect.stringMatching(/^the channel's receiver was closed/),
    };
    expect(receiving.exception()).toMatchObject(closed);
    expect(() => receiver.tryReceive()).toThrow(expect.objectContaining(closed));
    expect(() => sender.trySend(1)).toThrow(/^the channel is closed, or/);
    sender.close();
    expect(() => sender.trySend(1)).toThrow(/^the channel's sender was closed/);
  });
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    using _receiver = openReceiver(channel.receiver);
    const sender = openSender(channel.sender);
    while (sender.trySend('filled'));
    const sending = createTask(sender.send('more'));
    yield* sleep(1);
    sender.close();
    yield* wait([sending]);
    expect(sending.exception()).toMatchObject({ message: expect.stringMatching(/^the channel's sender was closed/) });
  });
});

test('who closes an end wakes the one that waits at the other, though the handles are still open', () => {
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    const [sender, receiver] = [openSender(channel.sender), openReceiver(channel.receiver)];
    const receiving = createTask(receiver.receive());
    yield* sleep(1);
    sender.close();
    yield* timeout(10_000, () => wait([receiving]));
    expect(receiving.exception()).toMatchObject({ code: 'ERR_COREACTOR_CLOSED' });
    receiver.close();
  });
});

test('an end that nobody has closed is closed with its run: the other side is told, and no descriptor is left', () => {
  const before = countDescriptors();
  for (const side of ['receiver', 'sender'] as const) {
    const channel = new Channel({ capacity: 64 });
    run(function* () {
      if (side === 'receiver') openReceiver(channel.receiver);
      else expect(openSender(channel.sender).trySend('last')).toBe(true);
      yield* sleep(0);
    });
    run(function* () {
      if (side === 'receiver') {
        using sender = openSender(channel.sender);
        expect(() => sender.trySend('to nobody')).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
      } else {
        using receiver = openReceiver(channel.receiver);
        expect(receiver.tryReceive()).toEqual(['last']);
        expect(() => receiver.tryReceive()).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
      }
      yield* sleep(0);
    });
    channel.close();
  }
  expect(countDescriptors()).toBe(before);
});

test('the end of a run in one thread wakes who waits in another one', () => {
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    using receiver = openReceiver(channel.receiver);
    worker(channel.sender, 'run', `yield* end.send('here'); setInterval(() => {}, 1000); yield* sleep(50);`);
    expect(yield* receiver.receive()).toBe('here');
    const receiving = createTask(receiver.receive());
    yield* timeout(20_000, () => wait([receiving]));
    expect(receiving.exception()).toMatchObject({ code: 'ERR_COREACTOR_CLOSED' });
  });
});

test('who sends to an end that is gone without its close() learns it by the pipe', () => {
  run(function* () {
    const channel = new Channel({ capacity: 64 });
    using sender = openSender(channel.sender);
    const receiver = openReceiver(channel.receiver);
    const { ring } = receiver as unknown as { ring: SharedRing };
    channel.close();
    ring.close = () => {}; // as at the end of its thread
    receiver.close();
    ring.lieDown('reader');
    expect(sender.trySend('to nobody')).toBe(true);
    expect(() => sender.trySend('next')).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
    yield* sleep(0);
  });
});

test('what is sent while tryReceive() finds nothing, and the end after it, is not lost', () => {
  run(function* () {
    using channel = new Channel({ capacity: 64 });
    const [sender, receiver] = [openSender(channel.sender), openReceiver(channel.receiver)];
    const { ring } = receiver as unknown as { ring: SharedRing };
    const read = ring.read.bind(ring);
    ring.read = (take) => {
      const found = read(take);
      if (!sender.closed) {
        sender.trySend('last');
        sender.close();
      }
      return found;
    };
    expect(receiver.tryReceive()).toEqual(['last']);
    expect(() => receiver.tryReceive()).toThrow(/^the channel is closed/);
    receiver.close();
    yield* sleep(0);
  });
});

test('tryReceive() gives what is left of a closed channel, and then throws as receive() does', () => {
  run(function* () {
    using channel = new Channel();
    const [sender, receiver] = [openSender(channel.sender), openReceiver(channel.receiver)];
    expect(receiver.tryReceive()).toBe(null);
    sender.trySend('last');
    sender.close();
    expect(receiver.tryReceive()).toEqual(['last']);
    expect(() => receiver.tryReceive()).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
    receiver.close();
    yield* sleep(0);
  });
});

test('an end is opened once, whichever thread has it', () => {
  run(function* () {
    using channel = new Channel();
    const before = countDescriptors();
    worker(channel.sender, 'run', `yield* end.send('open'); yield* sleep(100_000);`);
    using receiver = openReceiver(channel.receiver);
    const twice = { code: 'ERR_COREACTOR_INVALID_STATE', message: expect.stringContaining('once') };
    expect(() => openReceiver(channel.receiver)).toThrow(expect.objectContaining(twice));
    expect(yield* receiver.receive()).toBe('open');
    const open = countDescriptors();
    expect(() => openSender(channel.sender)).toThrow(expect.objectContaining(twice));
    expect(countDescriptors()).toBe(open);
    expect(open).toBeGreaterThan(before);
  });
});

test('a capacity that is none is refused', () => {
  for (const capacity of [0, 63, 100, 1.5, 2 ** 31]) expect(() => new Channel({ capacity })).toThrow(RangeError);
});
