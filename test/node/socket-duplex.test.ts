// toDuplex(): its writes when they fail or the run ends, and what it asks of the socket beneath.

import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  fromPromise,
  listen,
  runPromise,
  type Socket,
  type SocketDuplex,
  sleep,
  toDuplex,
} from '../../src/index.ts';
import { nextUncaught } from '../support/uncaught.ts';
import { ANY, guest, once, type Target } from './guest.ts';

/** A Duplex, the socket that it is on, and the peer. */
function* pair(): Coroutine<[SocketDuplex, Socket, Socket]> {
  using listener = listen(ANY);
  const accepting = createTask(listener.accept());
  const socket = yield* connect(listener.address as Target);
  return [toDuplex(socket), socket, yield* accepting];
}

const LARGE = Buffer.alloc(20_000_000);

test('every write’s callback is called, though the run ends in the turn of the write', async () => {
  for (const turns of [0, 1]) {
    const outcomes: unknown[] = [];
    const told = (error?: Error | null): void => void outcomes.push(error);
    let errors = 0;
    await runPromise(function* () {
      const [duplex] = yield* pair();
      duplex.on('error', () => errors++);
      for (let i = 0; i < turns; i++) yield* sleep(1);
      duplex.write(LARGE, told);
      duplex.write('after it', told);
    });
    for (let i = 0; i < 100 && outcomes.length < 2; i++) await turn();
    expect(outcomes).toEqual([expect.any(Error), expect.any(Error)]);
    expect(errors).toBeLessThan(2);
  }
});

test('a write that is under way when the run ends, or the Duplex is destroyed, or the peer resets, fails', async () => {
  const ends: ((duplex: SocketDuplex, peer: Socket) => void)[] = [
    () => {},
    (duplex) => void duplex.destroy(),
    (_, peer) => peer.reset(),
  ];
  for (const end of ends) {
    let outcome: unknown = 'none';
    await runPromise(function* () {
      const [duplex, , peer] = yield* pair();
      duplex.on('error', () => {});
      duplex.on('finish', () => expect.unreachable('it has finished'));
      duplex.write(LARGE, (error) => (outcome = error));
      yield* sleep(5);
      expect(outcome).toBe('none');
      end(duplex, peer);
      if (end.length > 0) while (outcome === 'none') yield* sleep(1);
    });
    for (let i = 0; i < 100 && outcome === 'none'; i++) await turn();
    expect(outcome).toBeInstanceOf(Error);
  }
});

test('what the callback of a write throws is an uncaught exception, and the stream goes on', () =>
  guest(function* () {
    const [duplex, , peer] = yield* pair();
    const uncaught = nextUncaught();
    duplex.write(LARGE, () => {
      throw new Error('of a callback');
    });
    yield* peer.reader({ limit: LARGE.length }).readExactly(LARGE.length);
    expect((yield* fromPromise(uncaught)).message).toBe('of a callback');
    expect(duplex.destroyed).toBe(false);
    duplex.destroy();
    peer.close();
  }));

test('a large write to a slow reader is no silence', () =>
  guest(function* () {
    const [duplex, socket, peer] = yield* pair();
    socket.setOption('sendBuffer', 10_000); // small steps
    let silences = 0;
    duplex.on('error', () => {}); // of the bytes that are thrown away
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      duplex.setTimeout(100, () => silences++);
      duplex.write(LARGE);
      for (let i = 0; i < 5; i++) {
        for (const before = socket.sent; socket.sent === before; ) yield* peer.recv(100_000);
        vi.advanceTimersByTime(100);
      }
      expect(duplex.writableLength).toBe(LARGE.length);
      expect(silences).toBe(0);
      vi.advanceTimersByTime(100);
      expect(silences).toBe(1);
    } finally {
      vi.useRealTimers();
    }
    duplex.destroy();
    peer.close();
  }));

test('setKeepAlive() and setNoDelay() are options of the socket', () =>
  guest(function* () {
    const [duplex, socket, peer] = yield* pair();
    const before = socket.getOption('keepAliveIdle');
    expect(duplex.setKeepAlive(true).setNoDelay(false)).toBe(duplex);
    expect(socket.getOption('keepAlive')).toBe(true);
    expect(socket.getOption('keepAliveIdle')).toBe(before);
    expect(socket.getOption('noDelay')).toBe(false);
    duplex.setKeepAlive(true, 60_000).setNoDelay();
    expect(socket.getOption('keepAliveIdle')).toBe(60_000);
    expect(socket.getOption('noDelay')).toBe(true);
    duplex.setKeepAlive(false);
    expect(socket.getOption('keepAlive')).toBe(false);
    duplex.destroy();
    peer.close();
  }));

