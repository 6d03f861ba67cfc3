// TCP on the reactor: both ends are coroutines of one loop.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  BusyError,
  ClosedError,
  type Coroutine,
  callLater,
  connect,
  createTask,
  listen,
  now,
  type Operation,
  run,
  type Socket,
  sleep,
  syscalls,
  type Task,
  timeout,
  wait,
} from '../../src/index.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { arrived } from './arrived.ts';
import { pair } from './pair.ts';

test('echo: what a client sends comes back', () => {
  const reply = run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    createTask(function* () {
      using server = yield* listener.accept();
      const buffer = Buffer.alloc(100);
      const n = yield* server.recvInto(buffer, 10, 50);
      yield* server.sendAll(buffer, 10, n);
    });
    using client = yield* connect(listener.address);
    yield* client.sendAll(Buffer.from('hello'));
    return (yield* client.recv(100)).toString();
  });
  expect(reply).toBe('hello');
});

test('addresses: both ends know theirs and the other', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    using client = yield* connect({ host: 'localhost', port: listener.address.port });
    using server = yield* listener.accept();
    expect(client.remoteAddress).toEqual(listener.address);
    expect(server.localAddress).toEqual(listener.address);
    expect(server.remoteAddress).toEqual(client.localAddress);
  });
});

test('IPv6 and the default "everywhere", which takes IPv4 too', () => {
  run(function* () {
    using listener = listen({ port: 0 });
    for (const host of ['127.0.0.1', '::1']) {
      using client = yield* connect({ host, port: listener.address.port });
      using server = yield* listener.accept();
      yield* client.sendAll(Buffer.from(host));
      expect((yield* server.recv(100)).toString()).toBe(host);
    }
  });
});

test('H27: a large message survives partial sends, with a slow reader that bounds memory', () => {
  const message = Buffer.alloc(48 << 20);
  for (let i = 0; i < message.length; i += 4) message.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
  const { digest, sent } = run(function* () {
    const [a, b] = yield* pair();
    const sender = createTask(function* () {
      const count = yield* a.sendAll(message);
      a.shutdown('write');
      return count;
    });
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(1 << 20);
    for (;;) {
      const n = yield* b.recvInto(buffer);
      if (n === 0) break;
      hash.update(buffer.subarray(0, n));
      if (Math.random() < 0.05) yield* sleep(1);
    }
    return { digest: hash.digest('hex'), sent: yield* sender };
  });
  expect(sent).toBe(message.length);
  expect(digest).toBe(createHash('sha256').update(message).digest('hex'));
});

test('send() gives what the kernel took at once, and suspends when it takes nothing', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const chunk = Buffer.alloc(1 << 20);
    let queued = 0;
    const filler = createTask(function* () {
      for (;;) queued += yield* a.send(chunk);
    });
    yield* sleep(50);
    const full = queued;
    yield* sleep(20);
    expect(queued).toBe(full); // the slow reader bounds what is queued
    expect(full).toBeGreaterThan(0);
    const buffer = Buffer.alloc(1 << 20);
    let got = 0;
    while (got < full) got += yield* b.recvInto(buffer);
    yield* sleep(10);
    expect(queued).toBeGreaterThan(full);
    filler.cancel();
  });
});

test('trySend() never suspends: 0 when the kernel has no room, ClosedError after close()', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const chunk = Buffer.alloc(1 << 20, 'x');
    let sent = 0;
    for (let n = a.trySend(chunk); n > 0; n = a.trySend(chunk)) sent += n;
    expect(sent).toBeGreaterThan(0);
    const buffer = Buffer.alloc(1 << 20);
    let got = 0;
    while (got < sent) got += yield* b.recvInto(buffer);
    expect(got).toBe(sent);
    yield* sleep(1);
    expect(a.trySend(Buffer.from('abc'), 1, 2)).toBe(2);
    expect((yield* b.recv(10)).toString()).toBe('bc');
    expect(() => a.trySend(chunk, 0, chunk.length + 1)).toThrow(RangeError);
    a.close();
    expect(() => a.trySend(chunk)).toThrow(ClosedError);
  });
});

