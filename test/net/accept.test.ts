// Accepting, also where the selector accepts by itself: nobody is lost, nothing stays open, and little comes ahead.

import { expect, test } from 'vitest';
import { moveOnAfter } from '../../src/compose/timeout.ts';
import { type Coroutine, connect, createTask, listen, run, type Socket, sleep } from '../../src/index.ts';
import { thrownIn } from '../kernel/helpers.ts';
import { countDescriptors } from '../support/descriptors.ts';

/** So many clients, connected; each has sent its number. */
function* clientsOf(port: number, count: number): Coroutine<Socket[]> {
  const clients: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const client = yield* connect({ host: '127.0.0.1', port });
    yield* client.sendAll(Uint8Array.of(i & 255, i >> 8));
    clients.push(client);
  }
  return clients;
}

function* numberOf(socket: Socket): Coroutine<number> {
  const bytes = yield* socket.recv(2);
  return (bytes[0] as number) + 256 * (bytes[1] as number);
}

test('connections are accepted in the order in which they came, many more than anybody waits for', () => {
  const before = countDescriptors();
  run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    const first = createTask(function* () {
      using socket = yield* listener.accept(); // from now on a selector may accept ahead
      return yield* numberOf(socket);
    });
    yield* sleep(0);
    const clients = yield* clientsOf(listener.address.port, 300);
    expect(yield* first).toBe(0);
    yield* sleep(20);
    for (let i = 1; i < 300; i++) {
      using socket = yield* listener.accept();
      expect(yield* numberOf(socket)).toBe(i);
    }
    expect(yield* moveOnAfter(5, () => listener.accept())).toBe(undefined);
    for (const client of clients) client.close();
    listener.close();
  });
  expect(countDescriptors()).toBe(before);
});

test('what comes ahead of those who accept is bounded', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    yield* moveOnAfter(1, () => listener.accept());
    const before = countDescriptors();
    const clients = yield* clientsOf(listener.address.port, 400);
    yield* sleep(20);
    // Those that are under way when it says "enough" come too.
    expect(countDescriptors() - before - 400).toBeLessThanOrEqual(64 + 50);
    for (const client of clients) client.close();
  });
});

test('a cancelled accept loses nobody: the next one has the connection', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    const [client] = yield* clientsOf(listener.address.port, 1);
    for (let i = 0; i < 5; i++) {
      const task = createTask(listener.accept());
      if (i > 0) yield* sleep(0);
      task.cancel();
      yield* sleep(2);
      if (task.state === 'returned') task.result().close();
    }
    (client as Socket).close();
    const again = yield* clientsOf(listener.address.port, 1);
    using socket = yield* listener.accept();
    expect(yield* numberOf(socket)).toBe(0);
    for (const each of again) each.close();
  });
});

test('closing the listener tells those who were not accepted, by a reset or an end', () => {
  const before = countDescriptors();
  run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    yield* moveOnAfter(1, () => listener.accept());
    const clients = yield* clientsOf(listener.address.port, 10);
    yield* sleep(5);
    listener.close();
    for (const client of clients) {
      const error = (yield* thrownIn(client.recv(1))) as Error & { code: string };
      expect(error.code).toBe('ECONNRESET');
      client.close();
    }
  });
  expect(countDescriptors()).toBe(before);
});
