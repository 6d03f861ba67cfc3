// TCP beyond the plain connection: families, local ends, options, resets.

import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  type InternetAddress,
  type Listener,
  listen,
  run,
  type Socket,
  type SocketOptions,
  sleep,
  timeout,
} from '../../src/index.ts';
import { thrownIn } from '../kernel/helpers.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { pair } from './pair.ts';

function* codeOf(operation: Iterable<unknown>): Coroutine<string> {
  return ((yield* thrownIn(operation as Coroutine<unknown>)) as { code: string }).code;
}

/** Connected to the listener's port at `host`: the server's end of it. */
function* serverEnd(port: number, host: string, listener: ReturnType<typeof listen>): Coroutine<string> {
  using client = yield* connect({ host, port });
  using server = yield* timeout(5000, () => listener.accept());
  expect(client.remoteAddress?.port).toBe(port);
  return server.remoteAddress?.host as string;
}

test("'::' takes both families, and shows IPv4 peers as mapped addresses", () => {
  run(function* () {
    for (const target of [{ port: 0 }, { host: '::', port: 0 }]) {
      using listener = listen(target);
      const { port, host } = listener.address;
      expect(host).toBe('::');
      expect(yield* serverEnd(port, '127.0.0.1', listener)).toBe('::ffff:127.0.0.1');
      expect(yield* serverEnd(port, '::1', listener)).toBe('::1');
      expect(yield* serverEnd(port, '::ffff:127.0.0.1', listener)).toBe('::ffff:127.0.0.1');
    }
  });
});

/** On a port of IPv6 that nobody has on IPv4: the system does not look at that. */
function listenAlone(): Listener<InternetAddress> {
  for (;;) {
    const v6 = listen({ host: '::', port: 0 }, { ipv6Only: true });
    try {
      listen({ host: '0.0.0.0', port: v6.address.port }).close();
      return v6;
    } catch {
      v6.close();
    }
  }
}

test('ipv6Only leaves IPv4 to another listener on the same port', () => {
  run(function* () {
    using v6 = listenAlone();
    const { port } = v6.address;
    expect(yield* codeOf(connect({ host: '127.0.0.1', port }))).toBe('ECONNREFUSED');
    using v4 = listen({ host: '0.0.0.0', port });
    expect(yield* serverEnd(port, '127.0.0.1', v4)).toBe('127.0.0.1');
    expect(yield* serverEnd(port, '::1', v6)).toBe('::1');
  });
});

test('H29: two listeners share a port only if both ask for it', () => {
  run(function* () {
    using alone = listen({ host: '127.0.0.1', port: 0 });
    expect(() => listen(alone.address)).toThrow(/EADDRINUSE/);
    expect(() => listen(alone.address, { reusePort: true })).toThrow(/EADDRINUSE/);
    using first = listen({ host: '127.0.0.1', port: 0 }, { reusePort: true });
    using second = listen(first.address, { reusePort: true });
    expect(second.address).toEqual(first.address);
    yield* sleep(0);
  });
});

test('a link-local address works with the name of its interface', ({ skip }) => {
  const found = Object.entries(networkInterfaces()).flatMap(([name, all]) =>
    (all ?? []).filter(({ address }) => address.startsWith('fe80:')).map(({ address }) => `${address}%${name}`),
  );
  const [host] = found;
  if (host === undefined) return skip('no interface of this machine has a link-local IPv6 address');
  run(function* () {
    using listener = listen({ host, port: 0 });
    expect(listener.address.host).toBe(host);
    expect(yield* serverEnd(listener.address.port, host, listener)).toBe(host);
  });
});

test('an interface that is not there is named as the reason', () => {
  run(function* () {
    expect(() => listen({ host: 'fe80::1%nosuch0', port: 0 })).toThrow(/fe80::1%nosuch0.*ENODEV/);
    expect(yield* codeOf(connect({ host: 'fe80::1%nosuch0', port: 1 }))).toBe('ENODEV');
  });
});

