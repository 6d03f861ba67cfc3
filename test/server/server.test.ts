// Server: a task for each connection, limits, failures that stop nobody, and the end: drain, deadline, force.

import { existsSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  allTasks,
  type Coroutine,
  callSoon,
  connect,
  createTask,
  Event,
  gather,
  type Handler,
  Listener,
  listen,
  run,
  Server,
  type ServerOptions,
  sleep,
  type Task,
  timeout,
  type Unhandled,
  wait,
} from '../../src/index.ts';
import { addon } from '../../src/native/addon.ts';
import { Socket } from '../../src/net/socket.ts';
import { thrownIn } from '../kernel/helpers.ts';
import { connectNow } from '../net/connect-now.ts';
import { countDescriptors } from '../support/descriptors.ts';

interface Place {
  server: Server;
  serving: Task<void>;
  dial(): Coroutine<Socket>;
}

/** Runs the body beside a server; gives what was reported. Nothing may be left open. */
function serving(handler: Handler, body: (place: Place) => Coroutine<void>, options?: ServerOptions): Unhandled[] {
  const before = countDescriptors();
  const reports: Unhandled[] = [];
  run(
    () =>
      timeout(10_000, function* () {
        const server = new Server(listen({ host: '127.0.0.1', port: 0 }), handler, options);
        const task = createTask(server.serve());
        const { address } = server.listener;
        yield* body({ server, serving: task, dial: () => connect(address as { host: string; port: number }) });
      }),
    { onUnhandled: (report) => reports.push(report) },
  );
  expect(countDescriptors()).toBe(before);
  return reports;
}

function* echo(socket: Socket): Coroutine<void> {
  for (;;) {
    const data = yield* socket.recv(1000);
    if (data.length === 0) return;
    yield* socket.sendAll(data);
  }
}

function* ask(socket: Socket, text: string): Coroutine<string> {
  yield* socket.sendAll(Buffer.from(text));
  return (yield* socket.recv(1000)).toString();
}

function* until(condition: () => boolean): Coroutine<void> {
  while (!condition()) yield* sleep(1);
}

test('it serves many at once, and close() waits for those who are at work', () => {
  const reports = serving(echo, function* ({ server, serving, dial }) {
    const sockets = yield* gather(Array.from({ length: 10 }, dial));
    expect(yield* gather(sockets.map((socket, i) => ask(socket, `${i}`)))).toEqual([...'0123456789']);
    expect([server.connections, server.closing]).toEqual([10, false]);
    const closing = createTask(server.close());
    yield* serving;
    expect(yield* ask(sockets[0] as Socket, 'still here?')).toBe('still here?');
    expect([closing.done, server.closing, server.connections]).toEqual([false, true, 10]);
    for (const socket of sockets) socket.close();
    yield* closing;
    expect(server.connections).toBe(0);
  });
  expect(reports).toEqual([]);
});

test('after the deadline the rest is cancelled, and its clean-up awaited', () => {
  const log: string[] = [];
  serving(
    function* (socket) {
      try {
        yield* echo(socket);
      } finally {
        yield* sleep(5);
        log.push('cleaned up');
      }
    },
    function* ({ server, dial }) {
      const socket = yield* dial();
      yield* ask(socket, 'x');
      yield* server.close({ drain: 10 });
      expect([log, server.connections]).toEqual([['cleaned up'], 0]);
      expect((yield* socket.recv(1)).length).toBe(0);
    },
  );
});

test('what is idle ends at once, what is at work does not', () => {
  const log: string[] = [];
  const [atWork, mayAnswer] = [new Event(), new Event()];
  serving(
    function* (socket, server) {
      for (;;) {
        const request = yield* server.whileIdle(() => socket.recv(100));
        if (request === undefined || request.length === 0) break;
        atWork.set();
        yield* mayAnswer.wait();
        yield* socket.sendAll(request);
      }
      log.push('ended');
    },
    function* ({ server, dial }) {
      const [idle, busy] = yield* gather([dial(), dial()]);
      const answer = createTask(() => ask(busy as Socket, 'work'));
      yield* atWork.wait();
      yield* until(() => server.connections === 2);
      const closing = createTask(server.close());
      expect((yield* (idle as Socket).recv(1)).length).toBe(0);
      expect([log, closing.done, answer.done]).toEqual([['ended'], false, false]);
      mayAnswer.set();
      expect(yield* answer).toBe('work');
      yield* closing;
      expect(log).toEqual(['ended', 'ended']);
    },
  );
});

