// node:http on sockets of ours: the server's side, the client's, and how a connection ends.

import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { pipeline } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  currentTask,
  fromPromise,
  listen,
  Queue,
  type SocketDuplex,
  sleep,
  toDuplex,
} from '../../src/index.ts';
import { testWith } from '../support/commands.ts';
import { certificate } from './certificate.ts';
import { ANY, guest, once, serve, type Target, until } from './guest.ts';

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

/** A server on our sockets, which counts its connections; `ends` are all that there were. */
function* serving(
  handler: http.RequestListener,
  body: (target: Target, server: http.Server, ends: SocketDuplex[]) => Coroutine<void>,
): Coroutine<void> {
  const server = http.createServer({ connectionsCheckingInterval: 10 }, handler);
  const ends: SocketDuplex[] = [];
  using listener = listen(ANY);
  createTask(
    serve(listener, (duplex) => {
      ends.push(duplex);
      server.emit('connection', duplex);
    }),
  );
  server.emit('listening');
  try {
    yield* body(listener.address as Target, server, ends);
  } finally {
    server.close();
  }
}

/** What comes until the server closes the connection, which the client does not do. */
function* answerTo(target: Target, request: string): Coroutine<string> {
  using socket = yield* connect(target);
  yield* socket.sendAll(Buffer.from(request));
  const parts: Buffer[] = [];
  for (;;) {
    const part = yield* socket.recv(10_000);
    if (part.length === 0) return Buffer.concat(parts).toString();
    parts.push(part);
  }
}

