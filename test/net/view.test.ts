// recvView(): the bytes as they lie in the loop's memory. They are the program's until it suspends; what is sent of them
// is right even then.

import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { expect, test } from 'vitest';
import {
  BusyError,
  ClosedError,
  type Coroutine,
  createTask,
  gather,
  moveOnAfter,
  type Operation,
  pipe,
  run,
  runPromise,
  type Socket,
  type Stream,
  sleep,
  spend,
} from '../../src/index.ts';
import { currentKernel } from '../../src/kernel/here.ts';
import { Mailbox } from '../../src/kernel/mailbox.ts';
import { EDGE, READ, RECEIVE } from '../../src/kernel/selector-port.ts';
import { NativeSelector } from '../../src/native/native-selector.ts';
import { Selector } from '../../src/native/selector.ts';
import { seeded } from '../../src/testing/seeded.ts';
import { testWith } from '../support/commands.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { start } from '../support/program.ts';
import { pair } from './pair.ts';
import { pattern } from './pattern.ts';

/** Copies of all that comes, until `length` bytes or the end. */
function* viewAll(socket: Socket, length = Number.POSITIVE_INFINITY): Coroutine<Buffer> {
  const chunks: Buffer[] = [];
  for (let got = 0; got < length; ) {
    const view = yield* socket.recvView();
    if (view.length === 0) break;
    got += view.length;
    chunks.push(Buffer.from(view));
  }
  return Buffer.concat(chunks);
}

function* echo(socket: Socket): Coroutine<void> {
  for (;;) {
    const bytes = yield* socket.recvView();
    if (bytes.length === 0) break;
    yield* socket.sendAll(bytes);
  }
  socket.shutdown('write');
}

test('a view of what has come, a Buffer; an empty one at the end, again and again', () => {
  run(function* () {
    const [a, b] = yield* pair();
    yield* a.sendAll(Buffer.from('hello'));
    const view = yield* b.recvView();
    expect(view).toBeInstanceOf(Buffer);
    expect(view.toString()).toBe('hello');
    a.shutdown('write');
    expect(yield* b.recvView()).toHaveLength(0);
    expect(yield* b.recvView()).toHaveLength(0);
  });
});

test.each([100, 5000, 16_384, 70_000, 1_000_000])(
  'many echo messages of %i bytes without a copy of their own',
  (size) => {
    run(function* () {
      const talks = Array.from(
        { length: 20 },
        (_, i) =>
          function* (): Coroutine<void> {
            const [a, b] = yield* pair();
            const server = createTask(echo(b));
            for (let round = 0; round < 5; round++) {
              const message = pattern(size, i * 7 + round);
              const sending = createTask(a.sendAll(message));
              expect((yield* viewAll(a, size)).equals(message)).toBe(true);
              yield* sending;
            }
            a.shutdown('write');
            expect(yield* a.recvView()).toHaveLength(0);
            yield* server;
          },
      );
      yield* gather(talks.map((talk) => talk()));
    });
  },
);

test('S50: what a slow peer does not take at once is sent as it was, whatever others receive meanwhile', () => {
  run(function* () {
    const [a, slow] = yield* pair();
    const [from, to] = yield* pair();
    const message = pattern(8_000_000);
    const relay = createTask(function* () {
      for (;;) {
        const bytes = yield* to.recvView();
        if (bytes.length === 0) break;
        yield* a.sendAll(bytes);
      }
      a.shutdown('write');
    });
    createTask(function* () {
      yield* from.sendAll(message);
      from.shutdown('write');
    });
    const disturbing = createTask(noise());
    yield* sleep(20);
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = yield* slow.recv(200_000);
      if (chunk.length === 0) break;
      chunks.push(chunk);
      yield* sleep(0);
    }
    yield* relay;
    disturbing.cancel();
    expect(Buffer.concat(chunks).equals(message)).toBe(true);
  });
});

test('a rest of trySend() is a view, too, and can be awaited with sendAll()', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const message = pattern(3_000_000);
    createTask(function* () {
      for (;;) {
        const bytes = yield* b.recvView();
        if (bytes.length === 0) break;
        const sent = b.trySend(bytes);
        if (sent < bytes.length) yield* b.sendAll(bytes, sent);
      }
      b.shutdown('write');
    });
    createTask(function* () {
      yield* a.sendAll(message);
      a.shutdown('write');
    });
    yield* sleep(20); // nobody reads: the echo has to wait
    expect((yield* viewAll(a)).equals(message)).toBe(true);
  });
});