test('H28: half-close: one side ends its stream and still receives', () => {
  run(function* () {
    const [a, b] = yield* pair();
    yield* a.sendAll(Buffer.from('question'));
    a.shutdown('write');
    expect((yield* b.recv(100)).toString()).toBe('question');
    expect((yield* b.recv(100)).length).toBe(0);
    expect((yield* b.recv(100)).length).toBe(0); // and stays at its end
    yield* b.sendAll(Buffer.from('answer'));
    expect((yield* a.recv(100)).toString()).toBe('answer');
  });
});

test('H10: data and FIN that arrive together are both seen, in short reads too', () => {
  run(function* () {
    for (let round = 0; round < 20; round++) {
      const [a, b] = yield* pair();
      yield* a.sendAll(Buffer.from('last words'));
      a.close();
      yield* sleep(round % 3);
      let text = '';
      for (;;) {
        const part = yield* b.recv(round % 2 ? 4 : 100);
        if (part.length === 0) break;
        text += part;
      }
      expect(text).toBe('last words');
      b.close();
    }
  });
});

test('H11: RST wakes the reader with ECONNRESET', () => {
  run(function* () {
    const [a, b] = yield* pair();
    yield* a.sendAll(Buffer.from('never read'));
    createTask(function* () {
      yield* arrived(b.fd);
      b.close(); // with unread data: TCP answers with RST
    });
    expect(yield* codeOf(() => a.recv(10))).toBe('ECONNRESET');
  });
});

test('H27: sending after RST is an error that tells how much went, and no SIGPIPE', () => {
  run(function* () {
    const [a, b] = yield* pair();
    yield* a.sendAll(Buffer.from('x'));
    yield* sleep(1);
    b.close();
    yield* sleep(1);
    let error: { code?: string; bytesSent?: number } = {};
    try {
      for (;;) yield* a.sendAll(Buffer.alloc(1 << 20));
    } catch (caught) {
      error = caught as typeof error;
    }
    expect(['EPIPE', 'ECONNRESET']).toContain(error.code);
    expect(error.bytesSent).toBeTypeOf('number');
  });
});

test('H26: a refused connect says so, and leaves no descriptor', () => {
  const before = countDescriptors();
  run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    const { address } = listener;
    listener.close();
    const inside = countDescriptors();
    for (let i = 0; i < 3; i++) expect(yield* codeOf(() => connect(address))).toBe('ECONNREFUSED');
    expect(countDescriptors()).toBe(inside);
  });
  expect(countDescriptors()).toBe(before);
});

test('H26: a connect that gets no answer can be cancelled, and closes its socket', () => {
  run(function* () {
    // A listener whose queue is full drops the handshake, so connect() waits for long.
    using listener = listen({ host: '127.0.0.1', port: 0 }, { backlog: 0 });
    const filled = [yield* connect(listener.address)];
    yield* arrived(listener.fd);
    const attempts = Array.from({ length: 6 }, () =>
      createTask(function* () {
        filled.push(yield* connect(listener.address));
      }),
    );
    yield* sleep(50);
    const stuck = attempts.filter((attempt) => !attempt.done);
    expect(stuck.length).toBeGreaterThan(0);
    const before = countDescriptors();
    for (const attempt of stuck) attempt.cancel('timed out');
    yield* sleep(0);
    yield* sleep(0);
    expect(stuck.every((attempt) => attempt.cancelled)).toBe(true);
    expect(countDescriptors()).toBe(before - stuck.length);
  });
});

test('S71: closing wakes whoever waits, with ClosedError', () => {
  run(function* () {
    const [a] = yield* pair();
    const listener = listen({ host: '127.0.0.1', port: 0 });
    const reading = createTask(() => codeOf(() => a.recv(10)));
    const accepting = createTask(() => codeOf(() => listener.accept()));
    yield* sleep(0);
    a.close();
    listener.close();
    expect(yield* reading).toBe('ERR_COREACTOR_CLOSED');
    expect(yield* accepting).toBe('ERR_COREACTOR_CLOSED');
    expect(yield* codeOf(() => a.recv(1))).toBe('ERR_COREACTOR_CLOSED');
    expect(() => a.sendAll(Buffer.from('x'))).toThrow(ClosedError);
    expect(() => a.shutdown()).toThrow(ClosedError);
    a.close(); // once more does nothing
  });
});