test('a handler that fails is reported and stops nobody; a peer that breaks off is no failure', () => {
  const heard: string[] = [];
  const reports = serving(
    function* (socket) {
      const first = (yield* socket.recv(10)).toString();
      heard.push(first);
      if (first === 'fail') throw new Error('of the handler');
      yield* echo(socket);
    },
    function* ({ server, dial }) {
      const [bad, rude, good] = yield* gather([dial(), dial(), dial()]);
      yield* (bad as Socket).sendAll(Buffer.from('fail'));
      expect((yield* (bad as Socket).recv(1)).length).toBe(0);
      yield* (rude as Socket).sendAll(Buffer.from('x'));
      yield* until(() => heard.includes('x'));
      (rude as Socket).reset();
      yield* (good as Socket).sendAll(Buffer.from('y'));
      yield* until(() => heard.includes('y'));
      expect(yield* ask(good as Socket, 'fine')).toBe('fine');
      yield* until(() => server.connections === 1);
      (good as Socket).close();
      yield* server.close();
    },
  );
  expect(reports.map(({ error }) => (error as Error).message)).toEqual(['of the handler']);
});

test('maxConnections: the others wait until there is a place', () => {
  serving(
    echo,
    function* ({ server, dial }) {
      const [one, two, three] = yield* gather([dial(), dial(), dial()]); // the system has taken them
      yield* gather([ask(one as Socket, 'a'), ask(two as Socket, 'b')]);
      const third = createTask(() => ask(three as Socket, 'c'));
      yield* sleep(5);
      expect([server.connections, third.done]).toEqual([2, false]);
      (one as Socket).close();
      expect(yield* third).toBe('c');
      expect(server.connections).toBe(2);
      yield* server.close({ drain: 0 });
    },
    { maxConnections: 2 },
  );
});

test('a close() that is cancelled cancels them at once, and waits for their clean-up', () => {
  const log: string[] = [];
  serving(
    function* (socket) {
      try {
        yield* echo(socket);
      } finally {
        yield* sleep(2);
        log.push('cleaned up');
      }
    },
    function* ({ server, dial }) {
      const socket = yield* dial();
      yield* ask(socket, 'x');
      const closing = createTask(server.close());
      yield* sleep(1);
      closing.cancel();
      while (!closing.done) yield* sleep(1);
      expect([closing.cancelled, log, server.connections]).toEqual([true, ['cleaned up'], 0]);
    },
  );
});

test('S30: a run that ends without close() leaves nothing open either; serve() is called once', () => {
  const reports = serving(echo, function* ({ server, dial }) {
    yield* ask(yield* dial(), 'x');
    expect(() => server.serve().next()).toThrow(/one task accepts/);
  });
  expect(reports).toEqual([]);
});

function connectUnix(path: string): number {
  const fd = addon.openUnix();
  addon.connectUnix(fd, path);
  return fd;
}

/** Clients that are in the system's queue, and nobody has seen them yet; each has said its number. */
function waiting(listener: Listener, count: number): Socket[] {
  const address = listener.address as unknown as Partial<{ host: string; port: number; path: string }>;
  return Array.from({ length: count }, (_, i) => {
    const { host = '', port = 0, path } = address;
    const socket = path === undefined ? connectNow(host, port) : new Socket(connectUnix(path), true);
    writeSync(socket.fd, `${i}`);
    return socket;
  });
}

/** What the server says to them, and then their ends: the code of an error, too. */
function* answersTo(clients: Socket[]): Coroutine<string[]> {
  const answers: string[] = [];
  for (const client of clients) {
    try {
      const answer = (yield* client.recv(100)).toString();
      if (answer !== '') expect((yield* client.recv(100)).toString()).toBe('');
      answers.push(answer);
    } catch (error) {
      answers.push((error as { code: string }).code);
    }
    client.close();
  }
  return answers;
}

function* once(socket: Socket): Coroutine<void> {
  yield* socket.sendAll(yield* socket.recv(100));
}

