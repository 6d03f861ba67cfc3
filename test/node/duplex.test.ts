// toDuplex() and fromDuplex(): the protocol libraries of Node and of others on sockets of ours, against real counterparts.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline, Transform } from 'node:stream';
import tls from 'node:tls';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import {
  allTasks,
  ClosedError,
  type Coroutine,
  connect,
  createTask,
  fromDuplex,
  fromPromise,
  type Listener,
  listen,
  Runner,
  runPromise,
  type SocketDuplex,
  sleep,
  timeout,
  toDuplex,
  wait,
} from '../../src/index.ts';
import { has, testWith } from '../support/commands.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { postgresFolder, withPostgres } from '../support/postgres.ts';
import { withRedis } from '../support/redis.ts';

const ANY = { host: '127.0.0.1', port: 0 };
type Target = { host: string; port: number };

/** Runs the body as a guest, in time, and sees that no descriptor is left. */
async function guest(body: () => Coroutine<void>): Promise<void> {
  await runPromise(() => sleep(0));
  const before = countDescriptors();
  await runPromise(() => timeout(20_000, body));
  for (let i = 0; i < 100 && countDescriptors() > before; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(countDescriptors()).toBe(before);
}

/** Hands each connection over as a Duplex. */
function* serve(listener: Listener, give: (duplex: SocketDuplex) => void): Coroutine<void> {
  try {
    for (;;) give(toDuplex(yield* listener.accept(), { allowHalfOpen: true }));
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error;
  }
}

const once = (emitter: NodeJS.EventEmitter, name: string): Promise<unknown[]> =>
  new Promise((resolve, reject) => {
    emitter.once(name, (...args) => resolve(args));
    if (name !== 'error') emitter.once('error', reject);
  });

test('http: a server on our sockets and clients on our sockets and on theirs; bodies, keep-alive, errors', () =>
  guest(function* () {
    const server = http.createServer((request, response) => {
      if (request.url === '/echo') pipeline(request, response, () => {});
      else response.setHeader('peer', String(request.socket.remotePort)).end(`you asked for ${request.url}`);
    });
    using listener = listen(ANY);
    const { port } = listener.address as Target;
    createTask(serve(listener, (duplex) => server.emit('connection', duplex)));
    const ask = (path: string, body?: Buffer, agent?: http.Agent | false): Promise<string> =>
      new Promise((resolve, reject) => {
        const method = body === undefined ? 'GET' : 'POST';
        const request = http.request({ port, path, method, ...(agent === undefined ? {} : { agent }) }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part) => parts.push(part));
          response.on('end', () => resolve(Buffer.concat(parts).toString()));
        });
        request.on('error', reject);
        request.end(body);
      });
    expect(yield* fromPromise(ask('/plain', undefined, false))).toBe('you asked for /plain');
    const large = Buffer.alloc(3_000_000, 'abcdefg');
    expect((yield* fromPromise(ask('/echo', large, false))) === large.toString()).toBe(true);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const answers = yield* fromPromise(
      Promise.all(Array.from({ length: 50 }, (_, i) => ask(`/${i}`, undefined, agent))),
    );
    expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => `you asked for /${i}`));
    agent.destroy();

    // The client's side on a socket of ours.
    const socket = toDuplex(yield* connect(listener.address as Target));
    expect(socket.remotePort).toBe(port);
    const text = yield* fromPromise(
      new Promise<string>((resolve, reject) => {
        const request = http.get({ path: '/ours', createConnection: () => socket as never }, (response) => {
          response.setEncoding('utf8');
          let all = '';
          response.on('data', (part) => (all += part));
          response.on('end', () => resolve(`${all} from ${response.headers.peer === String(socket.localPort)}`));
        });
        request.on('error', reject);
      }),
    );
    expect(text).toBe('you asked for /ours from true');
    socket.destroy();
    // Nonsense is answered by node:http itself.
    using nonsense = yield* connect(listener.address as Target);
    yield* nonsense.sendAll(Buffer.from('nonsense\r\n\r\n'));
    expect(String(yield* nonsense.recv(1000))).toMatch(/^HTTP\/1\.1 400 Bad Request/);
  }));

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
    const uncaught = new Promise<Error>((resolve) => {
      const before = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const each of before) process.on('uncaughtException', each);
        resolve(error);
      });
    });
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

const folder = mkdtempSync(join(tmpdir(), 'coreactor-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let certificate: { key: Buffer; cert: Buffer };
beforeAll(() => {
  if (!has('openssl')) return;
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  spawnSync('openssl', [...options, '-subj', '/CN=localhost', '-keyout', key, '-out', cert]);
  certificate = { key: readFileSync(key), cert: readFileSync(cert) };
});

testWith(['openssl'], 'tls: both ends on our sockets, as coroutines, a megabyte each way', () =>
  guest(function* () {
    using listener = listen(ANY);
    createTask(function* () {
      const plain = toDuplex(yield* listener.accept());
      using secure = fromDuplex(new tls.TLSSocket(plain, { isServer: true, ...certificate }));
      const all = yield* secure.reader().readExactly(1_000_000);
      yield* secure.sendAll(all);
      secure.endWriting();
      yield* secure.recv(1);
    });
    const socket = toDuplex(yield* connect(listener.address as Target));
    const raw = tls.connect({ socket, ca: certificate.cert, servername: 'localhost' });
    yield* fromPromise(once(raw, 'secureConnect'));
    expect(raw.authorized).toBe(true);
    using secure = fromDuplex(raw);
    const sent = Buffer.alloc(1_000_000, 'tls');
    yield* secure.sendAll(sent);
    expect((yield* secure.reader().readExactly(sent.length)).equals(sent)).toBe(true);
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
);