function* asPipe(): Coroutine<{ reader: Stream; writer: Stream }> {
  const [writer, reader] = yield* pair();
  return { reader, writer };
}

/** Sends until there is no room any more, and gives how much. */
function* fill(to: Stream): Coroutine<number> {
  const some = Buffer.alloc(65_536);
  let filled = 0;
  for (let refusals = 0; refusals < 5; yield* sleep(2)) {
    const taken = to.trySend(some);
    filled += taken;
    refusals = taken === 0 ? refusals + 1 : 0;
  }
  return filled;
}

/** Receives so much elsewhere that it writes over all that was lent, again and again. */
function* noise(): Coroutine<void> {
  const [x, y] = yield* pair();
  for (;;) {
    yield* x.sendAll(Buffer.alloc(30_000, 0xee));
    for (let got = 0; got < 30_000; ) got += (yield* y.recvView()).length;
  }
}

type Way = (to: Stream, view: Buffer) => Operation<unknown>;
const ways = new Map<string, Way>([
  ['sendAll()', (to, view) => to.sendAll(view)],
  ['send()', (to, view) => to.send(view)],
  ['sendAll() of a part', (to, view) => to.sendAll(view.subarray(0, view.length))],
  ['sendAll() of several', (to, view) => to.sendAll([view, Buffer.from('end')])],
  ['sendAll() of many bytes in several', (to, view) => to.sendAll([view, Buffer.alloc(20_000)])],
  [
    'a writer',
    function* (to, view) {
      const writer = to.writer({ highWater: 1 });
      yield* writer.write(Buffer.alloc(10));
      yield* writer.write(view);
      yield* writer.flush();
    },
  ],
]);

test.each([...ways])(
  'S50: who awaits %s with a view sends what it was, whatever others receive meanwhile',
  (name, way) => {
    run(function* () {
      for (const piped of [false, true]) {
        const { reader: peer, writer: to } = piped ? pipe() : yield* asPipe();
        const [from, b] = yield* pair();
        let filled = yield* fill(to);
        const message = pattern(3000);
        yield* from.sendAll(message);
        yield* sleep(5);
        const disturbing = createTask(noise());
        const sending = createTask(function* () {
          const view = yield* b.recvView();
          expect(view.equals(message)).toBe(true);
          yield* way(to, view);
        });
        yield* sleep(20);
        expect(sending.done).toBe(false);
        if (name === 'a writer') filled += 10;
        const chunks: Buffer[] = [];
        for (let got = 0; got < filled + message.length; ) {
          const chunk = yield* peer.recv(filled + message.length - got);
          got += chunk.length;
          chunks.push(chunk);
        }
        yield* sending;
        disturbing.cancel();
        expect(Buffer.concat(chunks).includes(message)).toBe(true);
      }
    });
  },
);

test('what came before the first recvView() is given as a view, and what a smaller recvInto() has left', () => {
  run(function* () {
    const [a, b] = yield* pair();
    yield* a.sendAll(Buffer.from('abc'));
    expect((yield* b.recv(1)).toString()).toBe('a');
    yield* a.sendAll(Buffer.from('def'));
    yield* sleep(10); // nobody reads
    expect((yield* viewAll(b, 5)).toString()).toBe('bcdef');
    yield* a.sendAll(Buffer.from('ghi'));
    expect((yield* b.recvView()).toString()).toBe('ghi');
  });
});

test.each([1, 2, 3, 4])(
  'views and copies in any mixture, of any size, some of them cancelled, lose nothing (seed %i)',
  (seed) => {
    run(function* () {
      const random = seeded(seed);
      const [a, b] = yield* pair();
      const message = pattern(2_000_000);
      createTask(function* () {
        for (let at = 0; at < message.length; ) {
          const size = Math.min(
            message.length - at,
            1 + random([10, 1000, 5000, 40_000, seed % 2 === 0 ? 3000 : 100_000][random(5)] as number),
          );
          at += yield* a.sendAll(message, at, size);
          if (random(3) === 0) yield* sleep(0);
        }
        a.shutdown('write');
      });
      const chunks: Buffer[] = [];
      for (;;) {
        const how = random(4);
        if (random(4) === 0) yield* sleep(0);
        let chunk: Buffer | undefined;
        if (how === 0) chunk = yield* moveOnAfter(random(2), () => b.recvView());
        else if (how === 1) chunk = yield* moveOnAfter(random(2), () => b.recv(1 + random(50_000)));
        else if (how === 2) chunk = yield* b.recvView();
        else chunk = yield* b.recv(1 + random(3000));
        if (chunk === undefined) continue;
        if (chunk.length === 0) break;
        chunks.push(Buffer.from(chunk));
      }
      expect(Buffer.concat(chunks).equals(message)).toBe(true);
    });
  },
);

