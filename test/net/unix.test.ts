// Unix sockets: paths, abstract names and their files; and where they differ from TCP.

import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  type Instrument,
  listen,
  moveOnAfter,
  run,
  type Socket,
  SystemError,
  sleep,
  timeout,
} from '../../src/index.ts';
import { formatAddress } from '../../src/native/address.ts';
import { thrownIn } from '../kernel/helpers.ts';
import { countDescriptors } from '../support/descriptors.ts';

const folder = mkdtempSync(join(tmpdir(), 'coreactor-unix-'));
afterAll(() => rmSync(folder, { recursive: true }));

let paths = 0;
const freshPath = (): string => join(folder, `s${++paths}`);

function* unixPair(path = freshPath()): Coroutine<[Socket, Socket]> {
  using listener = listen({ path });
  const client = yield* connect({ path });
  return [client, yield* listener.accept()];
}

function* errorOf(body: () => Coroutine<unknown>): Coroutine<SystemError> {
  const error = yield* thrownIn(body());
  expect(error).toBeInstanceOf(SystemError);
  return error as SystemError;
}

test('echo over a path: small and large messages, and both ends know the address', () => {
  const before = countDescriptors();
  const path = freshPath();
  run(function* () {
    using listener = listen({ path });
    expect(listener.address).toEqual({ path });
    expect(String(listener)).toBe(`Listener on ${path}`);
    using client = yield* connect(listener.address);
    using server = yield* listener.accept();
    expect([client.remoteAddress, client.localAddress]).toEqual([{ path }, { path: '' }]);
    expect([server.remoteAddress, server.localAddress]).toEqual([{ path: '' }, { path }]);
    expect(String(client)).toBe(`Socket fd ${client.fd} to ${path}`);
    expect(String(server)).toContain('to an unnamed socket');
    for (const size of [1, 100, 4096, 4097, 100_000]) {
      const message = Buffer.alloc(size, 'x');
      const sending = createTask(client.sendAll(message));
      let got = 0;
      while (got < size) got += (yield* timeout(5000, () => server.recv(65_536))).length;
      expect(got).toBe(size);
      yield* sending;
    }
  });
  expect(countDescriptors()).toBe(before);
});

test('many small messages keep their order, through outbox and inbox', () => {
  run(function* () {
    const [a, b] = yield* unixPair();
    const receiving = createTask(function* () {
      let text = '';
      for (;;) {
        const part = yield* timeout(5000, () => b.recv(64));
        if (part.length === 0) return text;
        text += part;
        if (text.length % 7 === 0) yield* sleep(0);
      }
    });
    let expected = '';
    for (let i = 0; i < 3000; i++) {
      expected += `${i},`;
      yield* a.sendAll(Buffer.from(`${i},`));
      if (i % 50 === 0) yield* sleep(0);
    }
    a.shutdown('write');
    expect(yield* receiving).toBe(expected);
  });
});

test('H27: a large message survives partial sends to a slow reader', () => {
  const message = Buffer.alloc(8 << 20);
  for (let i = 0; i < message.length; i += 4) message.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
  run(function* () {
    const [a, b] = yield* unixPair();
    const sending = createTask(function* () {
      yield* a.sendAll(message);
      a.shutdown('write');
    });
    const hash = createHash('sha256');
    for (let n = 0; ; n++) {
      const part = yield* timeout(5000, () => b.recv(100_000));
      if (part.length === 0) break;
      hash.update(part);
      if (n % 16 === 0) yield* sleep(1);
    }
    yield* sending;
    expect(hash.digest('hex')).toBe(createHash('sha256').update(message).digest('hex'));
  });
});

test.runIf(process.platform === 'linux')('an abstract name is no file, and may have any bytes', () => {
  run(function* () {
    for (const name of [`coreactor-${process.pid}`, `cor\0actör-${process.pid}`]) {
      const path = `\0${name}`;
      using listener = listen({ path });
      expect(listener.address).toEqual({ path });
      expect(String(listener)).toBe(`Listener on @${name.replace('\0', '@')}`);
      expect(existsSync(name)).toBe(false);
      using client = yield* connect({ path });
      using server = yield* listener.accept();
      expect(client.remoteAddress).toEqual({ path });
      yield* client.sendAll(Buffer.from('x'));
      expect((yield* server.recv(9)).toString()).toBe('x');
    }
    expect((yield* errorOf(() => connect({ path: `\0coreactor-${process.pid}` }))).code).toBe('ECONNREFUSED');
  });
});

test('close() removes the file, and so does the end of the run', () => {
  const path = freshPath();
  run(function* () {
    const listener = listen({ path });
    expect(statSync(path).isSocket()).toBe(true);
    listener.close();
    expect(existsSync(path)).toBe(false);
    listener.close();
    listen({ path });
    yield* sleep(0);
  });
  expect(existsSync(path)).toBe(false);
});

