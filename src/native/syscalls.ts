// The plain system calls on non-blocking sockets, for programs that turn the bare Selector by hand. Each returns null
// where POSIX says EAGAIN ("not now: ask the selector") and throws a SystemError for any other failure.

import { constants } from 'node:os';
import { addon } from './addon.ts';
import { checkBacklog, formatAddress, type InternetAddress, resolve } from './address.ts';
import { checkFd } from './descriptor.ts';
import { checked } from './system-error.ts';
import { Window } from './window.ts';

const AGAIN = -constants.errno.EAGAIN;

function tryOn(fd: number, syscall: string, result: number): number | null {
  return result === AGAIN ? null : checked(result, syscall, { fd });
}

export const syscalls = Object.freeze({
  /** A listening TCP socket: `{ fd, address }`, with the port the system chose for port 0. */
  listen(target: { host?: string; port: number }, backlog = 4096): { fd: number; address: InternetAddress } {
    const { host, port } = resolve(target, '127.0.0.1', 'syscalls.listen()');
    const fd = checked(addon.listenTcp(host, port, checkBacklog(backlog), false, false), 'listen', {
      what: `on ${formatAddress({ host, port })}`,
    });
    const [localHost, localPort] = addon.localAddress(fd) as [string, number];
    return { fd, address: { host: localHost, port: localPort } };
  },

  /** The descriptor of a new connection, non-blocking and closed on exec; null if none waits. */
  accept(fd: number): number | null {
    checkFd(fd, 'accept');
    return tryOn(fd, 'accept', addon.accept(fd));
  },

  /** Receives into the buffer (or its stretch): how many bytes, 0 at the end of the stream; null if none are there. */
  recv(fd: number, buffer: Uint8Array, offset = 0, length?: number): number | null {
    checkFd(fd, 'recv');
    const window = new Window();
    window.point(buffer, offset, length);
    return tryOn(fd, 'recv', window.receive(fd));
  },

  /** Sends what the kernel takes: how many bytes; null if it has no room. */
  send(fd: number, buffer: Uint8Array, offset = 0, length?: number): number | null {
    checkFd(fd, 'send');
    const window = new Window();
    window.point(buffer, offset, length);
    return tryOn(fd, 'send', window.transmit(fd, 0));
  },

  /** Unregister the descriptor from its selector first. */
  close(fd: number): void {
    checkFd(fd, 'close');
    checked(addon.closeDescriptor(fd), 'close', { fd });
  },
});
