// connect: a TCP connection as an operation.

import { made } from '../kernel/made.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { addon } from '../native/addon.ts';
import { formatAddress, resolve } from '../native/address.ts';
import { checked } from '../native/system-error.ts';
import { Socket } from './socket.ts';

/**
 * Connects to an IP address (default host 127.0.0.1) and gives the Socket; suspends during the handshake. Cancelled
 * meanwhile, it closes the socket. (POSIX: connect)
 * @throws SystemError ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ...; RangeError for a bad port or host.
 * @example
 * using socket = yield* connect({ port: 7000 });
 */
export function connect(target: { host?: string; port: number }): Coroutine<Socket> {
  return made(connecting(target), 'connect()');
}

function* connecting(target: { host?: string; port: number }): Coroutine<Socket> {
  const address = resolve(target, '127.0.0.1', 'connect()');
  const [fd, pending] = addon.connectTcp(address.host, address.port);
  checked(fd, 'connect', { what: `to ${formatAddress(address)}` });
  const socket = new Socket(fd, !pending);
  let established = false;
  try {
    yield* socket.connected(address);
    established = true;
    return socket;
  } finally {
    if (!established) socket.close();
  }
}
