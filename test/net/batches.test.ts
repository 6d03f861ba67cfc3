// What a socket sends in small pieces leaves in one batch per turn, and what comes in small pieces is received ahead of
// its reader. Programs are not to notice: order, ends and errors are those of plain system calls.

import { expect, test } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  run,
  Selector,
  type Socket,
  sleep,
  syscalls,
  taskGroup,
} from '../../src/index.ts';
import { addon } from '../../src/native/addon.ts';
import { NativeSelector } from '../../src/native/native-selector.ts';
import { seeded } from '../../src/testing/seeded.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { arrived } from './arrived.ts';
import { pair } from './pair.ts';
import { pattern } from './pattern.ts';

function* receiveAll(socket: Socket, pause = 0): Coroutine<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = yield* socket.recv(1 << 16);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
    if (pause > 0) yield* sleep(pause);
  }
}

/** Small sends until the system takes no more, so that a rest of the last one stays with the socket. Gives their bytes. */
function* fill(socket: Socket): Coroutine<number> {
  const piece = pattern(4000);
  for (let sent = 0; ; ) {
    const taken = socket.trySend(piece);
    if (taken === 0) return sent;
    sent += taken;
    yield* sleep(0);
  }
}

test.each([1, 2, 3, 4, 5, 6])(
  'H27: small, large and partial sends in any mixture keep their order (seed %i)',
  (seed) => {
    const upTo = seeded(seed);
    const random = () => upTo(1 << 20) / (1 << 20);
    const message = pattern(3_000_000);
    const received = run(function* () {
      const [a, b] = yield* pair();
      createTask(function* () {
        for (let at = 0; at < message.length; ) {
          const size = Math.min(message.length - at, 1 + Math.floor(random() ** 6 * 200_000));
          const way = random();
          if (way < 0.4) at += a.trySend(message, at, size);
          else if (way < 0.7) at += yield* a.send(message, at, size);
          else at += yield* a.sendAll(message, at, size);
          if (random() < 0.3) yield* sleep(0);
        }
        a.shutdown('write');
      });
      const chunks: Buffer[] = [];
      for (;;) {
        const size = 1 + Math.floor(random() ** 4 * 70_000);
        const chunk = yield* b.recv(size);
        if (chunk.length === 0) return Buffer.concat(chunks);
        expect(chunk.length).toBeLessThanOrEqual(size);
        chunks.push(chunk);
        if (random() < 0.2) yield* sleep(random() < 0.1 ? 1 : 0);
      }
    });
    expect(received.equals(message)).toBe(true);
  },
);

test('many sockets, more orders and more bytes in one turn than the outbox holds', () => {
  run(function* () {
    const pairs: [Socket, Socket][] = [];
    for (let i = 0; i < 40; i++) pairs.push(yield* pair());
    const piece = pattern(2500);
    // One after the other and round again: no socket's order is the last when its next one comes.
    for (let round = 0; round < 20; round++) for (const [a] of pairs) expect(a.trySend(piece)).toBe(piece.length);
    for (const [a] of pairs) a.shutdown('write');
    const expected = Buffer.concat(Array.from({ length: 20 }, () => piece));
    for (const [, b] of pairs) expect((yield* receiveAll(b)).equals(expected)).toBe(true);
  });
});

test('what was sent before close() arrives, and then the end', () => {
  run(function* () {
    const [a, b] = yield* pair();
    expect(a.trySend(Buffer.from('good'))).toBe(4);
    expect(a.trySend(Buffer.from('bye'))).toBe(3);
    a.close();
    expect((yield* receiveAll(b)).toString()).toBe('goodbye');
  });
});

test.each(['close', 'shutdown', 'end of run'])(
  'H27: a rest that the system did not take goes before the end (%s)',
  (how) => {
    const before = countDescriptors();
    let sent = 0;
    let got = 0;
    const client = run(function* () {
      const [a, b] = yield* pair();
      sent = yield* fill(a);
      if (how === 'close') a.close();
      if (how === 'shutdown') a.shutdown('write');
      if (how === 'end of run') a.close();
      if (how !== 'end of run') got = (yield* receiveAll(b)).length;
      return how === 'end of run' ? b : null;
    });
    expect(client?.closed ?? true).toBe(true);
    if (how !== 'end of run') expect(got).toBe(sent);
    expect(countDescriptors()).toBe(before);
  },
);

