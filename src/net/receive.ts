// A socket's read side as one reusable operation: nothing is allocated per message.

import { constants } from 'node:os';
import { lostMemory, type Mailbox } from '../kernel/mailbox.ts';
import type { Operation, Park } from '../kernel/operation.ts';
import { spend } from '../kernel/park.ts';
import { closedError, type Readiness } from '../kernel/readiness.ts';
import { SystemError } from '../native/system-error.ts';
import { forbidTransfer } from '../native/untransferable.ts';
import { Window } from '../native/window.ts';
import { receiveFailure } from './failure.ts';

const AGAIN = -constants.errno.EAGAIN;

// What next() gives: its value is read before anything else can run, so one object serves all.
const RESULT: IteratorReturnResult<number> = { done: true, value: 0 };
const VIEW: IteratorReturnResult<Buffer> = { done: true, value: Buffer.alloc(0) };

function result(count: number): IteratorReturnResult<number> {
  RESULT.value = count;
  return RESULT;
}

// Of recvView(): who made the operation said so to the compiler.
function view(bytes: Buffer): IteratorReturnResult<number> {
  VIEW.value = bytes;
  return VIEW as unknown as IteratorReturnResult<number>;
}

/** Its stretch of the caller's buffer is its base, not a part: one object less for the cache to miss. */
export class ReceiveOperation extends Window implements Operation<number>, Iterator<Park, number, void> {
  readonly #readiness: Readiness;
  #lends = false;

  constructor(readiness: Readiness) {
    super();
    this.#readiness = readiness;
  }

  aim(view: Uint8Array, offset: number, length: number | undefined): this {
    if (this.#readiness.closed) throw closedError('stream'); // or the buffer would be held with nobody to let go
    this.#readiness.checkReader();
    this.point(view, offset, length);
    this.#lends = false;
    return this;
  }

  /** As aim(), for a view of what has come instead of a number. */
  lend(mailbox: Mailbox): Operation<Buffer> {
    this.aim(mailbox.desk, 0, undefined);
    if (this.length === 0) throw lostMemory();
    if (!this.#readiness.lends) forbidTransfer(mailbox.memory);
    this.#lends = this.#readiness.lends = true;
    return this as unknown as Operation<Buffer>;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, number> {
    const readiness = this.#readiness;
    readiness.checkReader();
    if (readiness.arrived > 0 || readiness.unread !== null) return this.takeArrived();
    if (this.length === 0) return result(0);
    if (!readiness.readable) return readiness.parkReader(this);
    if (spend()) return readiness.giveWayReader(this);

    readiness.reader = null; // unless it parks below
    const got = this.receive(readiness.fd);
    if (got === AGAIN) {
      readiness.readable = false;
      return readiness.parkReader(this);
    }
    const failure = got <= 0 ? receiveFailure(readiness) : null;
    if (failure !== null) throw failure;
    if (got < 0) throw this.error(got);
    // Less than asked for: the kernel's buffer is empty, and the next byte will be an event.
    if (got < this.length && !readiness.readToEnd) readiness.readable = false;
    return this.#lends ? view((readiness.mailbox as Mailbox).desk.subarray(0, got)) : result(got);
  }

  return(): IteratorResult<Park, number> {
    this.#readiness.reader = null;
    return RESULT;
  }

  override toString(): string {
    return `recv on fd ${this.#readiness.fd}`;
  }

  // What the selector has received already.
  private takeArrived(): IteratorResult<Park, number> {
    const readiness = this.#readiness;
    if (spend()) return readiness.giveWayReader(this);
    readiness.reader = null;
    if (this.#lends) return view(this.takeAll());
    if (readiness.unread !== null) return result(this.takeUnread(readiness.unread));
    const count = Math.min(readiness.arrived, this.length);
    this.load(readiness.mailbox as Mailbox, readiness.arrivedAt, count);
    readiness.arrived -= count;
    readiness.arrivedAt += count;
    return result(count);
  }

  private takeAll(): Buffer {
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

  private takeUnread(unread: Uint8Array): number {
    const count = Math.min(unread.length, this.length);
    this.loadFrom(unread.subarray(0, count));
    this.#readiness.unread = count < unread.length ? unread.subarray(count) : null;
    return count;
  }

  private error(errno: number): Error {
    return this.#readiness.closed ? closedError('stream') : new SystemError(errno, 'recv', { fd: this.#readiness.fd });
  }
}