test('messages of all sizes come as they are, wherever they lie', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const [c, d] = yield* pair();
    for (let size = 1; size < 30_000; size += 1 + (size >> 2)) {
      for (const from of [a, c]) yield* from.sendAll(pattern(size, size));
      for (const to of [b, d]) expect((yield* viewAll(to, size)).equals(pattern(size, size))).toBe(true);
    }
  });
});

test('large messages lie in the inbox, which takes no call for each, when the selector has learnt of them', () => {
  run(function* () {
    const [a, b] = yield* pair();
    let last: Buffer = Buffer.alloc(0);
    for (let round = 0; round < 5; round++) {
      const reading = createTask(function* () {
        for (let got = 0; got < 16_384; got += last.length) last = yield* b.recvView();
      });
      yield* sleep(5);
      yield* a.sendAll(pattern(16_384));
      yield* reading;
    }
    const { mailbox } = currentKernel('a test').poller;
    expect(last).toHaveLength(16_384);
    expect(mailbox?.stays(last.byteOffset)).toBe(true);
  });
});

test('S50: orders of small pieces before and after one of a view keep to their sockets and their order', () => {
  run(function* () {
    const [a, peerOfA] = yield* pair();
    const [b, peerOfB] = yield* pair();
    const [from, to] = yield* pair();
    const large = pattern(6000, 1);
    const ends = createTask(function* () {
      for (;;) {
        const view = yield* to.recvView();
        if (view.length === 0) return;
        expect(a.trySend(Buffer.from('one '))).toBe(4);
        expect(b.trySend(view)).toBe(view.length);
        expect(a.trySend(Buffer.from('two '))).toBe(4);
        expect(b.trySend(view)).toBe(view.length);
        expect(b.trySend(Buffer.from('end '))).toBe(4);
      }
    });
    for (let round = 0; round < 3; round++) {
      yield* from.sendAll(large);
      yield* sleep(5);
    }
    from.shutdown('write');
    yield* ends;
    a.shutdown('write');
    b.shutdown('write');
    const text = (yield* viewAll(peerOfA)).toString();
    expect(text.replaceAll('one two ', '')).toBe('');
    const got = yield* viewAll(peerOfB);
    expect(got.length).toBe(2 * 3 * 6000 + text.length / 2);
    // However the six thousand came, in one or more pieces, each piece is there twice, one after the other.
    expect(got.includes(large.subarray(0, 1000))).toBe(true);
  });
});

test('S50: who has spent his budget and gives way before he sends a view sends what it was', () => {
  run(function* () {
    const [to, peer] = yield* pair();
    const [from, b] = yield* pair();
    const disturbing = createTask(noise());
    yield* sleep(20);
    for (const size of [3000, 9000]) {
      const message = pattern(size, size);
      for (let round = 0; round < 3; round++) {
        yield* from.sendAll(message);
        for (let got = 0; got < size; ) {
          const view = yield* b.recvView();
          got += view.length;
          while (!spend());
          yield* to.sendAll(view);
        }
        expect((yield* viewAll(peer, size)).equals(message)).toBe(true);
      }
    }
    disturbing.cancel();
  });
});

test('one view to more sockets than there are orders', () => {
  run(function* () {
    const [from, to] = yield* pair();
    const pairs: [Socket, Socket][] = [];
    for (let i = 0; i < 530; i++) pairs.push(yield* pair());
    const message = pattern(5000);
    for (let round = 0; round < 3; round++) {
      const sending = createTask(function* () {
        for (let got = 0; got < message.length; ) {
          const view = yield* to.recvView();
          got += view.length;
          for (const [a] of pairs) expect(a.trySend(view)).toBe(view.length);
        }
      });
      yield* sleep(5);
      yield* from.sendAll(message);
      yield* sending;
      for (const [, b] of pairs) expect((yield* viewAll(b, 5000)).equals(message)).toBe(true);
    }
  });
});

