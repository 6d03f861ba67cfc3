// A descriptor that several threads open for themselves: so Node closes each thread's own when that ends, and who is at the
// other end of the pipe learns of it.

import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';

/** Its number, and which file that is, since a number may come to mean another. It can be sent to a thread as it is. */
export interface SharedFd {
  readonly fd: number;
  readonly inode: number;
}

export function shareFd(fd: number): SharedFd {
  return { fd, inode: statSync(`/dev/fd/${fd}`).ino };
}

/** A descriptor of this thread's own for the same file, non-blocking; null if it was closed where it comes from. */
export function openShared({ fd, inode }: SharedFd, way: 'reading' | 'writing'): number | null {
  const mode = way === 'reading' ? constants.O_RDONLY : constants.O_WRONLY;
  let own: number;
  try {
    own = openSync(`/dev/fd/${fd}`, mode | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  if (fstatSync(own).ino === inode) return own;
  closeSync(own);
  return null;
}