test('S71: a second reader, writer or accepter gets BusyError, and the first is not disturbed', () => {
  run(function* () {
    const [a, b] = yield* pair();
    using listener = listen({ host: '127.0.0.1', port: 0 });
    const first = createTask(() => a.recv(10) as Coroutine<Buffer>);
    const accepting = createTask(function* () {
      return yield* listener.accept();
    });
    yield* sleep(0);
    expect(yield* codeOf(() => a.recv(10))).toBe('ERR_COREACTOR_BUSY');
    expect(yield* codeOf(() => listener.accept())).toBe('ERR_COREACTOR_BUSY');
    expect(() => a.recvInto(Buffer.alloc(1))).toThrow(BusyError);
    yield* b.sendAll(Buffer.from('first'));
    expect((yield* first).toString()).toBe('first');
    accepting.cancel();
  });
});

test('S1: bytes that woke a reader reach it although it is cancelled before its step', () => {
  let reader: Task<unknown> | undefined;
  let cancelled = false;
  const got: string[] = [];
  run(
    function* () {
      const [a, b] = yield* pair();
      reader = createTask(function* () {
        for (;;) got.push((yield* a.recv(10)).toString());
      });
      yield* sleep(0);
      yield* b.sendAll(Buffer.from('kept'));
      yield* timeout(5000, () => wait([reader as Task<unknown>]));
      expect([cancelled, reader.cancelled]).toEqual([true, true]);
    },
    {
      instruments: [
        {
          woken: (task) => {
            if (task === reader && !cancelled) cancelled = task.cancel(); // between the wake and the step
          },
        },
      ],
    },
  );
  expect(got).toEqual(['kept']);
});

test('S2: data that came before a deadline is delivered even if a step overran the deadline', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const reader = createTask(function* () {
      return (yield* a.recv(10)).toString();
    });
    yield* sleep(1);
    callLater(20, () => reader.cancel('deadline'));
    syscalls.send(b.fd, Buffer.from('in time')); // at once, and not with the next wait
    const end = now() + 60;
    while (now() < end); // blocks the loop past the deadline
    yield* sleep(1);
    expect(yield* reader).toBe('in time');
  });
});

test('S14: a socket that is always ready does not starve the others', () => {
  run(function* () {
    const [a, b] = yield* pair();
    let stop = false;
    const flood = createTask(function* () {
      const chunk = Buffer.alloc(1 << 16);
      while (!stop) yield* a.sendAll(chunk);
      a.close();
    });
    const drain = createTask(function* () {
      const buffer = Buffer.alloc(1 << 10);
      while ((yield* b.recvInto(buffer)) > 0);
    });
    let ticks = 0;
    for (; ticks < 20; ticks++) yield* sleep(0);
    stop = true;
    yield* flood;
    yield* drain;
    expect(ticks).toBe(20);
  });
});

test('H30: memory that went away is refused, before the call and while it waits', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const gone = new Uint8Array(new ArrayBuffer(100));
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(() => a.recvInto(gone, 0, 10)).toThrow(RangeError);
    const leaving = new Uint8Array(new ArrayBuffer(100));
    const reader = createTask(() => codeOf(() => a.recvInto(leaving)));
    yield* sleep(0);
    structuredClone(leaving.buffer, { transfer: [leaving.buffer] });
    yield* b.sendAll(Buffer.from('x'));
    expect(yield* reader).toBe('ERR_COREACTOR_RANGE');
    expect((yield* a.recv(10)).toString()).toBe('x'); // the byte was not lost
  });
});