test('a view that was made before is given again only for the same place and length', () => {
  const mailbox = new Mailbox();
  const random = seeded(1);
  const known = new Set<Buffer>();
  for (let i = 0; i < 5000; i++) {
    const offset = 8 * random(2000);
    const length = 1 + random(2);
    const view = mailbox.lend(offset, length);
    expect(view.byteOffset - mailbox.inbox.byteOffset).toBe(offset);
    expect(view).toHaveLength(length);
    expect(mailbox.placeOf(view)).toBe(view.byteOffset);
    known.add(view);
  }
  expect(known.size).toBeLessThan(5000);
});

test('H30: a send of a view that another task begins, when it is not there any more, fails and sends nothing', () => {
  run(function* () {
    const [from, to] = yield* pair();
    const [a, peerOfA] = yield* pair();
    const [b, peerOfB] = yield* pair();
    yield* from.sendAll(Buffer.from('text'));
    const view = yield* to.recvView();
    const results = yield* gather([a.sendAll(view), b.send(view)], { returnExceptions: true });
    for (const error of results) expect(error).toMatchObject({ code: 'ERR_COREACTOR_INVALID_STATE' });
    yield* a.sendAll(Buffer.from('more'));
    expect((yield* peerOfA.recvView()).toString()).toBe('more');
    b.close();
    expect(yield* peerOfB.recvView()).toHaveLength(0);
  });
});

test('H27: the rest of a large order goes on, however little of it goes at a time', () => {
  run(function* () {
    const [a, b] = yield* pair();
    a.setOption('sendBuffer', 8192);
    b.setOption('receiveBuffer', 4096);
    const piece = pattern(4096);
    let sent = 0;
    for (let i = 0; i < 30; i++) sent += a.trySend(piece);
    const sending = createTask(function* () {
      yield* a.sendAll(piece);
      a.shutdown('write');
    });
    yield* sleep(20);
    let got = 0;
    const buffer = Buffer.alloc(4096);
    for (let count = yield* b.recvInto(buffer); count > 0; count = yield* b.recvInto(buffer)) got += count;
    yield* sending;
    expect(got).toBe(sent + piece.length);
  });
});

test('S33: it has the errors of recvInto()', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const waiting = createTask(() => b.recvView());
    yield* sleep(0);
    expect(() => b.recvView()).toThrow(BusyError);
    b.close();
    yield* gather([waiting], { returnExceptions: true });
    expect(waiting.exception()).toBeInstanceOf(ClosedError);
    expect(() => b.recvView()).toThrow(ClosedError);
    const [c, d] = yield* pair();
    const reading = createTask(() => d.recvView());
    yield* sleep(0);
    c.reset();
    yield* gather([reading], { returnExceptions: true });
    expect(reading.exception()).toMatchObject({ code: 'ECONNRESET' });
    a.close();
  });
});

test("H30: with a view nobody gives the loop's memory to another thread", () => {
  run(function* () {
    const [a, b] = yield* pair();
    yield* a.sendAll(Buffer.from('hello'));
    const view = yield* b.recvView();
    try {
      structuredClone(view, { transfer: [view.buffer as ArrayBuffer] });
    } catch {} // as newer Nodes do; older ones copy it
    expect(view.toString()).toBe('hello');
    yield* a.sendAll(Buffer.from('again'));
    expect((yield* b.recvView()).toString()).toBe('again');
  });
});

test('H30: memory that is gone all the same is not written to', () => {
  for (const call of [(selector: NativeSelector) => selector.wait(1), (selector: NativeSelector) => selector.flush()]) {
    const selector = new NativeSelector('auto');
    const { memory } = selector.mailbox;
    expect(call(selector)).toBe(0);
    structuredClone(memory, { transfer: [memory] });
    expect(() => call(selector)).toThrow(/memory was transferred/);
    selector.close();
  }
});

// With any of its calls a ring receives what has come.
const RING_CALLS: Record<string, (selector: NativeSelector, other: number) => void> = {
  'remove()': (selector, other) => selector.remove(other),
  'modify()': (selector, other) => {
    expect(() => selector.modify(other, READ | RECEIVE | EDGE, 1)).toThrow(/memory was transferred/);
  },
  'add()': (selector) => {
    expect(() => selector.add(-1, READ | RECEIVE | EDGE, 2)).toThrow(/memory was transferred/);
  },
  'close()': (selector) => selector.close(),
};

