// toDuplex() and fromDuplex(): the protocol libraries of Node and of others on sockets of ours, against real counterparts.

import http from 'node:http';
import net from 'node:net';
import { pipeline, Transform } from 'node:stream';
import tls from 'node:tls';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import {
  allTasks,
  type Coroutine,
  connect,
  createTask,
  fromDuplex,
  fromPromise,
  listen,
  Runner,
  runPromise,
  type Socket,
  type SocketDuplex,
  sleep,
  toDuplex,
  wait,
} from '../../src/index.ts';
import { testWith } from '../support/commands.ts';
import { postgresFolder, withPostgres } from '../support/postgres.ts';
import { withRedis } from '../support/redis.ts';
import { nextUncaught } from '../support/uncaught.ts';
import { certificate } from './certificate.ts';
import { ANY, guest, once, serve, type Target, until } from './guest.ts';

test('a stream as any other: pipes, backpressure, half-open, both ways of ending, destroy', () =>
  guest(function* () {
    using listener = listen(ANY);
    const ends: SocketDuplex[] = [];
    createTask(
      serve(listener, (duplex) => {
        ends.push(duplex);
        const upper = new Transform({ transform: (chunk, _, done) => done(null, chunk.toString().toUpperCase()) });
        pipeline(duplex, upper, duplex, () => {});
      }),
    );
    const one = fromDuplex(toDuplex(yield* connect(listener.address as Target), { allowHalfOpen: true }));
    yield* one.sendAll([Buffer.from('half '), Buffer.from('open')]);
    one.endWriting();
    const reader = one.reader();
    expect(String(yield* reader.readExactly(9))).toBe('HALF OPEN');
    expect((yield* one.recv(10)).length).toBe(0);

    // Who does not read bounds what is written.
    const accepted: net.Socket[] = [];
    const quiet = net.createServer((socket) => void accepted.push(socket.pause().on('error', () => {})));
    yield* fromPromise(new Promise<void>((resolve) => quiet.listen(0, '127.0.0.1', resolve)));
    const slow = toDuplex(yield* connect({ host: '127.0.0.1', port: (quiet.address() as net.AddressInfo).port }));
    const chunk = Buffer.alloc(100_000);
    let written = 0;
    while (written < 1000 && slow.write(chunk)) written++;
    const waiting = fromDuplex(slow);
    const sending = createTask(waiting.sendAll(Array.from({ length: 1000 }, () => chunk)));
    yield* sleep(50);
    expect(sending.done).toBe(false);
    expect(slow.writableLength).toBeLessThan(1_000_000);
    sending.cancel();
    slow.destroy();
    for (const socket of accepted) socket.destroy();
    quiet.close();
    yield* sleep(1);
    expect(() => waiting.trySend(chunk)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
    one.close();
    for (const end of ends) end.destroy();
  }));

test('who does not read from it bounds what comes, and its tasks go with it', () =>
  guest(function* () {
    using listener = listen(ANY);
    const accepting = createTask(listener.accept());
    const duplex = toDuplex(yield* connect(listener.address as Target));
    using peer = yield* accepting;
    const readable = once(duplex, 'readable');
    const sending = createTask(peer.sendAll(Buffer.alloc(50_000_000)));
    yield* fromPromise(readable);
    yield* sleep(50);
    expect(sending.done).toBe(false);
    expect(duplex.readableLength).toBeLessThan(200_000);
    expect(allTasks().some(({ name }) => name.startsWith('reader of a Duplex'))).toBe(true);
    duplex.destroy();
    yield* wait([sending]);
    expect(sending.exception()).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    expect(allTasks().filter(({ name }) => name.includes('of a Duplex'))).toEqual([]);
  }));

test('errors: a reset is the stream’s error; what a listener throws is an uncaught exception; timeouts', () =>
  guest(function* () {
    using listener = listen(ANY);
    const accepting = createTask(listener.accept());
    const duplex = toDuplex(yield* connect(listener.address as Target));
    const peer = yield* accepting;
    const failed = once(duplex, 'error');
    duplex.resume();
    peer.reset();
    expect((yield* fromPromise(failed))[0]).toMatchObject({ code: 'ECONNRESET' });

    const again = createTask(listener.accept());
    const broken = fromDuplex(toDuplex(yield* connect(listener.address as Target)));
    const receiving = createTask(broken.recv(10));
    yield* sleep(1);
    (yield* again).reset();
    yield* wait([receiving]);
    expect(receiving.exception()).toMatchObject({ code: 'ECONNRESET' });

    const next = createTask(listener.accept());
    const other = toDuplex(yield* connect(listener.address as Target));
    const server = yield* next;
    let timeouts = 0;
    other.setTimeout(30, () => timeouts++);
    const uncaught = nextUncaught();
    other.on('data', () => {
      throw new Error('of a listener');
    });
    yield* server.sendAll(Buffer.from('x'));
    expect((yield* fromPromise(uncaught)).message).toBe('of a listener');
    expect(other.destroyed).toBe(false);
    yield* sleep(60);
    expect(timeouts).toBe(1);
    other.destroy();
    server.close();
  }));

// It is connected already, another name for writableLength is deprecated, and what Node has from 24 on is an option of IP that
// ours have not.
const OF_NODE_ALONE = ['connect', 'bufferSize', 'setTypeOfService', 'getTypeOfService'];

test('it has what a socket of node:net has beside a Duplex', () =>
  guest(function* () {
    using listener = listen(ANY);
    const accepting = createTask(listener.accept());
    const duplex = toDuplex(yield* connect(listener.address as Target));
    using _peer = yield* accepting;
    const names = Object.getOwnPropertyNames(net.Socket.prototype).filter((name) => !name.startsWith('_'));
    expect(names.filter((name) => !(name in duplex) && !OF_NODE_ALONE.includes(name))).toEqual([]);
    duplex.destroy();
  }));

/** What a program sees of a socket until it is destroyed. */
function* lifeOf(socket: net.Socket | SocketDuplex, peer: Socket): Coroutine<unknown[]> {
  const seen: unknown[] = [];
  const look = (): void => {
    const { readyState, pending, connecting, bytesRead, bytesWritten, timeout, destroyed } = socket;
    seen.push({ readyState, pending, connecting, bytesRead, bytesWritten, timeout, destroyed });
  };
  const silences = (): Promise<unknown> => once(socket, 'timeout');
  const called = { first: 0, second: 0, third: 0 };
  const third = (): void => void called.third++;
  socket.on('data', () => {});
  look();
  socket.setTimeout(15, () => called.first++);
  socket.setTimeout(10, () => called.second++);
  socket.setTimeout(10, third);
  socket.off('timeout', third);
  yield* fromPromise(silences());
  const afterComing = silences();
  yield* peer.sendAll(Buffer.from('123'));
  yield* fromPromise(afterComing);
  const afterGoing = silences();
  socket.write('abcde');
  yield* fromPromise(afterGoing);
  socket.setTimeout(10, third);
  socket.setTimeout(0, third);
  seen.push(called, socket.listenerCount('timeout'));
  look();
  yield* peer.reader().readExactly(5);
  // What waits to be sent was written as well, and its end comes after it.
  const large = Buffer.alloc(10_000_000);
  for (let i = 0; i < 3; i++) socket.write(large);
  look();
  socket.destroySoon();
  look();
  const closed = once(socket, 'close');
  let length = 0;
  for (let more = 1; more > 0; length += more) more = (yield* peer.recv(1_000_000)).length;
  yield* fromPromise(closed);
  seen.push(length);
  socket.setTimeout(10);
  look();
  return seen;
}

test('it looks as a socket of node:net does, from the first byte to the last', () =>
  guest(function* () {
    using listener = listen(ANY);
    const target = listener.address as Target;
    const lives: unknown[][] = [];
    for (const open of [
      function* () {
        const socket = net.connect({ ...target, allowHalfOpen: true });
        yield* fromPromise(once(socket, 'connect'));
        return socket;
      },
      function* () {
        return toDuplex(yield* connect(target), { allowHalfOpen: true });
      },
    ]) {
      const accepting = createTask(listener.accept());
      const socket: net.Socket | SocketDuplex = yield* open();
      using peer = yield* accepting;
      lives.push(yield* lifeOf(socket, peer));
    }
    expect(lives[1]).toEqual(lives[0]);
  }));

test('resetAndDestroy() is a reset for the peer, and what was not sent is thrown away', () =>
  guest(function* () {
    using listener = listen(ANY);
    const accepting = createTask(listener.accept());
    const duplex = toDuplex(yield* connect(listener.address as Target));
    using peer = yield* accepting;
    duplex.write(Buffer.alloc(20_000_000));
    const closed = once(duplex, 'close');
    duplex.on('error', () => {}); // of the bytes that are thrown away
    expect(duplex.resetAndDestroy()).toBe(duplex);
    yield* fromPromise(closed);
    const reading = createTask(function* () {
      while ((yield* peer.recv(1_000_000)).length > 0);
    });
    yield* wait([reading]);
    expect(reading.exception()).toMatchObject({ code: 'ECONNRESET' });
    expect(duplex.resetAndDestroy()).toBe(duplex);
  }));

test('when the run ends, its streams are destroyed; under run() there are none', async () => {
  let duplex: SocketDuplex | undefined;
  await runPromise(function* () {
    const listener = listen(ANY);
    createTask(listener.accept());
    duplex = toDuplex(yield* connect(listener.address as Target));
    duplex.on('error', () => {});
  });
  expect(duplex?.destroyed).toBe(true);
  using runner = new Runner(); // which is no guest, whatever run() is in this run of the suite
  runner.run(function* () {
    using listener = listen(ANY);
    using socket = yield* connect(listener.address as Target);
    expect(() => toDuplex(socket)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_INVALID_STATE' }));
    expect(() => toDuplex({} as never)).toThrow(TypeError);
  });
});

testWith(['openssl'], 'tls: both ends on our sockets, as coroutines, a megabyte each way', () =>
  guest(function* () {
    using listener = listen(ANY);
    createTask(function* () {
      const plain = toDuplex(yield* listener.accept());
      using secure = fromDuplex(new tls.TLSSocket(plain, { isServer: true, ...certificate() }));
      const all = yield* secure.reader().readExactly(1_000_000);
      yield* secure.sendAll(all);
      secure.endWriting();
      yield* secure.recv(1);
    });
    const socket = toDuplex(yield* connect(listener.address as Target));
    const raw = tls.connect({ socket, ca: certificate().cert, servername: 'localhost' });
    yield* fromPromise(once(raw, 'secureConnect'));
    expect(raw.authorized).toBe(true);
    using secure = fromDuplex(raw);
    const sent = Buffer.alloc(1_000_000, 'tls');
    yield* secure.sendAll(sent);
    expect((yield* secure.reader().readExactly(sent.length)).equals(sent)).toBe(true);
  }),
);

testWith(['openssl'], 'tls: who has ended its direction gets all of the answer, and both are closed then', () =>
  guest(function* () {
    using listener = listen(ANY);
    const ends: SocketDuplex[] = [];
    createTask(
      serve(listener, (duplex) => {
        ends.push(duplex);
        const secure = new tls.TLSSocket(duplex, { isServer: true, ...certificate() });
        secure.allowHalfOpen = false;
        pipeline(secure, secure, () => {});
      }),
    );
    const socket = toDuplex(yield* connect(listener.address as Target), { allowHalfOpen: true });
    ends.push(socket);
    const secure = fromDuplex(tls.connect({ socket, ca: certificate().cert, servername: 'localhost' }));
    const sent = Buffer.alloc(10_000_000, 'tls');
    const sending = createTask(function* () {
      yield* secure.sendAll(sent);
      secure.endWriting();
    });
    expect((yield* secure.reader({ limit: sent.length }).readExactly(sent.length)).equals(sent)).toBe(true);
    yield* sending;
    expect((yield* secure.recv(1)).length).toBe(0);
    yield* until(() => ends.every(({ destroyed }) => destroyed));

    // Who leaves in the handshake is let go, too.
    using hasty = yield* connect(listener.address as Target);
    yield* hasty.sendAll(Buffer.from([22, 3, 1])); // of a record's head
    hasty.shutdown();
    expect((yield* hasty.recv(1)).length).toBe(0);
  }),
);

test('ws: a server and a client on our sockets', () =>
  guest(function* () {
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
    using listener = listen(ANY);
    createTask(serve(listener, (duplex) => server.emit('connection', duplex)));
    const own = toDuplex(yield* connect(listener.address as Target));
    const clients = [
      () => new WebSocket(`ws://127.0.0.1:${(listener.address as Target).port}/`),
      () => new WebSocket('ws://localhost/', { createConnection: () => own as never }),
    ];
    for (const open of clients) {
      const client = open();
      yield* fromPromise(once(client, 'open'));
      for (const size of [1, 1000, 300_000]) {
        const answer = once(client, 'message');
        client.send('x'.repeat(size));
        expect(String((yield* fromPromise(answer))[0]).length).toBe(size);
      }
      const closed = once(client, 'close');
      client.close();
      yield* fromPromise(closed);
    }
  }));

testWith(['redis-server'], 'ioredis against a Redis server, over a socket of ours', () =>
  withRedis((port) =>
    guest(function* () {
      const duplex = toDuplex(yield* connect({ host: '127.0.0.1', port }));
      class Connector {
        connect(): Promise<SocketDuplex> {
          return Promise.resolve(duplex);
        }
        disconnect(): void {
          duplex.end();
        }
        check(): boolean {
          return true;
        }
      }
      const redis = new Redis({ Connector: Connector as never, lazyConnect: true, retryStrategy: () => null });
      yield* fromPromise(redis.connect());
      yield* fromPromise(redis.set('name', 'coreactor'));
      expect(yield* fromPromise(redis.get('name'))).toBe('coreactor');
      const many = redis.pipeline();
      for (let i = 0; i < 1000; i++) many.incr('count');
      const results = yield* fromPromise(many.exec());
      expect(results?.at(-1)).toEqual([null, 1000]);
      const closed = once(duplex, 'close');
      redis.disconnect();
      yield* fromPromise(closed);
    }),
  ),
);

// Debian keeps it in no PATH.
testWith(
  postgresFolder() === undefined ? ['postgres'] : [],
  'pg against a PostgreSQL server, over a socket of ours',
  () =>
    withPostgres(({ port, user }) =>
      guest(function* () {
        const duplex = toDuplex(yield* connect({ host: '127.0.0.1', port }));
        // It would like to connect by itself.
        const stream = Object.assign(duplex, { connect: () => void setImmediate(() => duplex.emit('connect')) });
        const client = new Client({
          user,
          database: 'postgres',
          host: '127.0.0.1',
          port,
          stream: () => stream as never,
        });
        yield* fromPromise(client.connect());
        const { rows } = yield* fromPromise(client.query('select $1::int + 1 as sum', [41]));
        expect(rows).toEqual([{ sum: 42 }]);
        const large = yield* fromPromise(
          client.query("select repeat('x', 100000) as text from generate_series(1, 20)"),
        );
        expect(large.rows.map(({ text }) => text.length)).toEqual(Array(20).fill(100_000));
        const failed = yield* fromPromise(client.query('select nothing').catch((error: Error) => error.message));
        expect(failed).toMatch(/column "nothing" does not exist/);
        yield* fromPromise(client.end());
      }),
    ),
  90_000, // as long as the server may take to begin, and more
);
