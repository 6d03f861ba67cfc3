// What the system shows of a descriptor, without the loop's knowing: TCP may deliver later than the call that sent returns.

import { type Coroutine, sleep } from '../../src/index.ts';
import { READ, WRITE } from '../../src/kernel/selector-port.ts';
import { addon } from '../../src/native/addon.ts';
import { Socket } from '../../src/net/socket.ts';

/** Suspends until there is something to read, where the selector does not receive it: since nobody has waited for it. */
export function* arrived(fd: number): Coroutine<void> {
  while ((addon.readyNow(fd) & READ) === 0) yield* sleep(1);
}

/** A client that is in the listener's queue when this returns. Blocks. */
export function connectNow(host: string, port: number): Socket {
  const [fd] = addon.connectTcp(host, port);
  while ((addon.readyNow(fd) & WRITE) === 0);
  return new Socket(fd, true);
}

export function connectUnixNow(path: string): Socket {
  const fd = addon.openUnix();
  addon.connectUnix(fd, path);
  return new Socket(fd, true);
}