test('H30: a stretch outside the buffer, and what is no buffer, are refused', () => {
  run(function* () {
    const [a] = yield* pair();
    const buffer = Buffer.alloc(10);
    for (const [offset, length] of [
      [-1, 5],
      [5, 6],
      [11, 0],
      [0.5, 1],
      [0, Number.NaN],
      [2 ** 32, 1],
    ] as const) {
      expect(() => a.recvInto(buffer, offset, length)).toThrow(RangeError);
      expect(() => a.sendAll(buffer, offset, length)).toThrow(RangeError);
    }
    for (const wrong of ['text', null, undefined, [1], new ArrayBuffer(1), new Int32Array(1)]) {
      expect(() => a.sendAll(wrong as never)).toThrow(TypeError);
    }
    expect(() => a.recv(0)).toThrow(RangeError);
    expect(yield* a.sendAll(Buffer.alloc(0))).toBe(0);
  });
});

test('H30: a buffer that the program holds no more is not collected under a registered socket', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const receiver = createTask(function* () {
      let text = '';
      const buffer = Buffer.allocUnsafeSlow(64); // known to this coroutine and the socket alone
      for (let n = yield* b.recvInto(buffer); n > 0; n = yield* b.recvInto(buffer))
        text += buffer.toString('latin1', 0, n);
      return text;
    });
    for (let i = 0; i < 10; i++) {
      yield* a.sendAll(Buffer.from(`${i},`));
      yield* sleep(1);
      (globalThis as unknown as { gc(): void }).gc();
      for (let j = 0; j < 100; j++) Buffer.allocUnsafeSlow(64).fill('x'); // would reuse freed memory
    }
    a.shutdown();
    expect(yield* receiver).toBe('0,1,2,3,4,5,6,7,8,9,');
  });
});

test('bad addresses are refused with advice', () => {
  run(function* () {
    expect(() => listen({ port: 70000 })).toThrow(/whole number from 0 to 65535/);
    expect(() => listen({ port: Number.NaN })).toThrow(RangeError);
    expect(() => listen({ port: '80' as never })).toThrow(TypeError);
    expect(() => listen({ host: 'nowhere.invalid', port: 0 })).toThrow(/nowhere.invalid: E(NOTFOUND|AI_AGAIN)/);
    using listener = listen({ host: '127.0.0.1', port: 0 });
    expect(() => listen(listener.address)).toThrow(/EADDRINUSE.*choose another port/);
    expect(yield* codeOf(() => connect({ port: -1 }))).toBe('ERR_COREACTOR_RANGE');
  });
  expect(() => listen({ port: 0 })).toThrow(/needs a running loop/);
});

test('H25: an accepted socket is non-blocking and closed on exec', () => {
  run(function* () {
    const [a, b] = yield* pair();
    for (const { fd } of [a, b]) {
      const flags = Number.parseInt(
        /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '',
        8,
      );
      expect(flags & 0o4000).toBe(0o4000); // O_NONBLOCK
      expect(flags & 0o2000000).toBe(0o2000000); // O_CLOEXEC
    }
  });
});

test('H25: a storm of connections lets others step in between', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    const clients: Socket[] = [];
    for (let i = 0; i < 400; i++) clients.push(yield* connect(listener.address));
    let steps = 0;
    const other = createTask(function* () {
      for (;;) {
        steps++;
        yield* sleep(0);
      }
    });
    yield* sleep(0);
    const before = steps;
    for (let i = 0; i < 400; i++) (yield* listener.accept()).close();
    expect(steps - before).toBeGreaterThanOrEqual(2); // 400 accepts are more than two budgets
    other.cancel();
  });
});

test('a buffer is not held for a socket that is closed', () => {
  run(function* () {
    const [a] = yield* pair();
    a.close();
    const buffer = Buffer.alloc(10);
    for (let i = 0; i < 3; i++) {
      expect(() => a.recvInto(buffer)).toThrow(ClosedError);
      expect(() => a.sendAll(buffer)).toThrow(ClosedError);
    }
  });
});

test('H29: sharing a port is asked for', () => {
  run(function* () {
    using first = listen({ host: '127.0.0.1', port: 0 }, { reusePort: true });
    using second = listen(first.address, { reusePort: true });
    expect(second.address).toEqual(first.address);
  });
});

/** The code of the error that an operation ends with, 'none' if it succeeds. */
function* codeOf(make: () => Operation<unknown>): Coroutine<string> {
  try {
    yield* make();
    return 'none';
  } catch (error) {
    return String((error as { code?: string }).code);
  }
}
