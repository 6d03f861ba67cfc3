// Peers that break off, do not answer or do not read, a system that has no descriptors left: what the server notices.

import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  type Listener,
  listen,
  run,
  type Socket,
  sleep,
  type Task,
  timeout,
} from '../../src/index.ts';
import { addon } from '../../src/native/addon.ts';
import { bytesInUse, collectGarbage, thrownBy, thrownIn } from '../kernel/helpers.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { pair } from './pair.ts';

/** Closes a socket so that its peer gets an RST. */
function reset(socket: Socket): void {
  addon.setResetOnClose(socket.fd);
  socket.close();
}

test('H24: clients that reset before they are accepted do not end accepting, nor hide those behind them', () => {
  const before = countDescriptors();
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    yield* timeout(10_000, function* () {
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 5; i++) reset(yield* connect(listener.address));
        using honest = yield* connect(listener.address);
        yield* honest.sendAll(Buffer.from('here'));
        for (;;) {
          // One that was reset is either passed over (ECONNABORTED) or a socket whose reading fails.
          using socket = yield* listener.accept();
          const got = yield* outcome(socket);
          if (got === 'here') break;
          expect(got).toBe('ECONNRESET');
        }
      }
    });
  });
  expect(countDescriptors()).toBe(before);
});

test('H24: likewise when somebody waits to accept already', () => {
  const before = countDescriptors();
  run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    const seen: string[] = [];
    const server = createTask(function* () {
      while (seen.at(-1) !== 'last') {
        using socket = yield* listener.accept();
        seen.push(yield* outcome(socket));
      }
    });
    yield* sleep(1);
    for (let i = 0; i < 20; i++) reset(yield* connect(listener.address));
    using last = yield* connect(listener.address);
    yield* last.sendAll(Buffer.from('last'));
    yield* timeout(10_000, () => server);
    expect(new Set(seen)).toEqual(new Set(seen.length > 1 ? ['ECONNRESET', 'last'] : ['last']));
    listener.close();
  });
  expect(countDescriptors()).toBe(before);
});

test('H26: a connect that gets no answer can be timed out, and closes its socket', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 }, { backlog: 0 });
    const filled: Socket[] = [];
    const fillers = Array.from({ length: 6 }, () =>
      createTask(function* () {
        filled.push(yield* connect(listener.address));
      }),
    );
    yield* sleep(50);
    const before = countDescriptors();
    const error = yield* thrownIn(timeout(20, () => connect(listener.address)));
    expect(error.name).toBe('TimeoutError');
    expect(countDescriptors()).toBe(before);
    for (const filler of fillers) filler.cancel();
    yield* sleep(0);
    for (const socket of filled) socket.close();
  });
});

test('H28: a reader who pauses bounds what the writer of many small messages can send, and gets all of it', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const message = Buffer.alloc(1000, 'x');
    const total = 20_000;
    let sent = 0;
    const writer = createTask(function* () {
      for (; sent < total; sent++) yield* a.sendAll(message);
      a.shutdown();
    });
    yield* sleep(100);
    const bounded = sent;
    yield* sleep(50);
    expect(sent).toBe(bounded);
    expect(sent).toBeLessThan(total);
    let got = 0;
    const buffer = Buffer.alloc(1 << 16);
    for (let n = yield* b.recvInto(buffer); n > 0; n = yield* b.recvInto(buffer)) got += n;
    yield* writer;
    expect(got).toBe(total * message.length);
    a.close();
    b.close();
  });
});

test('H29: a port is not shared with who does not ask for it, whichever of the two it is', () => {
  run(function* () {
    for (const [first, second] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      using listener = listen({ host: '127.0.0.1', port: 0 }, { reusePort: first });
      expect(thrownBy(() => listen(listener.address, { reusePort: second })).code).toBe('EADDRINUSE');
    }
  });
});

/** What is received, or the code of the error. */
function* outcome(socket: Socket): Coroutine<string> {
  try {
    return String(yield* socket.recv(100));
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function* echo(socket: Socket): Coroutine<void> {
  using own = socket;
  const buffer = Buffer.alloc(1 << 14);
  try {
    for (let n = yield* own.recvInto(buffer); n > 0; n = yield* own.recvInto(buffer)) yield* own.sendAll(buffer, 0, n);
  } catch (error) {
    if (!['ECONNRESET', 'EPIPE'].includes((error as { code: string }).code)) throw error;
  }
}

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Sends it and gives the hash of what comes back up to the end: half-open meanwhile. */
function* halfOpen(socket: Socket, message: Buffer, pause: number): Coroutine<string> {
  const sender = createTask(function* () {
    yield* socket.sendAll(message);
    socket.shutdown();
  });
  const hash = createHash('sha256');
  for (;;) {
    const part = yield* socket.recv(1 << 13);
    if (part.length === 0) break;
    hash.update(part);
    if (pause > 0) yield* sleep(pause);
  }
  yield* sender;
  return hash.digest('hex');
}

function* round(listener: Listener): Coroutine<void> {
  const message = randomBytes(100_000);
  const clients: Task<void>[] = [];
  for (let i = 0; i < 60; i++) {
    clients.push(
      createTask(function* () {
        using socket = yield* connect(listener.address);
        if (i % 6 === 0) {
          yield* socket.sendAll(message);
          reset(socket);
        } else if (i % 6 === 1) {
          // Stalls: sends, never reads, and is cancelled below or closes.
          yield* socket.sendAll(message);
          yield* sleep(20);
        } else if (i % 6 === 2) {
          expect((yield* thrownIn(timeout(5, () => socket.recv(1)))).name).toBe('TimeoutError');
        } else {
          expect(yield* halfOpen(socket, message, i % 6 === 3 ? 1 : 0)).toBe(sha(message));
        }
      }),
    );
  }
  for (const [i, client] of clients.entries()) {
    if (i % 12 !== 1) continue;
    yield* sleep(1);
    client.cancel();
  }
  for (const [i, client] of clients.entries()) {
    if (i % 12 !== 1) yield* client;
  }
}

test('H43: round after round of clients that reset, stall, dawdle, are cancelled: nothing is lost and nothing stays', () => {
  const before = countDescriptors();
  run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    const server = createTask(function* () {
      for (;;) createTask(echo(yield* listener.accept()));
    });
    let used = 0;
    let open = 0;
    for (let i = 0; i < 8; i++) {
      yield* timeout(20_000, () => round(listener));
      yield* sleep(30);
      collectGarbage();
      // The first rounds fill pools and caches.
      if (i === 3) {
        used = bytesInUse();
        open = countDescriptors();
      }
    }
    expect(countDescriptors()).toBe(open);
    expect(bytesInUse() - used).toBeLessThan(4 << 20); // a round moves 30 MB
    server.cancel();
    listener.close();
    yield* sleep(0);
  });
  expect(countDescriptors()).toBe(before);
});
