// What becomes of bytes that a closed socket has taken over and the system has not.

import { expect, test } from 'vitest';
import { type Coroutine, run, type Socket, sleep, timeout } from '../../src/index.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { pair } from './pair.ts';

/** Sends in small pieces until the system takes no more and a rest is left; gives how many bytes. */
function* fill(socket: Socket): Coroutine<number> {
  const piece = Buffer.alloc(4000, 'x');
  let sent = 0;
  for (;;) {
    const count = socket.trySend(piece);
    if (count === 0) return sent;
    sent += count;
    yield* sleep(0);
  }
}

function runs(body: () => Coroutine<void>): void {
  run(() => timeout(20_000, body) as Coroutine<void>);
}

test('H27: what was taken over arrives after close(), however late the peer reads', () => {
  runs(function* () {
    const [sender, receiver] = yield* pair();
    const sent = yield* fill(sender);
    sender.close();
    let got = 0;
    for (;;) {
      const { length } = yield* receiver.recv(65_536);
      if (length === 0) break;
      got += length;
      yield* sleep(0);
    }
    expect(got).toBe(sent);
    receiver.close();
  });
});

test('H28: two ends that are closed with bytes for each other do not wait for each other', () => {
  runs(function* () {
    const before = countDescriptors();
    const [one, other] = yield* pair();
    yield* fill(one);
    yield* fill(other);
    one.close();
    other.close();
    while (countDescriptors() > before) yield* sleep(5);
  });
});