test('http: the server closes the connection after "Connection: close" and for HTTP/1.0, while the client stays', () =>
  guest(() =>
    serving(
      (request, response) => {
        const text = `you asked for ${request.url}`;
        response.setHeader('content-length', text.length).end(text);
      },
      function* (target, _, ends) {
        using stays = yield* connect(target);
        yield* stays.sendAll(Buffer.from('GET /stays HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
        yield* until(() => ends.length === 1 && (ends[0] as SocketDuplex).destroyed);
        expect(String(yield* stays.recv(1000))).toMatch(/you asked for \/stays$/);

        expect(yield* answerTo(target, 'GET /old HTTP/1.0\r\n\r\n')).toMatch(/you asked for \/old$/);
        yield* until(() => (ends[1] as SocketDuplex).destroyed);

        // Unless the client asks for more.
        using keeps = yield* connect(target);
        for (const path of ['/1', '/2']) {
          yield* keeps.sendAll(Buffer.from(`GET ${path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`));
          let answer = '';
          while (!answer.endsWith(path)) answer += String(yield* keeps.recv(1000));
        }
        expect(ends.length).toBe(3);
        expect((ends[2] as SocketDuplex).destroyed).toBe(false);
      },
    ),
  ));

test('http: a body that is larger than what the system holds goes out whole before the connection is closed', () =>
  guest(() => {
    const large = 'x'.repeat(5_000_000);
    return serving(
      (_, response) => response.end(large),
      function* (target) {
        const answer = yield* answerTo(target, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
        expect(answer.endsWith(large)).toBe(true);
      },
    );
  }));

test('http: a connection that keeps alive is closed when it was idle for long; timeouts of a server and a request', () =>
  guest(() =>
    serving(
      (request, response) => {
        if (request.url === '/never') response.setTimeout(20, () => response.end('too late'));
        else response.end('here');
      },
      function* (target, server, ends) {
        server.keepAliveTimeout = 1;
        Object.assign(server, { keepAliveTimeoutBuffer: 1 });
        expect(yield* answerTo(target, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/here$/);
        expect((ends[0] as SocketDuplex).timeout).toBeGreaterThan(0);
        yield* until(() => (ends[0] as SocketDuplex).destroyed);

        expect(yield* answerTo(target, 'GET /never HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/too late/);

        server.headersTimeout = 20;
        expect(yield* answerTo(target, 'GET / HT')).toMatch(/408 Request Timeout/);

        server.headersTimeout = 60_000;
        server.timeout = 20;
        expect(yield* answerTo(target, 'GET / HT')).toBe('');
      },
    ),
  ));

test('http: closeIdleConnections() and closeAllConnections() find our sockets', () =>
  guest(() =>
    serving(
      (request, response) => {
        if (request.url === '/idle') response.end('idle');
      },
      function* (target, server, ends) {
        using idle = yield* connect(target);
        yield* idle.sendAll(Buffer.from('GET /idle HTTP/1.1\r\nHost: a\r\n\r\n'));
        expect(String(yield* idle.recv(1000))).toMatch(/idle/);
        using busy = yield* connect(target);
        yield* busy.sendAll(Buffer.from('GET /busy HTTP/1.1\r\nHost: a\r\n\r\n'));
        yield* until(() => ends.length === 2 && (ends[1] as SocketDuplex).bytesRead > 0);
        server.closeIdleConnections();
        expect((yield* idle.recv(1000)).length).toBe(0);
        expect((ends[1] as SocketDuplex).destroyed).toBe(false);
        server.closeAllConnections();
        expect((yield* busy.recv(1000)).length).toBe(0);
      },
    ),
  ));

test('http: an agent that keeps alive uses a socket of ours again, and lets go of one that the server has closed', () =>
  guest(() =>
    serving(
      (request, response) =>
        response.setHeader('connection', request.url === '/last' ? 'close' : 'keep-alive').end('.'),
      function* (target, _, ends) {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1, timeout: 5000 });
        const own: SocketDuplex[] = [];
        const opening = createTask(function* () {
          for (let i = 0; i < 2; i++) own.push(toDuplex(yield* connect(target)));
        });
        yield* opening;
        const rest = [...own];
        Object.assign(agent, { createConnection: () => rest.shift() });
        const get = (path: string): Promise<boolean> =>
          new Promise((resolve, reject) => {
            const request = http.get({ agent, path, ...target }, (response) => {
              response.resume();
              response.on('end', () => resolve(request.reusedSocket));
            });
            request.on('error', reject);
          });
        const reused: boolean[] = [];
        for (const path of ['/1', '/2', '/last', '/4', '/5']) {
          reused.push(yield* fromPromise(get(path)));
          yield* sleep(5);
        }
        expect(reused).toEqual([false, true, true, false, true]);
        expect(own.map(({ destroyed }) => destroyed)).toEqual([true, false]);
        expect(own[1]?.timeout).toBe(5000);
        agent.destroy();
        yield* until(() => [...own, ...ends].every(({ destroyed }) => destroyed));
      },
    ),
  ));

test('http: a handler belongs to no task of the program, and a queue brings what it hears to one', () =>
  guest(function* () {
    const heard = new Queue<[http.IncomingMessage, http.ServerResponse]>();
    const where: string[] = [];
    const look = (): void => {
      try {
        where.push(currentTask().name);
      } catch (error) {
        where.push((error as { code: string }).code);
      }
    };
    createTask(function* () {
      yield* heard.forEach(([request, response]) => void response.end(`${request.url} by ${currentTask().name}`));
    }).name = 'answerer';
    yield* serving(
      (request, response) => {
        look();
        request.resume().on('end', () => {
          look();
          heard.putNowait([request, response]);
        });
      },
      function* (target) {
        const request = 'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc';
        expect(yield* answerTo(target, request)).toMatch(/\/x by answerer$/);
        expect(where).toEqual([expect.stringMatching(/^reader of a Duplex/), 'ERR_COREACTOR_INVALID_STATE']);
      },
    );
  }));

testWith(['openssl'], 'https: a TLSSocket that was given the address of its Duplex, on a server of node:http', () =>
  guest(function* () {
    const server = http.createServer(({ socket }, response) =>
      response.end(`${(socket as TLSSocket).encrypted} ${socket.remoteAddress}`),
    );
    using listener = listen(ANY);
    createTask(
      serve(listener, (duplex) => {
        const secure = new TLSSocket(duplex, { isServer: true, ...certificate() });
        Object.defineProperty(secure, 'remoteAddress', { value: duplex.remoteAddress });
        server.emit('connection', secure);
      }),
    );
    const options = { ...(listener.address as Target), ca: certificate().cert, servername: 'localhost', agent: false };
    const get = new Promise<string>((resolve, reject) => {
      const request = https.get(options, (response) => {
        let all = '';
        response.on('data', (part) => (all += part));
        response.on('end', () => resolve(all));
      });
      request.on('error', reject);
    });
    expect(yield* fromPromise(get)).toBe('true 127.0.0.1');
  }),
);

test('http2: both ends on sockets of ours', () =>
  guest(function* () {
    const server = http2.createServer((request, response) => {
      pipeline(request, response, () => {});
    });
    using listener = listen(ANY);
    createTask(serve(listener, (duplex) => server.emit('connection', duplex)));
    const socket = toDuplex(yield* connect(listener.address as Target));
    const session = http2.connect('http://localhost', { createConnection: () => socket });
    const large = Buffer.alloc(300_000, 'abcdefg');
    const echo = (): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':method': 'POST', ':path': '/' });
        const parts: Buffer[] = [];
        stream.on('data', (part) => parts.push(part));
        stream.on('end', () => resolve(Buffer.concat(parts)));
        stream.on('error', reject);
        stream.end(large);
      });
    const answers = yield* fromPromise(Promise.all([echo(), echo(), echo()]));
    expect(answers.every((each) => each.equals(large))).toBe(true);
    const closed = once(socket, 'close');
    session.close();
    yield* fromPromise(closed);
  }));
