// The standard streams of the process: of a terminal, a pipe, a socket, or a file.

import { constants } from 'node:os';
import { currentKernel } from '../kernel/here.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { FdStream } from './open-fd.ts';
import type { Stream } from './stream.ts';

/** One stream for each descriptor and loop: whoever asks again gets the same. */
const streams = new WeakMap<Kernel, Map<number, Stream>>();

function standard(fd: number, caller: string): Stream {
  const kernel = currentKernel(caller);
  const known = streams.get(kernel) ?? new Map<number, Stream>();
  streams.set(kernel, known);
  let stream = known.get(fd);
  if (stream === undefined || stream.closed) {
    stream = open(fd);
    known.set(fd, stream);
  }
  return stream;
}

// A file, /dev/null: it is always ready, and nothing needs to be waited for.
function open(fd: number): Stream {
  try {
    return new FdStream(fd, false);
  } catch (error) {
    if ((error as { errno?: number }).errno !== -constants.errno.EPERM) throw error;
    return new FdStream(fd, false, false);
  }
}

/**
 * What the process reads: a terminal (a line at a time), a pipe, a file. The same Stream whenever it is asked for. It never
 * closes the descriptor; close(), or the end of the run, gives back the blocking mode that it had.
 * @example
 * const line = yield* stdin().reader().readLine();
 */
export function stdin(): Stream {
  return standard(0, 'stdin()');
}

/**
 * What the process writes. console.log() goes the same way at once, without waiting: what is sent here before is out
 * before, for nothing is kept back; but into a full pipe, console.log() may come before the rest of a sendAll(). While the
 * stream is open, console.log() into a full pipe may fail with EAGAIN: a program that prints much uses one of the two.
 */
export function stdout(): Stream {
  return standard(1, 'stdout()');
}

/** Where the process writes what went wrong. See stdout(). */
export function stderr(): Stream {
  return standard(2, 'stderr()');
}
