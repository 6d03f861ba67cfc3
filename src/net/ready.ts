// readable() and writable(): to wait for a descriptor that somebody else reads or writes.

import { BusyError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { Readiness } from '../kernel/readiness.ts';
import { READ, WRITE } from '../kernel/selector-port.ts';
import { addon } from '../native/addon.ts';
import { checkFd } from '../native/descriptor.ts';
import { checked } from '../native/system-error.ts';

/** A descriptor while somebody waits for it: registered once, for both sides. */
interface Watched {
  readonly readiness: Readiness;
  waiters: number;
}

const watched = new WeakMap<Kernel, Map<number, Watched>>();

function watch(kernel: Kernel, fd: number): Watched {
  const all = watched.get(kernel) ?? new Map<number, Watched>();
  watched.set(kernel, all);
  let found = all.get(fd);
  if (found === undefined) {
    try {
      found = { readiness: new Readiness(fd, READ | WRITE, () => all.delete(fd)), waiters: 0 };
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
      throw new BusyError(`fd ${fd} belongs to a socket or a stream of this loop: receive from that, or send`);
    }
    all.set(fd, found);
  }
  found.waiters++;
  return found;
}

function* until(kernel: Kernel, fd: number, side: number): Coroutine<void> {
  const found = watch(kernel, fd);
  const { readiness } = found;
  try {
    if ((checked(addon.readyNow(fd), 'poll', { fd }) & side) !== 0) return;
    // Whatever was told before is over, and what comes will be told.
    if (side === READ) {
      readiness.checkReader();
      readiness.readable = false;
      yield* readiness.whenReadable(`readable(${fd})`);
    } else {
      readiness.checkWriter();
      readiness.writable = false;
      yield* readiness.whenWritable(`writable(${fd})`);
    }
  } finally {
    if (--found.waiters === 0) {
      watched.get(kernel)?.delete(fd);
      readiness.remove();
    }
  }
}

/**
 * Suspends until the descriptor can be read without blocking: there is data, an end, an error. It is registered for this
 * wait only and stays yours; do not close it meanwhile. (POSIX: poll; libuv: uv_poll)
 * @throws SystemError EBADF, EPERM (a regular file: always ready); BusyError while another task waits for the same side, or if
 * a stream of the loop has it.
 * @example
 * yield* readable(fd);
 * readSync(fd, buffer);
 */
export function readable(fd: number): Operation<void> {
  checkFd(fd, 'readable()');
  return made(until(currentKernel('readable()'), fd, READ), 'readable()');
}

/** Suspends until the descriptor can be written without blocking. As readable(). */
export function writable(fd: number): Operation<void> {
  checkFd(fd, 'writable()');
  return made(until(currentKernel('writable()'), fd, WRITE), 'writable()');
}
