// recvView(): as receive.ts, but what has come is lent where it lies. It has no stretch of a buffer, so that a message
// meets one small object here.

import { lostMemory, type Mailbox } from '../kernel/mailbox.ts';
import type { Operation, Park } from '../kernel/operation.ts';
import { spend } from '../kernel/park.ts';
import { closedError, type Readiness } from '../kernel/readiness.ts';
import { forbidTransfer } from '../native/untransferable.ts';
import { Window } from '../native/window.ts';
import { NOTHING, receiveNow } from './receive.ts';

const NONE = Buffer.alloc(0);

// What next() gives: its value is read before anything else can run, so one object serves all.
const RESULT: IteratorReturnResult<Buffer> = { done: true, value: NONE };

/** Points at the desk of a mailbox, for one call: what comes again and again would be registered with native code. */
const DESK = new Window();

function result(bytes: Buffer): IteratorReturnResult<Buffer> {
  RESULT.value = bytes;
  return RESULT;
}

function receiveAt(readiness: Readiness, desk: Buffer): number {
  if (desk.length === 0) throw lostMemory(); // meanwhile: or it would look like the end of the stream
  DESK.point(desk, 0, undefined);
  try {
    return receiveNow(readiness, DESK);
  } finally {
    DESK.release();
  }
}

export class ViewOperation implements Operation<Buffer>, Iterator<Park, Buffer, void> {
  readonly #readiness: Readiness;

  constructor(readiness: Readiness) {
    this.#readiness = readiness;
  }

  lend(mailbox: Mailbox): this {
    const readiness = this.#readiness;
    if (readiness.closed) throw closedError('stream');
    readiness.checkReader();
    if (mailbox.desk.length === 0) throw lostMemory();
    if (!readiness.lends) forbidTransfer(mailbox.memory);
    readiness.lends = true;
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, Buffer> {
    const readiness = this.#readiness;
    readiness.checkReader();
    const come = readiness.arrived > 0 || readiness.unread !== null;
    if (!come && !readiness.readable) return readiness.parkReader(this);
    if (spend()) return readiness.giveWayReader(this);

    readiness.reader = null; // unless it parks below
    if (come) return result(this.takeArrived());
    const { desk } = readiness.mailbox as Mailbox;
    const got = receiveAt(readiness, desk);
    return got === NOTHING ? readiness.parkReader(this) : result(desk.subarray(0, got));
  }

  return(): IteratorResult<Park, Buffer> {
    this.#readiness.reader = null;
    return RESULT;
  }

  toString(): string {
    return `recv on fd ${this.#readiness.fd}`;
  }

  // What the selector has received already.
  private takeArrived(): Buffer {
    const readiness = this.#readiness;
    const { unread } = readiness;
    if (unread !== null) {
      readiness.unread = null;
      return Buffer.from(unread.buffer, unread.byteOffset, unread.length);
    }
    const arrived = (readiness.mailbox as Mailbox).lend(readiness.arrivedAt, readiness.arrived);
    readiness.arrived = 0;
    return arrived;
  }
}