test('connect comes from the local address and port that it was given', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    using free = listen({ host: '127.0.0.5', port: 0 });
    const { port: localPort } = free.address;
    free.close();
    for (const options of [{ localAddress: '127.0.0.5' }, { localAddress: '127.0.0.5', localPort }, { localPort }]) {
      using client = yield* connect(listener.address, options);
      using server = yield* timeout(5000, () => listener.accept());
      expect(server.remoteAddress).toEqual(client.localAddress);
      expect(client.localAddress?.host).toBe(options.localAddress ?? '127.0.0.1');
      if (options.localPort !== undefined) expect(client.localAddress?.port).toBe(localPort);
      client.reset(); // or the port would be taken for a while
      yield* sleep(1);
    }
    using v6 = listen({ host: '::1', port: 0 });
    using client = yield* connect({ host: 'localhost', port: v6.address.port }, { localAddress: '::1' });
    expect(client.remoteAddress?.host).toBe('::1');
    // IPv4 is not even tried: there is one error, and this one.
    const { port } = v6.address;
    v6.close();
    const error = (yield* thrownIn(connect({ host: 'localhost', port }, { localAddress: '::1' }))) as Error;
    expect(error.message).toMatch(/^connect to \[::1\]:\d+ from \[::1\]:0: ECONNREFUSED/);
  });
});

test('an impossible local end is refused, and leaves no descriptor', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    const before = countDescriptors();
    expect(yield* codeOf(connect(listener.address, { localAddress: '192.0.2.200' }))).toBe('EADDRNOTAVAIL');
    expect(yield* codeOf(connect(listener.address, { localAddress: '::1' }))).toBe('EAFNOSUPPORT');
    expect(yield* codeOf(connect(listener.address, { localAddress: 'example.org' }))).toBe('ERR_COREACTOR_RANGE');
    expect(yield* codeOf(connect(listener.address, { localPort: 70_000 }))).toBe('ERR_COREACTOR_RANGE');
    expect(yield* codeOf(connect(listener.address, { localAddress: '127.0.0.1', localPort: -1 }))).toBe(
      'ERR_COREACTOR_RANGE',
    );
    expect(yield* codeOf(connect(listener.address, { attemptDelay: Number.NaN }))).toBe('ERR_COREACTOR_RANGE');
    expect(countDescriptors()).toBe(before);
  });
});

test('options are set and read back, durations in milliseconds', () => {
  run(function* () {
    const [a] = yield* pair();
    expect(a.getOption('noDelay')).toBe(true);
    a.setNoDelay(false);
    expect(a.getOption('noDelay')).toBe(false);
    a.setOption('noDelay', true);
    expect(a.getOption('noDelay')).toBe(true);
    expect(a.getOption('keepAlive')).toBe(false);
    a.setOption('keepAlive', true);
    expect(a.getOption('keepAlive')).toBe(true);
    const values: [keyof SocketOptions, number, number][] = [
      ['keepAliveIdle', 60_000, 60_000],
      ['keepAliveIdle', 1, 1000],
      ['keepAliveInterval', 1500, 2000],
      ['keepAliveCount', 5, 5],
    ];
    if (process.platform === 'linux') values.push(['userTimeout', 1234, 1234], ['userTimeout', 0, 0]);
    for (const [name, value, read] of values) {
      a.setOption(name, value);
      expect([name, a.getOption(name)]).toEqual([name, read]);
    }
    const doubled = process.platform === 'linux' ? 2 : 1;
    for (const name of ['sendBuffer', 'receiveBuffer'] as const) {
      a.setOption(name, 40_000);
      expect(a.getOption(name)).toBe(doubled * 40_000);
    }
  });
});

test('both ends have no delay from the start', () => {
  run(function* () {
    for (const socket of yield* pair()) expect(socket.getOption('noDelay')).toBe(true);
  });
});

