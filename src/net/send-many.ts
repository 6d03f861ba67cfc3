// Sends what is more than one buffer: several, or a file. Straight to the system, behind all that was put off before.

import { closeSync, openSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { ArgumentRangeError, ArgumentTypeError } from '../kernel/errors.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { closedError, type Readiness } from '../kernel/readiness.ts';
import { addon } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';
import { sendFailure } from './failure.ts';

const { EAGAIN, EINVAL, ENOSYS } = constants.errno;
/** What goes with one call: while it runs, nobody else does. */
const MOST = 1 << 20;
const COPIED = 65_536;

/** What of a file. */
export interface FileStretch {
  /** In bytes. Default 0. */
  offset?: number;
  /** In bytes. Default: to the end. */
  length?: number;
}

/** One call that sends some of it: how many bytes went, or -errno; `done` have gone before. */
type Transmit = (fd: number, done: number) => number;

/** Repeats the call until `total` bytes have gone, or nothing more goes; `tell` hears how many have. */
function* sendThrough(
  readiness: Readiness,
  call: Transmit,
  total: number,
  tell: (done: number) => void,
): Coroutine<number> {
  if (readiness.mailbox !== null && readiness.bundle === readiness.mailbox.bundle) readiness.flush();
  let done = 0;
  while (done < total) {
    yield* readiness.whenWritable(`send on fd ${readiness.fd}`);
    if (readiness.closed) throw closedError('stream');
    const failure = sendFailure(readiness);
    if (failure !== null) throw Object.assign(failure, { bytesSent: done });
    const count = call(readiness.fd, done);
    if (count === -EAGAIN) readiness.writable = false;
    else if (count < 0) throw Object.assign(new SystemError(count, 'send', { fd: readiness.fd }), { bytesSent: done });
    else if (count === 0) break;
    else {
      done += count;
      tell(done);
    }
  }
  return done;
}

export function checkBuffers(buffers: readonly Uint8Array[]): number {
  let total = 0;
  for (const buffer of buffers) {
    if (!(buffer instanceof Uint8Array)) {
      throw new ArgumentTypeError(
        `sendAll() takes Uint8Arrays, and one of the list is ${typeof buffer}: encode strings first`,
      );
    }
    total += buffer.length;
  }
  return total;
}

export function sendList(
  readiness: Readiness,
  buffers: readonly Uint8Array[],
  total: number,
  tell: (done: number) => void,
): Coroutine<number> {
  let index = 0; // the buffer that is on its way,
  let before = 0; // and how many bytes those before it have
  const call: Transmit = (fd, done) => {
    while (index < buffers.length && done - before >= (buffers[index] as Uint8Array).length) {
      before += (buffers[index++] as Uint8Array).length;
    }
    return addon.transmitMany(fd, buffers, index, done - before);
  };
  return sendThrough(readiness, call, total, tell);
}

export function checkStretch({ offset = 0, length }: FileStretch): void {
  for (const [name, value] of Object.entries({ offset, length: length ?? 0 })) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new ArgumentRangeError(
      `sendFile() was given ${name} ${value}: it must be a whole number of bytes, 0 or more`,
    );
  }
}

export function* sendFile(
  readiness: Readiness,
  file: string | number,
  { offset = 0, length = Number.POSITIVE_INFINITY }: FileStretch,
  tell: (done: number) => void,
): Coroutine<number> {
  const source = typeof file === 'number' ? file : openSync(file, 'r');
  try {
    let copies = false;
    let piece = Buffer.alloc(0);
    let pieceAt = 0; // where in the stretch the piece begins
    const call: Transmit = (fd, done) => {
      const most = Math.min(MOST, length - done);
      if (!copies) {
        const count = addon.sendFile(fd, source, offset + done, most);
        if (count !== -EINVAL && count !== -ENOSYS) return count;
        copies = true; // the system cannot, between these two
      }
      if (done >= pieceAt + piece.length) {
        const buffer = Buffer.allocUnsafe(Math.min(COPIED, most));
        piece = buffer.subarray(0, readSync(source, buffer, 0, buffer.length, offset + done));
        pieceAt = done;
        if (piece.length === 0) return 0;
      }
      return addon.transmitMany(fd, [piece], 0, done - pieceAt);
    };
    return yield* sendThrough(readiness, call, length, tell);
  } finally {
    if (source !== file) closeSync(source);
  }
}
