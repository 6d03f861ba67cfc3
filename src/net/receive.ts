// A socket's read side as one reusable operation: nothing is allocated per message.

import { constants } from 'node:os';
import type { Mailbox } from '../kernel/mailbox.ts';
import type { Operation, Park } from '../kernel/operation.ts';
import { spend } from '../kernel/park.ts';
import { closedError, type Readiness } from '../kernel/readiness.ts';
import { SystemError } from '../native/system-error.ts';
import { Window } from '../native/window.ts';
import { receiveFailure } from './failure.ts';

const AGAIN = -constants.errno.EAGAIN;

/** What receiveNow() gives if nothing has come. */
export const NOTHING = -1;

// What next() gives: its value is read before anything else can run, so one object serves all.
const RESULT: IteratorReturnResult<number> = { done: true, value: 0 };

function result(count: number): IteratorReturnResult<number> {
  RESULT.value = count;
  return RESULT;
}

/** Receives from the system. Gives the count, 0 at the end of the stream, or NOTHING. */
export function receiveNow(readiness: Readiness, window: Window): number {
  const got = window.receive(readiness.fd);
  if (got === AGAIN) {
    readiness.readable = false;
    return NOTHING;
  }
  const failure = got <= 0 ? receiveFailure(readiness) : null;
  if (failure !== null) throw failure;
  if (got < 0) throw readiness.closed ? closedError('stream') : new SystemError(got, 'recv', { fd: readiness.fd });
  // Less than asked for: the kernel's buffer is empty, and the next byte will be an event.
  if (got < window.length && !readiness.readToEnd) readiness.readable = false;
  return got;
}

/** Its stretch of the caller's buffer is its base, not a part: one object less for the cache to miss. */
export class ReceiveOperation extends Window implements Operation<number>, Iterator<Park, number, void> {
  readonly #readiness: Readiness;

  constructor(readiness: Readiness) {
    super();
    this.#readiness = readiness;
  }

  aim(view: Uint8Array, offset: number, length: number | undefined): this {
    if (this.#readiness.closed) throw closedError('stream'); // or the buffer would be held with nobody to let go
    this.#readiness.checkReader();
    this.point(view, offset, length);
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, number> {
    const readiness = this.#readiness;
    readiness.checkReader();
    const come = readiness.arrived > 0 || readiness.unread !== null;
    if (!come && this.length === 0) return result(0);
    if (!come && !readiness.readable) return readiness.parkReader(this);
    if (spend()) return readiness.giveWayReader(this);

    readiness.reader = null; // unless it parks below
    if (come) return result(this.takeArrived());
    const got = receiveNow(readiness, this);
    return got === NOTHING ? readiness.parkReader(this) : result(got);
  }

  return(): IteratorResult<Park, number> {
    this.#readiness.reader = null;
    return RESULT;
  }

  override toString(): string {
    return `recv on fd ${this.#readiness.fd}`;
  }

  // What the selector has received already.
  private takeArrived(): number {
    const readiness = this.#readiness;
    if (readiness.unread !== null) return this.takeUnread(readiness.unread);
    const count = Math.min(readiness.arrived, this.length);
    this.load(readiness.mailbox as Mailbox, readiness.arrivedAt, count);
    readiness.arrived -= count;
    readiness.arrivedAt += count;
    return count;
  }

  private takeUnread(unread: Uint8Array): number {
    const count = Math.min(unread.length, this.length);
    this.loadFrom(unread.subarray(0, count));
    this.#readiness.unread = count < unread.length ? unread.subarray(count) : null;
    return count;
  }
}
