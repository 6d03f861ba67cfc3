// Debug mode: sockets' operations are told too when nobody awaits them, though each is one object that is used again.

import { expect, test } from 'vitest';
import { type Coroutine, connect, createTask, listen, run, type Unhandled } from '../../src/index.ts';

function warnings(main: () => Coroutine<void>): string[] {
  const reports: Unhandled[] = [];
  run(main, { debug: true, slowStep: Number.POSITIVE_INFINITY, onUnhandled: (report) => reports.push(report) });
  return reports.map(({ error }) => (error as Error).message.replace(/ and never awaited.*/, ''));
}

test('each operation of a socket and a listener, and connect()', () => {
  const found = warnings(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    listener.accept();
    connect(listener.address);
    using client = yield* connect(listener.address);
    using server = yield* listener.accept();
    const buffer = Buffer.alloc(10);
    for (let i = 0; i < 2; i++) {
      client.send(buffer);
      yield* client.send(buffer);
      client.sendAll(buffer);
      yield* client.sendAll(buffer);
      server.recvInto(buffer);
      yield* server.recvInto(buffer);
      server.recv(3);
      yield* server.recv(3);
      server.recvView();
      yield* server.recvView();
    }
  });
  const calls = ['accept()', 'connect()', 'send()', 'sendAll()', 'recvInto()', 'recv()', 'recvView()'];
  expect(found.sort()).toEqual(calls.map((call) => `Task-1 called ${call}`).sort());
});

test('an echo that forgets nothing is not told of, however its tasks end', () => {
  const found = warnings(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    createTask(function* () {
      for (;;) {
        const socket = yield* listener.accept();
        createTask(function* () {
          for (let part = yield* socket.recv(100); part.length > 0; part = yield* socket.recv(100)) {
            yield* socket.sendAll(part);
          }
        });
      }
    });
    using client = yield* connect(listener.address);
    for (let i = 0; i < 10; i++) {
      yield* client.sendAll(Buffer.from('hello'));
      expect(String(yield* client.recv(5))).toBe('hello');
    }
  });
  expect(found).toEqual([]);
});