test('a run that has ended waits for a peer that reads slowly', () => {
  // The peer is no socket of the loop, which would be closed with it, but read by hand when the loop waits.
  const listener = syscalls.listen({ port: 0 });
  let peer = -1;
  let got = 0;
  const buffer = Buffer.alloc(1 << 20);
  const drain = () => {
    for (;;) {
      const count = syscalls.recv(peer, buffer);
      if (count === null || count === 0) return;
      got += count;
    }
  };
  let lingering = false;
  const sent = run(
    function* () {
      const socket = yield* connect({ port: listener.address.port });
      peer = syscalls.accept(listener.fd) as number;
      const count = yield* fill(socket);
      socket.close();
      lingering = true;
      return count;
    },
    { instruments: [{ selectBegin: () => lingering && drain() }] },
  );
  drain();
  expect(got).toBe(sent);
  syscalls.close(peer);
  syscalls.close(listener.fd);
});

test('H27: the error of a send that was put off comes with the next call, whichever that is', () => {
  for (const next of ['trySend', 'sendAll', 'recv'] as const) {
    run(function* () {
      const [a, b] = yield* pair();
      yield* b.sendAll(Buffer.from('x'));
      yield* a.recv(1);
      a.trySend(Buffer.from('nobody reads this'));
      yield* arrived(b.fd);
      b.close(); // with unread bytes: a reset
      yield* arrived(a.fd); // which takes no error away
      const codes: string[] = [];
      for (let i = 0; i < 2; i++) {
        try {
          if (next === 'trySend') a.trySend(Buffer.from('y'));
          if (next === 'sendAll') yield* a.sendAll(Buffer.from('y'));
          if (next === 'recv') yield* a.recv(1);
          codes.push('none');
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
        yield* sleep(0);
      }
      expect(codes.find((code) => code !== 'none')).toMatch(/ECONNRESET|EPIPE/);
    });
  }
});

test('S1: bytes that came for a reader who was cancelled are the next reader’s, in their order', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const got: string[] = [];
    const reader = createTask(function* () {
      for (;;) got.push((yield* b.recv(2)).toString());
    });
    yield* sleep(1);
    a.trySend(Buffer.from('one-'));
    yield* sleep(5);
    a.trySend(Buffer.from('two-'));
    reader.cancel(); // decided before the bytes come
    yield* sleep(5);
    a.trySend(Buffer.from('three'));
    yield* sleep(5);
    a.shutdown('write');
    got.push((yield* receiveAll(b)).toString());
    expect(got.join('')).toBe('one-two-three');
  });
});

test('a socket that nobody has waited on keeps its bytes in the system, for whoever gets the descriptor', () => {
  run(function* () {
    const [a, b] = yield* pair();
    a.trySend(Buffer.from('yours'));
    yield* arrived(b.fd);
    const buffer = Buffer.alloc(10);
    expect(syscalls.recv(b.fd, buffer)).toBe(5);
  });
});

test('H28: what comes ahead of a reader who pauses is bounded', () => {
  run(function* () {
    const [a, b] = yield* pair();
    createTask(function* () {
      yield* b.recv(1);
      yield* sleep(null);
    });
    yield* sleep(1);
    const sent = yield* fill(a);
    yield* sleep(10);
    let more = 0;
    for (let i = 0; i < 100; i++) more += a.trySend(pattern(4000));
    // Two sockets' buffers and 64 KiB: no more is taken, however long the reader pauses.
    expect(more).toBeLessThan(sent + (1 << 20));
    expect(a.trySend(pattern(4000))).toBe(0);
  });
});

test('H11: closing with bytes that came ahead and were not read is a reset, as with bytes in the system', () => {
  run(function* () {
    const [a, b] = yield* pair();
    createTask(function* () {
      yield* b.recv(1);
      yield* sleep(5);
      b.close();
    });
    yield* sleep(1);
    yield* a.sendAll(Buffer.from('ab'));
    yield* sleep(10);
    const code = yield* taskGroup(function* () {
      try {
        return `${(yield* a.recv(1)).length} bytes`;
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    expect(code).toBe('ECONNRESET');
  });
});

test('H30: an order outside the outbox is refused by native code too', () => {
  const selector = new NativeSelector(Selector.available[0] as string);
  const { mailbox } = selector;
  for (const [offset, length] of [
    [-8, 8],
    [0, -1],
    [mailbox.outbox.length - 4, 8],
    [2 ** 31 - 1, 2 ** 31 - 1],
  ]) {
    mailbox.orders.set([1, 0, 0, 0, 7, 1, offset as number, length as number]);
    expect(selector.flush()).toBe(1);
    expect([...selector.rows.subarray(4, 8)]).toEqual([7, 256, -14, 0]);
  }
  selector.close();
});

test('an accepted flood of orders counts no further than their memory', () => {
  const selector = new NativeSelector(Selector.available[0] as string);
  selector.mailbox.orders[0] = 2 ** 30; // all of no bytes for descriptor 0: sent as a whole, or refused
  expect(selector.flush()).toBeLessThanOrEqual(512);
  selector.mailbox.orders[0] = -5;
  expect(selector.flush()).toBe(0);
  selector.close();
  expect(addon.available.length).toBeGreaterThan(0);
});
