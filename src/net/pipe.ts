// A pipe within the process, or to be handed to another one.

import { addon } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';
import { openFd } from './open-fd.ts';
import type { Stream } from './stream.ts';

/** Its two ends. */
export interface Pipe {
  reader: Stream;
  writer: Stream;
}

/**
 * A pipe: what is sent into `writer` is received from `reader`; the end of the stream comes when the writer is closed.
 * Sending to one whose reader is closed fails with EPIPE. Never suspends. (POSIX: pipe)
 * @throws SystemError EMFILE.
 * @example
 * const { reader, writer } = pipe();
 */
export function pipe(): Pipe {
  const ends = addon.makePipe();
  if (typeof ends === 'number') throw new SystemError(ends, 'pipe');
  const [from, to] = ends;
  let reader: Stream | undefined;
  try {
    reader = openFd(from);
    return { reader, writer: openFd(to) };
  } catch (error) {
    if (reader === undefined) addon.closeDescriptor(from);
    else reader.close();
    addon.closeDescriptor(to);
    throw error;
  }
}