function* keptAlive(socket: Socket, server: Server): Coroutine<void> {
  for (;;) {
    const request = yield* server.whileIdle(() => socket.recv(100));
    if (request === undefined || request.length === 0) return;
    yield* socket.sendAll(request);
  }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

test.each([
  ['once', once],
  ['as long as they wish', keptAlive],
])('close() serves those who have connected before and nobody has accepted yet: %s', (_, handler) => {
  // In the queue, and, where the selector accepts by itself, on their way from it.
  for (const turns of [0, 1, 2, 3]) {
    const reports = serving(handler, function* ({ server, serving }) {
      yield* sleep(0); // serve() accepts
      const clients = waiting(server.listener, 200);
      for (let i = 0; i < turns; i++) yield* sleep(0);
      const closing = createTask(server.close());
      expect(yield* answersTo(clients)).toEqual(numbers(200));
      yield* serving;
      yield* closing;
      expect([server.connections, server.listener.closed]).toEqual([0, true]);
    });
    expect(reports).toEqual([]);
  }
});

test('close() serves those who connect in the very turns in which it is at that', () => {
  const reports = serving(keptAlive, function* ({ server, serving, dial }) {
    // A selector that accepts by itself may do so whenever it is called: to forget one who is waiting, too.
    const others = yield* gather(Array.from({ length: 20 }, dial));
    for (const socket of others)
      createTask(socket.recv(1)).addDoneCallback((task) => task.state === 'failed' && task.exception());
    yield* until(() => server.connections === 20);
    const clients = waiting(server.listener, 3);
    const come = (): void => {
      if (server.listener.closed) return;
      clients.push(...waiting(server.listener, 1));
      others.pop()?.close();
      callSoon(come);
    };
    callSoon(come);
    yield* sleep(0);
    yield* server.close();
    yield* serving;
    expect(clients.length).toBeGreaterThan(3);
    expect(yield* answersTo(clients)).toEqual(['0', '1', '2', ...clients.slice(3).map(() => '0')]);
    for (const socket of others) socket.close();
  });
  expect(reports).toEqual([]);
});

test('of those who wait at a close() as many are served as have a place; the others get a reset', () => {
  for (const busy of [0, 1, 2, 3]) {
    const mayEnd = new Event();
    serving(
      function* (socket) {
        if ((yield* socket.recv(1)).toString() === 'x') yield* mayEnd.wait();
        else yield* socket.sendAll(Buffer.from('served'));
      },
      function* ({ server, dial }) {
        const first = yield* gather(Array.from({ length: busy }, dial));
        for (const socket of first) yield* socket.sendAll(Buffer.from('x'));
        yield* until(() => server.connections === busy);
        yield* sleep(0);
        const clients = waiting(server.listener, 5);
        const closing = createTask(server.close());
        const expected = clients.map((_, i) => (i < 3 - busy ? 'served' : 'ECONNRESET'));
        expect(yield* answersTo(clients)).toEqual(expected);
        mayEnd.set();
        yield* closing;
        for (const socket of first) socket.close();
      },
      { maxConnections: 3 },
    );
  }
});

test('who says nothing after having connected keeps no server from its end', () => {
  for (const patience of [0, 5]) {
    serving(keptAlive, function* ({ server, dial }) {
      const silent = yield* dial();
      yield* sleep(patience);
      yield* server.close();
      expect((yield* silent.recv(1)).length).toBe(0);
    });
  }
});

test('nobody is taken at a close() with no time for it, at one that is cancelled, and by a server that does not serve', () => {
  for (const way of ['no time', 'cancelled', 'not served', 'closed']) {
    let entered = 0;
    run(function* () {
      const server = new Server(listen({ host: '127.0.0.1', port: 0 }), function* (socket) {
        entered++;
        yield* once(socket);
      });
      if (way !== 'not served') createTask(server.serve()).addDoneCallback((task) => task.exception());
      yield* sleep(0);
      const clients = waiting(server.listener, 5);
      if (way === 'closed') server.listener.close();
      const closing = createTask(server.close({ drain: way === 'no time' ? 0 : null }));
      if (way === 'cancelled') createTask(() => sleep(0)).addDoneCallback(() => closing.cancel());
      if (way === 'cancelled') yield* until(() => closing.done);
      else yield* closing;
      const answers = yield* answersTo(clients);
      if (way !== 'cancelled') expect(answers).toEqual(clients.map(() => 'ECONNRESET'));
      expect([server.listener.closed, server.connections]).toEqual([true, 0]);
    });
    if (way !== 'cancelled') expect(entered).toBe(0);
  }
});

test('close() out of descriptors ends all the same; so does one behind whose back the descriptor was closed', () => {
  for (const errno of [constants.errno.EMFILE, constants.errno.EBADF]) {
    const reports: Unhandled[] = [];
    run(
      function* () {
        const [reader, writer] = addon.makePipe() as [number, number];
        const address = { host: '127.0.0.1', port: 1 };
        const server = new Server(
          new Listener(reader, { address, take: (fd) => (fd < 0 ? -constants.errno.EBADF : -errno) }),
          once,
        );
        const serving = createTask(server.serve());
        yield* sleep(0);
        writeSync(writer, 'x');
        yield* timeout(10_000, () => server.close());
        yield* wait([serving]);
        expect(serving.done).toBe(true);
        if (serving.state === 'failed') expect(serving.exception()).toMatchObject({ code: 'EBADF' });
        addon.closeDescriptor(writer);
      },
      { onUnhandled: (report) => reports.push(report) },
    );
    expect(reports.filter(({ kind }) => kind !== 'warning')).toEqual([]);
  }
});

test('who has connected to a Unix socket before a close() is served, too; two that close at once lose nobody', () => {
  const path = join(tmpdir(), `coreactor-server-${process.pid}.sock`);
  run(function* () {
    const server = new Server(listen({ path }), keptAlive);
    createTask(server.serve());
    yield* sleep(0);
    const clients = waiting(server.listener, 20);
    yield* gather([server.close(), server.close()]);
    expect(yield* answersTo(clients)).toEqual(numbers(20));
    expect(existsSync(path)).toBe(false);
  });
});

test('a handler that closes its server itself is told how, and the server goes on; by a task of its own it can', () => {
  const errors: unknown[] = [];
  const reports = serving(
    function* (socket, server) {
      errors.push(yield* thrownIn(server.close()));
      yield* echo(socket);
      createTask(server.close());
    },
    function* ({ dial, serving }) {
      const socket = yield* dial();
      expect(yield* ask(socket, 'x')).toBe('x');
      socket.close();
      yield* serving;
    },
  );
  expect(reports).toEqual([]);
  expect(errors).toMatchObject([
    { code: 'ERR_COREACTOR_INVALID_STATE', message: expect.stringContaining('createTask(server.close())') },
  ]);
});

test('bad arguments are refused', () => {
  run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    expect(() => new Server(listener, undefined as never)).toThrow(TypeError);
    expect(() => new Server(listener, echo, { maxConnections: 0 })).toThrow(RangeError);
    expect(() => new Server(listener, echo, { maxConnections: Number.NaN })).toThrow(RangeError);
    yield* sleep(0);
  });
});

