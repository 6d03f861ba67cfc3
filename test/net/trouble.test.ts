// Peers that break off, do not answer or do not read, a system that has no descriptors left: what the server notices.

import { expect, test } from 'vitest';
import { type Coroutine, connect, createTask, listen, run, type Socket, sleep, timeout } from '../../src/index.ts';
import { thrownBy, thrownIn } from '../kernel/helpers.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { pair } from './pair.ts';

test('H24: clients that reset before they are accepted do not end accepting, nor hide those behind them', () => {
  const before = countDescriptors();
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 });
    yield* timeout(10_000, function* () {
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 5; i++) (yield* connect(listener.address)).reset();
        using honest = yield* connect(listener.address);
        yield* honest.sendAll(Buffer.from('here'));
        for (;;) {
          // One that was reset is either passed over (ECONNABORTED) or a socket whose reading fails.
          using socket = yield* listener.accept();
          const got = yield* outcome(socket);
          if (got === 'here') break;
          expect(got).toBe('ECONNRESET');
        }
      }
    });
  });
  expect(countDescriptors()).toBe(before);
});

test('H24: likewise when somebody waits to accept already', () => {
  const before = countDescriptors();
  run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    const seen: string[] = [];
    const server = createTask(function* () {
      while (seen.at(-1) !== 'last') {
        using socket = yield* listener.accept();
        seen.push(yield* outcome(socket));
      }
    });
    yield* sleep(1);
    for (let i = 0; i < 20; i++) (yield* connect(listener.address)).reset();
    using last = yield* connect(listener.address);
    yield* last.sendAll(Buffer.from('last'));
    yield* timeout(10_000, () => server);
    expect(new Set(seen)).toEqual(new Set(seen.length > 1 ? ['ECONNRESET', 'last'] : ['last']));
    listener.close();
  });
  expect(countDescriptors()).toBe(before);
});

test('H26: a connect that gets no answer can be timed out, and closes its socket', () => {
  run(function* () {
    using listener = listen({ host: '127.0.0.1', port: 0 }, { backlog: 0 });
    const filled: Socket[] = [];
    const fillers = Array.from({ length: 6 }, () =>
      createTask(function* () {
        filled.push(yield* connect(listener.address));
      }),
    );
    yield* sleep(50);
    const before = countDescriptors();
    const error = yield* thrownIn(timeout(20, () => connect(listener.address)));
    expect(error.name).toBe('TimeoutError');
    expect(countDescriptors()).toBe(before);
    for (const filler of fillers) filler.cancel();
    yield* sleep(0);
    for (const socket of filled) socket.close();
  });
});

test('H28: a reader who pauses bounds what the writer of many small messages can send, and gets all of it', () => {
  run(function* () {
    const [a, b] = yield* pair();
    const message = Buffer.alloc(1000, 'x');
    const total = 20_000;
    let sent = 0;
    const writer = createTask(function* () {
      for (; sent < total; sent++) yield* a.sendAll(message);
      a.shutdown();
    });
    let bounded = -1;
    for (let still = 0; still < 50; yield* sleep(1)) {
      still = sent === bounded ? still + 1 : 0;
      bounded = sent;
    }
    expect(sent).toBeLessThan(total);
    let got = 0;
    const buffer = Buffer.alloc(1 << 16);
    for (let n = yield* b.recvInto(buffer); n > 0; n = yield* b.recvInto(buffer)) got += n;
    yield* writer;
    expect(got).toBe(total * message.length);
    a.close();
    b.close();
  });
});

test('H29: a port is not shared with who does not ask for it, whichever of the two it is', () => {
  run(function* () {
    for (const [first, second] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      using listener = listen({ host: '127.0.0.1', port: 0 }, { reusePort: first });
      expect(thrownBy(() => listen(listener.address, { reusePort: second })).code).toBe('EADDRINUSE');
    }
  });
});

/** What is received, or the code of the error. */
function* outcome(socket: Socket): Coroutine<string> {
  try {
    return String(yield* socket.recv(100));
  } catch (error) {
    return (error as { code: string }).code;
  }
}
