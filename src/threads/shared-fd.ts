// A descriptor that several threads have, each by a number of its own: so each thread's is closed when that ends, and who is
// at the other end of the pipe learns of it.

import { addon } from '../native/addon.ts';

/** Its number, and which file that is, since a number may come to mean another. It can be sent to a thread as it is. */
export interface SharedFd {
  readonly fd: number;
  readonly identity: number;
}

export function shareFd(fd: number): SharedFd {
  return { fd, identity: addon.identify(fd) };
}

/** A descriptor of this thread's own for the same file; null if it was closed where it comes from. */
export function openShared({ fd, identity }: SharedFd): number | null {
  const own = addon.duplicate(fd);
  if (own < 0) return null;
  if (addon.identify(own) === identity) return own;
  addon.closeDescriptor(own);
  return null;
}
