// toDuplex(): its writes when they fail or the run ends, and what it asks of the socket beneath.

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