test('a drain that is no duration is refused, and nothing is closed', () => {
  serving(echo, function* ({ server, dial }) {
    const socket = yield* dial();
    for (const drain of [Number.NaN, '10' as never]) expect(() => server.close({ drain })).toThrow(/close\(\)/);
    yield* socket.sendAll(Buffer.from('on'));
    expect(String(yield* socket.recv(2))).toBe('on');
    expect([server.closing, server.listener.closed]).toEqual([false, false]);
    socket.close();
    yield* server.close();
  });
});

test('a connection that is cancelled before its first step is closed all the same', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    using client = yield* connect(listener.address as { host: string; port: number });
    const accept = listener.accept.bind(listener);
    const socket = yield* accept();
    let steps = 0;
    // It is asked for the next connection in the step that has made the task of the first.
    listener.accept = function* () {
      if (steps++ === 0) return socket;
      for (const task of allTasks()) if (task.name === `connection ${socket.fd}`) task.cancel();
      return yield* accept();
    };
    let entered = false;
    const server = new Server(listener, function* () {
      entered = true;
    });
    createTask(server.serve());
    expect((yield* timeout(10_000, () => client.recv(1))).length).toBe(0);
    expect([entered, socket.closed, server.connections]).toEqual([false, true, 0]);
    yield* server.close();
  });
});

test('serve() fails with what accept() has failed with, if close() was not called', () => {
  const reports = serving(echo, function* ({ server, serving }) {
    yield* sleep(0);
    server.listener.close();
    expect((yield* thrownIn(serving)).code).toBe('ERR_COREACTOR_CLOSED');
  });
  expect(reports).toEqual([]);
});