test('impossible options are refused with advice', () => {
  run(function* () {
    const [a] = yield* pair();
    expect(() => a.setOption('nagle' as never, true as never)).toThrow(/takes one of noDelay, .*, not nagle/);
    expect(() => a.getOption('toString' as never)).toThrow(TypeError);
    expect(() => a.setOption('keepAlive', 1 as never)).toThrow(/keepAlive takes a boolean, not number/);
    expect(() => a.setOption('keepAliveCount', true as never)).toThrow(TypeError);
    for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      expect(() => a.setOption('sendBuffer', value)).toThrow(RangeError);
    }
    expect(() => a.setOption('keepAliveIdle', 2 ** 31 * 1000)).toThrow(RangeError);
    expect(() => a.setOption('keepAliveIdle', 1e9)).toThrow(/EINVAL.*does not take this value/);
    a.close();
    expect(() => a.setOption('keepAlive', true)).toThrow(/closed/);
    expect(() => a.getOption('keepAlive')).toThrow(/closed/);
    expect(() => a.setNoDelay(true)).toThrow(/closed/);
  });
});

test('reset() tells the peer by ECONNRESET, at once, and throws away what was not sent', () => {
  const before = countDescriptors();
  run(function* () {
    for (const size of [0, 100, 16 << 20]) {
      const [a, b] = yield* pair();
      const inside = countDescriptors();
      let taken = 0;
      if (size > 0) taken = a.trySend(Buffer.alloc(size));
      if (size > 100) {
        yield* sleep(5);
        for (let sent = 1; sent > 0; taken += sent) sent = a.trySend(Buffer.alloc(4000)); // until there is a rest
      }
      const waiting = createTask(() => codeOf(a.recv(1)));
      yield* sleep(0);
      a.reset();
      a.reset(); // once more does nothing
      expect(a.closed).toBe(true);
      expect(countDescriptors()).toBe(inside - 1); // nothing lingers
      expect(yield* waiting).toBe('ERR_COREACTOR_CLOSED');
      let got = 0;
      const code = yield* timeout(5000, () =>
        codeOf(
          (function* () {
            for (;;) {
              const { length } = yield* b.recv(100_000);
              if (length === 0) return;
              got += length;
            }
          })(),
        ),
      );
      expect(code).toBe('ECONNRESET');
      expect(got).toBeLessThanOrEqual(taken);
      b.close();
    }
  });
  expect(countDescriptors()).toBe(before);
});

test('S71: a socket that is closed over bytes which the system has not taken tells a waiting reader so', () => {
  run(function* () {
    const [a] = yield* pair();
    a.trySend(Buffer.alloc(16 << 20));
    yield* sleep(5);
    while (a.trySend(Buffer.alloc(4000)) > 0); // until there is a rest
    const waiting = createTask(() => codeOf(a.recv(1)));
    yield* sleep(0);
    a.close();
    expect(yield* waiting).toBe('ERR_COREACTOR_CLOSED');
  });
});

test('H26: a connect that times out leaves no descriptor', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 }, { backlog: 0 });
    const filled: Socket[] = [];
    for (;;) {
      const socket = yield* tryFor(300, connect(listener.address));
      if (socket === null) break;
      filled.push(socket);
    }
    const before = countDescriptors();
    for (let i = 0; i < 3; i++) expect(yield* tryFor(5, connect(listener.address))).toBe(null);
    expect(countDescriptors()).toBe(before);
    for (const socket of filled) socket.close();
  });
});

function* tryFor(ms: number, connecting: Coroutine<Socket>): Coroutine<Socket | null> {
  const error = { code: '' };
  try {
    return yield* timeout(ms, () => connecting);
  } catch (caught) {
    Object.assign(error, caught);
  }
  expect(error.code).toBe('ERR_COREACTOR_TIMEOUT');
  return null;
}