test('close() leaves what is not its own: a file that came after it, another listener, a file that was moved', () => {
  run(function* () {
    const path = freshPath();
    const first = listen({ path });
    const moved = `${path}-moved`;
    renameSync(path, moved);
    using second = listen({ path });
    first.close();
    expect(existsSync(path)).toBe(true);
    expect(existsSync(moved)).toBe(true);
    using client = yield* connect(second.address);
    expect(client.closed).toBe(false);

    const other = freshPath();
    const third = listen({ path: other });
    rmSync(other);
    writeFileSync(other, 'precious');
    third.close();
    expect(existsSync(other)).toBe(true);
  });
});

test('a relative path is removed from where it was made, in whatever folder the program is by then', () => {
  const before = process.cwd();
  run(function* () {
    process.chdir(folder);
    try {
      const listener = listen({ path: 'relative' });
      process.chdir('/');
      listener.close();
      yield* sleep(0);
    } finally {
      process.chdir(before);
    }
  });
  expect(existsSync(join(folder, 'relative'))).toBe(false);
});

test('the file of a server that has crashed: what listen() and connect() say', () => {
  run(function* () {
    const path = freshPath();
    const crashed = listen({ path });
    renameSync(path, `${path}-kept`);
    crashed.close();
    renameSync(`${path}-kept`, path);
    expect(() => listen({ path })).toThrow(/listen on .*: EADDRINUSE.*unlink it first/);
    expect((yield* errorOf(() => connect({ path }))).message).toMatch(/connect to .*: ECONNREFUSED.*has ended/);
    expect((yield* errorOf(() => connect({ path: freshPath() }))).message).toMatch(/ENOENT.*is the server running/);
    rmSync(path);
    listen({ path }).close();
  });
});

test('impossible paths are refused with advice, before anything is made', () => {
  run(function* () {
    const most = process.platform === 'linux' ? 107 : 103;
    const long = join(folder, 'x'.repeat(200)).slice(0, most + 1);
    expect(() => listen({ path: long })).toThrow(new RegExp(`${most + 1} bytes, and the system takes ${most} at most`));
    expect(() => listen({ path: long })).toThrow(RangeError);
    expect(() => listen({ path: 'ä'.repeat(most / 2 + 1) })).toThrow(/bytes/);
    listen({ path: long.slice(0, most) }).close();
    if (process.platform === 'linux') {
      listen({ path: `\0${'x'.repeat(107)}` }).close();
      expect(() => listen({ path: `\0${'x'.repeat(108)}` })).toThrow(/109 bytes, and the system takes 108/);
    }
    expect(() => listen({ path: 'a\0b' })).toThrow(/NUL/);
    expect(() => listen({ path: '' })).toThrow(RangeError);
    expect(() => listen({ path: '\0' })).toThrow(RangeError);
    expect(() => listen({ path: 5 as never })).toThrow(TypeError);
    expect(() => listen({ path: 'x', port: 5 } as never)).toThrow(/not both/);
    expect(() => listen({ path: 'x' }, { reusePort: true })).toThrow(TypeError);
    for (const path of [long, 'a\0b', '', 5 as never]) {
      expect(((yield* thrownIn(connect({ path }))) as { code: string }).code).toMatch(/RANGE|ARGUMENT/);
    }
    expect(yield* thrownIn(connect({ path: 'x' }, { localPort: 5 }))).toBeInstanceOf(TypeError);
  });
});

test('H26: a connect to a listener without room suspends until it has; cancelled, it leaves nothing', () => {
  run(function* () {
    using listener = listen({ path: freshPath() }, { backlog: 0 });
    using first = yield* connect(listener.address);
    const before = countDescriptors();
    const second = createTask(() => connect(listener.address));
    const third = createTask(() => connect(listener.address));
    yield* sleep(20);
    expect([second.done, third.done]).toEqual([false, false]);
    expect(countDescriptors()).toBe(before + 2);
    third.cancel();
    yield* sleep(0);
    yield* sleep(0);
    expect(third.cancelled).toBe(true);
    expect(countDescriptors()).toBe(before + 1);
    expect(yield* moveOnAfter(5, () => connect(listener.address))).toBe(undefined);
    expect(countDescriptors()).toBe(before + 1);

    using acceptedFirst = yield* listener.accept();
    using late = yield* timeout(5000, () => second);
    using acceptedLate = yield* timeout(5000, () => listener.accept());
    yield* late.sendAll(Buffer.from('late'));
    expect((yield* acceptedLate.recv(9)).toString()).toBe('late');
    expect([first.closed, acceptedFirst.closed]).toEqual([false, false]);
  });
});

test('H26: a listener that goes while a connect waits for room refuses it', () => {
  run(function* () {
    const listener = listen({ path: freshPath() }, { backlog: 0 });
    using first = yield* connect(listener.address);
    const second = createTask(() => errorOf(() => connect(listener.address)));
    yield* sleep(5);
    listener.close();
    expect(['ENOENT', 'ECONNREFUSED']).toContain((yield* timeout(5000, () => second)).code);
    expect(first.closed).toBe(false);
  });
});

