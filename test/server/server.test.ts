// Server: a task for each connection, limits, failures that stop nobody, and the end: drain, deadline, force.

import { expect, test } from 'vitest';
import {
  allTasks,
  type Coroutine,
  connect,
  createTask,
  Event,
  gather,
  type Handler,
  type Listener,
  listen,
  run,
  Server,
  type ServerOptions,
  type Socket,
  sleep,
  type Task,
  timeout,
  type Unhandled,
} from '../../src/index.ts';
import { thrownIn } from '../kernel/helpers.ts';
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
  const reports = serving(
    function* (socket) {
      if ((yield* socket.recv(10)).toString() === 'fail') throw new Error('of the handler');
      yield* echo(socket);
    },
    function* ({ server, dial }) {
      const [bad, rude, good] = yield* gather([dial(), dial(), dial()]);
      yield* (bad as Socket).sendAll(Buffer.from('fail'));
      expect((yield* (bad as Socket).recv(1)).length).toBe(0);
      yield* (rude as Socket).sendAll(Buffer.from('x'));
      yield* sleep(1);
      (rude as Socket).reset();
      yield* (good as Socket).sendAll(Buffer.from('x'));
      yield* sleep(1);
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

test('bad arguments are refused', () => {
  run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    expect(() => new Server(listener, undefined as never)).toThrow(TypeError);
    expect(() => new Server(listener, echo, { maxConnections: 0 })).toThrow(RangeError);
    expect(() => new Server(listener, echo, { maxConnections: Number.NaN })).toThrow(RangeError);
    yield* sleep(0);
  });
});

test('a connection that is cancelled before its first step is closed all the same', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    using client = yield* connect(listener.address as { host: string; port: number });
    const socket = yield* listener.accept();
    let steps = 0;
    // It is asked for the next connection in the step that has made the task of the first.
    function* accept(): Coroutine<Socket> {
      if (steps++ === 0) return socket;
      for (const task of allTasks()) if (task.name === `connection ${socket.fd}`) task.cancel();
      return yield* listener.accept();
    }
    let entered = false;
    const server = new Server({ accept, close: () => listener.close() } as unknown as Listener, function* () {
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
