// Unix sockets: what is different from TCP. Their address is a path, and a listener's is a file that somebody has to
// remove; a connection is made at once or not at all, and nothing tells when there is room for one.

import { lstatSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import type { Coroutine } from '../kernel/operation.ts';
import { sleep } from '../kernel/sleep.ts';
import { addon } from '../native/addon.ts';
import { checkPath, formatAddress } from '../native/address.ts';
import { checked, SystemError } from '../native/system-error.ts';
import { Socket } from './socket.ts';

const AGAIN = -constants.errno.EAGAIN;

/** How long a connect waits before it asks again whether the listener has room, in milliseconds: twice as long each time. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 64;

/** What an errno means for a path; the general advice is about descriptors and ports. */
const ADVICE: Record<number, string> = {
  [-constants.errno.EADDRINUSE]:
    'the file exists: another process listens there, or one that crashed has left it; if nobody does, unlink it first',
  [-constants.errno.ECONNREFUSED]: 'nobody listens there any more: the server has ended and left its file',
  [-constants.errno.ENOENT]: 'there is no such path: is the server running?',
  [-constants.errno.EACCES]: 'the permissions of the file or of a directory on its path forbid it',
  [-constants.errno.EPERM]: 'the system forbids a socket file there',
  [-constants.errno.EPROTOTYPE]: 'the socket there is none for streams',
};

function checkedPath(result: number, syscall: string, path: string): number {
  if (result >= 0) return result;
  const what = `${syscall === 'listen' ? 'on' : 'to'} ${formatAddress({ path })}`;
  throw new SystemError(result, syscall, { what, advice: ADVICE[result] });
}

/** Connects; while the listener's queue is full, it suspends and tries again, until it is cancelled. */
export function* connectUnix(path: string): Coroutine<Socket> {
  checkPath(path, 'connect()');
  const fd = checked(addon.openUnix(), 'socket');
  let result = AGAIN;
  try {
    result = addon.connectUnix(fd, path);
    for (let pause = FIRST_PAUSE; result === AGAIN; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      yield* sleep(pause);
      result = addon.connectUnix(fd, path);
    }
    checkedPath(result, 'connect', path);
  } finally {
    if (result < 0) addon.closeDescriptor(fd);
  }
  return new Socket(fd, true);
}

/** The descriptor of a listener at a path. */
export function listenUnix(path: string, backlog: number): number {
  return checkedPath(addon.listenUnix(checkPath(path, 'listen()'), backlog), 'listen', path);
}

/** The file of a listening Unix socket: removed with it, unless it is somebody else's by then. */
export class SocketFile {
  readonly #path: string;
  readonly #identity: string;

  private constructor(path: string, identity: string) {
    this.#path = path;
    this.#identity = identity;
  }

  /** The file at a path that was just bound; null if it has none, being abstract. */
  static at(path: string): SocketFile | null {
    if (path.startsWith('\0')) return null;
    const absolute = resolve(path); // the working directory may change
    const identity = identityOf(absolute);
    return identity === null ? null : new SocketFile(absolute, identity);
  }

  /** To be called while the socket is open: so long nobody else can have its inode. */
  remove(): void {
    if (identityOf(this.#path) !== this.#identity) return;
    try {
      unlinkSync(this.#path);
    } catch {
      // The directory is not ours any more. The listener ends all the same.
    }
  }
}

function identityOf(path: string): string | null {
  try {
    const { dev, ino } = lstatSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
