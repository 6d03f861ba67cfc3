// Clients that are connected before the loop has seen anything of it.

import { WRITE } from '../../src/kernel/selector-port.ts';
import { addon } from '../../src/native/addon.ts';
import { checked } from '../../src/native/system-error.ts';
import { Socket } from '../../src/net/socket.ts';

/** Blocks until the handshake is over, as far as the client knows: as a rule it is in the listener's queue then. */
export function connectNow(host: string, port: number): Socket {
  const fd = checked(addon.connectTcp(host, port)[0], 'connect', { what: host });
  while ((addon.readyNow(fd) & WRITE) === 0);
  return new Socket(fd, true);
}