test('on a Unix socket, and once it is destroyed, TCP’s options do nothing, as with node:net', () =>
  guest(function* () {
    const folder = mkdtempSync(join(tmpdir(), 'coreactor-duplex-'));
    try {
      const path = join(folder, 's');
      using listener = listen({ path });
      const accepting = createTask(listener.accept());
      const [tcp, , peer] = yield* pair();
      for (const duplex of [toDuplex(yield* connect({ path })), tcp]) {
        if (duplex === tcp) duplex.destroy();
        expect(duplex.setNoDelay().setKeepAlive(true, 60_000)).toBe(duplex);
        duplex.destroy();
      }
      (yield* accepting).close();
      peer.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  }));

test('an end after the peer’s reset is no error of its own: the reset is', () =>
  guest(function* () {
    const [duplex, , peer] = yield* pair();
    yield* sleep(1);
    const failed = once(duplex, 'error');
    let finished = false;
    duplex.on('finish', () => (finished = true));
    peer.reset();
    duplex.end();
    expect((yield* fromPromise(failed))[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(finished).toBe(true);
  }));

test('one that nobody reads ends with the peer, and is closed', () =>
  guest(function* () {
    for (const allowHalfOpen of [false, true]) {
      using listener = listen(ANY);
      const accepting = createTask(listener.accept());
      const duplex = toDuplex(yield* connect(listener.address as Target), { allowHalfOpen });
      using other = yield* accepting;
      const [ended, closed] = [once(duplex, 'end'), once(duplex, 'close')];
      duplex.end('a message to who does not answer');
      while ((yield* other.recv(100)).length > 0);
      other.close();
      yield* fromPromise(Promise.all([ended, closed]));
    }
  }));

test('what comes before the end waits for who reads, and so does the end', () =>
  guest(function* () {
    const [duplex, , peer] = yield* pair();
    yield* peer.sendAll(Buffer.from('unread'));
    peer.shutdown('write');
    while (duplex.bytesRead < 6) yield* sleep(1);
    let ended = false;
    duplex.on('end', () => (ended = true));
    for (let i = 0; i < 10; i++) yield* sleep(0);
    expect([ended, duplex.destroyed, duplex.readableLength]).toEqual([false, false, 6]);
    const closed = once(duplex, 'close');
    expect(String((yield* fromPromise(once(duplex, 'data')))[0])).toBe('unread');
    yield* fromPromise(closed);
    expect(ended).toBe(true);
    peer.close();
  }));

test('as with node:net, ‘close’ comes once, at the end, and says whether there was an error', () =>
  guest(function* () {
    using listener = listen(ANY);
    const target = listener.address as Target;
    const opens = [
      function* () {
        const socket = net.connect(target);
        yield* fromPromise(once(socket, 'connect'));
        return socket;
      },
      function* () {
        return toDuplex(yield* connect(target));
      },
    ];
    const ends: [(socket: net.Socket | SocketDuplex, peer: Socket) => void, unknown[]][] = [
      [(_, peer) => peer.close(), ['end', 'close', false]],
      [(_, peer) => peer.reset(), ['error', 'close', true]],
      [(socket) => void socket.destroy(), ['close', false]],
      [(socket) => void socket.destroy(new Error('of the program')), ['error', 'close', true]],
    ];
    for (const [end, expected] of ends) {
      for (const open of opens) {
        const accepting = createTask(listener.accept());
        const socket: net.Socket | SocketDuplex = yield* open();
        const peer = yield* accepting;
        const seen: unknown[] = [];
        for (const name of ['end', 'error']) socket.on(name, () => seen.push(name));
        socket.on('close', (hadError: boolean) => seen.push('close', hadError));
        socket.resume();
        const closed = new Promise((resolve) => void socket.once('close', resolve));
        end(socket, peer);
        yield* fromPromise(closed);
        socket.destroy();
        yield* sleep(1);
        expect(seen).toEqual(expected);
        peer.close();
      }
    }
  }));

test('a write after the peer’s end fails as with node:net, where our direction has ended with it', () =>
  guest(function* () {
    using listener = listen(ANY);
    const target = listener.address as Target;
    const codes: unknown[][] = [];
    for (const allowHalfOpen of [false, true]) {
      for (const open of [
        function* () {
          const socket = net.connect({ ...target, allowHalfOpen });
          yield* fromPromise(once(socket, 'connect'));
          return socket;
        },
        function* () {
          return toDuplex(yield* connect(target), { allowHalfOpen });
        },
      ]) {
        const accepting = createTask(listener.accept());
        const socket: net.Socket | SocketDuplex = yield* open();
        using peer = yield* accepting;
        const seen: unknown[] = [];
        const write = (): Promise<void> =>
          new Promise((resolve) => {
            socket.write('x', (error) => {
              seen.push((error as NodeJS.ErrnoException | null)?.code);
              resolve();
            });
          });
        const ended = once(socket, 'end').then(write);
        socket.on('error', () => {});
        socket.resume();
        peer.shutdown();
        yield* fromPromise(ended);
        yield* fromPromise(write());
        codes.push(seen);
        socket.destroy();
      }
    }
    expect(codes).toEqual([
      ['EPIPE', 'EPIPE'],
      ['EPIPE', 'EPIPE'],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  }));

test('a write that a reset cuts off fails with that, not with the close that came of it', () =>
  guest(function* () {
    const [duplex, , peer] = yield* pair();
    duplex.on('error', () => {});
    const failed = new Promise((resolve) => void duplex.write(LARGE, resolve));
    yield* sleep(1);
    peer.reset();
    expect(yield* fromPromise(failed)).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
  }));

test('a socket that is closed, in use or given away already is refused, and goes on as before', () =>
  guest(function* () {
    const [duplex, socket, peer] = yield* pair();
    expect(() => toDuplex(socket)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_BUSY' }));
    const receiving = createTask(peer.recv(10));
    yield* sleep(0);
    expect(() => toDuplex(peer)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_BUSY' }));
    duplex.write('still');
    expect(String(yield* receiving)).toBe('still');
    const sending = createTask(peer.sendAll(LARGE));
    yield* sleep(0);
    expect(() => toDuplex(peer)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_BUSY' }));
    duplex.resume();
    expect(yield* sending).toBe(LARGE.length);
    const other = toDuplex(peer);
    other.write('and open');
    while (duplex.bytesRead < LARGE.length + 8) yield* sleep(1);
    duplex.destroy();
    other.destroy();
    expect(() => toDuplex(peer)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_BUSY' }));
    const [third, , closed] = yield* pair();
    closed.close();
    expect(() => toDuplex(closed)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
    third.destroy();
  }));

test('corked writes, large and small, arrive in their order', () =>
  guest(function* () {
    const [duplex, , peer] = yield* pair();
    const chunks = Array.from({ length: 40 }, (_, i) => Buffer.alloc(i % 4 === 0 ? 1_000_000 : 10, i));
    duplex.cork();
    for (const chunk of chunks) duplex.write(chunk);
    duplex.uncork();
    const all = Buffer.concat(chunks);
    expect((yield* peer.reader().readExactly(all.length)).equals(all)).toBe(true);
    duplex.destroy();
    peer.close();
  }));

test('a little that has come holds little memory', () =>
  guest(function* () {
    const [duplex, , peer] = yield* pair();
    const data = once(duplex, 'data');
    yield* peer.sendAll(Buffer.from('little'));
    const [chunk] = (yield* fromPromise(data)) as [Buffer];
    expect(String(chunk)).toBe('little');
    expect(chunk.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
    duplex.destroy();
    peer.close();
  }));

test('destroySoon() after the end, and no timeout once it is destroyed', () =>
  guest(function* () {
    const [duplex, , peer] = yield* pair();
    const finished = once(duplex, 'finish');
    duplex.end();
    yield* fromPromise(finished);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      duplex.setTimeout(100, () => expect.unreachable('it is destroyed'));
      duplex.destroySoon();
      expect(duplex.destroyed).toBe(true);
      vi.advanceTimersByTime(200);
    } finally {
      vi.useRealTimers();
    }
    peer.close();
  }));

test('half open, it is destroyed with the run as any other', async () => {
  let duplex: SocketDuplex | undefined;
  const listeners = process.listenerCount('exit');
  await guest(function* () {
    using listener = listen(ANY);
    const accepting = createTask(listener.accept());
    const half = toDuplex(yield* connect(listener.address as Target), { allowHalfOpen: true });
    duplex = half.resume();
    (yield* accepting).close();
    while (!half.readableEnded) yield* sleep(1);
    expect(half.writable).toBe(true);
  });
  expect(duplex?.destroyed).toBe(true);
  expect(process.listenerCount('exit')).toBe(listeners);
});