test('H26: a failed connect leaves no descriptor', () => {
  const before = countDescriptors();
  run(function* () {
    const inside = countDescriptors();
    for (let i = 0; i < 3; i++) yield* errorOf(() => connect({ path: freshPath() }));
    expect(countDescriptors()).toBe(inside);
  });
  expect(countDescriptors()).toBe(before);
});

test('H14: when the peer closes, reads end, sends fail, and nothing spins meanwhile', () => {
  let waits = 0;
  const instrument: Instrument = { selectEnd: () => waits++ };
  run(
    function* () {
      const [a, b] = yield* unixPair();
      yield* b.sendAll(Buffer.from('last words'));
      b.close();
      yield* sleep(5);
      waits = 0;
      yield* sleep(40);
      expect(waits).toBeLessThan(10); // nobody reads, and the end waits
      expect((yield* timeout(5000, () => a.recv(4))).toString()).toBe('last');
      expect((yield* timeout(5000, () => a.recv(40))).toString()).toBe(' words');
      for (let i = 0; i < 3; i++) expect((yield* timeout(5000, () => a.recv(10))).length).toBe(0);
      waits = 0;
      yield* sleep(40);
      expect(waits).toBeLessThan(10); // the end was read, and still the socket is open
      const error = yield* timeout(5000, () =>
        errorOf(function* () {
          for (;;) {
            yield* a.sendAll(Buffer.from('x'));
            yield* sleep(0);
          }
        }),
      );
      expect(error.code).toBe('EPIPE');
      waits = 0;
      yield* sleep(40);
      expect(waits).toBeLessThan(10);
    },
    { instruments: [instrument] },
  );
});

test('H14: a peer that closes ends a send that waits for room', () => {
  run(function* () {
    const [a, b] = yield* unixPair();
    const sending = createTask(() => errorOf(() => a.sendAll(Buffer.alloc(16 << 20)) as Coroutine<number>));
    yield* sleep(10);
    expect(sending.done).toBe(false);
    b.close();
    const error = yield* timeout(5000, () => sending);
    expect(['EPIPE', 'ECONNRESET']).toContain(error.code);
    expect(error.bytesSent).toBeGreaterThan(0);
  });
});

test('H28: half-close: one side ends its stream and still receives; nothing spins meanwhile', () => {
  let waits = 0;
  run(
    function* () {
      const [a, b] = yield* unixPair();
      yield* a.sendAll(Buffer.from('question'));
      a.shutdown('write');
      expect((yield* b.recv(100)).toString()).toBe('question');
      expect((yield* b.recv(100)).length).toBe(0);
      const answer = createTask(() => a.recv(100));
      waits = 0;
      yield* sleep(40);
      expect(waits).toBeLessThan(10);
      yield* b.sendAll(Buffer.from('answer'));
      expect((yield* timeout(5000, () => answer)).toString()).toBe('answer');
    },
    { instruments: [{ selectEnd: () => waits++ }] },
  );
});

test('closing with bytes unread tells the peer by ECONNRESET', () => {
  run(function* () {
    const [a, b] = yield* unixPair();
    yield* a.sendAll(Buffer.from('never read'));
    yield* sleep(2);
    b.close();
    expect((yield* errorOf(() => a.recv(10) as Coroutine<Buffer>)).code).toBe('ECONNRESET');
  });
});

test("options of TCP are refused on a Unix socket, the system's own are taken", () => {
  run(function* () {
    const [a] = yield* unixPair();
    expect(() => a.setNoDelay(true)).toThrow(/setsockopt noDelay.*ENOTSUP.*only TCP has this option/);
    expect(() => a.setOption('keepAliveIdle', 1000)).toThrow(/only TCP/);
    expect(() => a.getOption('noDelay')).toThrow(SystemError);
    a.setOption('sendBuffer', 50_000);
    expect(a.getOption('sendBuffer')).toBeGreaterThanOrEqual(50_000);
  });
});

test('formatAddress: each kind of address', () => {
  expect(formatAddress({ path: '/run/x' })).toBe('/run/x');
  expect(formatAddress({ path: '\0x' })).toBe('@x');
  expect(formatAddress({ path: '' })).toBe('an unnamed socket');
  expect(formatAddress({ host: '::1', port: 5 })).toBe('[::1]:5');
  expect(formatAddress({ host: '1.2.3.4', port: 5 })).toBe('1.2.3.4:5');
  expect(formatAddress(undefined)).toBe('nobody');
});

test.each([0, 1, 2])('H11: a reset that a sender was told of first is no end to who reads (%i sends)', (sends) => {
  run(function* () {
    const [a, b] = yield* unixPair();
    yield* b.sendAll(Buffer.from('x'));
    yield* a.recv(1);
    yield* a.sendAll(Buffer.from('nobody reads this'));
    yield* sleep(0);
    b.close();
    yield* sleep(0);
    for (let i = 0; i < sends; i++) {
      try {
        a.trySend(Buffer.from('y'));
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/ECONNRESET|EPIPE/);
      }
      yield* sleep(0);
    }
    expect((yield* errorOf(() => a.recv(1) as Coroutine<Buffer>)).code).toMatch(/ECONNRESET|EPIPE/);
  });
});