const withRing = test.skipIf(!Selector.available.includes('io_uring'));
withRing.for(Object.keys(RING_CALLS))(
  'H30: io_uring receives nothing into memory that is gone, at %s',
  async (name) => {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1').pause();
    const [socket] = await accepted;
    const ends = [socket, client];
    const [receiving, other] = ends.map((end) => end._handle.fd);

    const selector = new NativeSelector('io_uring');
    const { memory } = selector.mailbox;
    selector.add(receiving, READ | RECEIVE | EDGE, 0);
    selector.add(other, READ | EDGE, 1);
    expect(selector.fd).toBeGreaterThan(0); // as a guest: requests go at once
    selector.wait(0);
    const gone = new Uint8Array(structuredClone(memory, { transfer: [memory] }));
    for (const end of ends) await new Promise((sent) => end.write('x'.repeat(1000), sent));
    RING_CALLS[name]?.(selector, other);
    expect(gone.some((byte) => byte !== 0)).toBe(false);

    selector.close();
    for (const end of ends) end.destroy();
    server.close();
  },
);

setFlagsFromString('--allow-natives-syntax');
const detach = new Function('buffer', '%ArrayBufferDetach(buffer)'); // as transfer(), which older Nodes have not

test('H30: memory that goes while a recvView() waits is no end of the stream', () => {
  let ended = false;
  expect(() =>
    run(function* () {
      const [a, b] = yield* pair();
      yield* a.sendAll(Buffer.from('hello'));
      yield* sleep(20); // until it is known to be readable
      const receiving = b.recvView();
      detach(currentKernel('').poller.mailbox?.memory);
      ended = (yield* receiving).length === 0;
    }),
  ).toThrow(/memory was transferred/);
  expect(ended).toBe(false);
});

test.for([
  ['run()', 'are ordered'],
  ['runPromise()', 'are ordered'],
  ['run()', 'wait for a slow peer'],
  ['runPromise()', 'wait for a slow peer'],
])('H30: %s whose memory goes while bytes %s fails, and closes every socket', async ([how, left]) => {
  function* main(): Coroutine<void> {
    const [a] = yield* pair();
    if (left === 'wait for a slow peer') while (a.trySend(Buffer.alloc(4096)) > 0) yield* sleep(0);
    const [b] = yield* pair();
    b.trySend(Buffer.from('ordered'));
    detach(currentKernel('').poller.mailbox?.memory);
  }
  const before = countDescriptors();
  if (how === 'run()') expect(() => run(main)).toThrow(/memory was transferred/);
  else await expect(runPromise(main)).rejects.toThrow(/memory was transferred/);
  expect(countDescriptors()).toBe(before);
});

test('H30: of a run whose memory goes, its own error is told and not that', () => {
  expect(() =>
    run(function* () {
      yield* pair();
      const [b] = yield* pair();
      b.trySend(Buffer.from('ordered'));
      detach(currentKernel('').poller.mailbox?.memory);
      throw new RangeError('mine');
    }),
  ).toThrow(/mine/);
});

async function sentAfterRefusal(call: string, refusal: string): Promise<string> {
  const source = `
    import { connect, createTask, listen, run, udp } from 'coreactor';
    const ANY = { host: '127.0.0.1', port: 0 };
    run(function* () {
      const listener = listen(ANY);
      const a = yield* connect(listener.address);
      const b = yield* listener.accept();
      const [from, peer] = [udp({ host: '127.0.0.1' }), udp({ host: '127.0.0.1' })];
      const to = peer.localAddress;
      yield* a.sendAll(Buffer.from('early'));
      const view = yield* b.recvView();
      const overwriting = createTask(function* () {
        yield* a.sendAll(Buffer.from('later'));
        return (yield* b.recvView()).toString();
      });
      yield* from.${call};
      console.log((yield* peer.recvFrom(100)).data.toString(), yield* overwriting);
    }, { selector: 'epoll' });`;
  const prefix = ['strace', '-qqq', '-o', '/dev/null', '-e', `inject=${refusal}`];
  const { stdout, stderr } = await start(source, { prefix }).ended;
  return stderr + stdout.trim();
}

testWith(['strace'], 'H30: a sendTo() that has to wait sends the view as it was', async () => {
  const refusal = 'sendto:error=ENOBUFS:when=2'; // the first sends what is viewed
  expect(await sentAfterRefusal('sendTo(view, to)', refusal)).toBe('early later');
});

testWith(['strace'], 'H30: a sendMany() that has to wait sends the view as it was', async () => {
  const refusal = 'sendmmsg:error=ENOBUFS:when=1';
  expect(await sentAfterRefusal('sendMany([{ data: view, address: to }])', refusal)).toBe('early later');
});
