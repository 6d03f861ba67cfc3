// A socket's write side as one reusable operation: nothing is allocated per message.

import { constants } from 'node:os';
import type { Operation, Park } from '../kernel/operation.ts';
import { spend } from '../kernel/park.ts';
import { closedError, type Readiness } from '../kernel/readiness.ts';
import { SystemError } from '../native/system-error.ts';
import { Window } from '../native/window.ts';

export const AGAIN = -constants.errno.EAGAIN;

// What next() gives: its value is read before anything else can run, so one object serves all.
const RESULT: IteratorReturnResult<number> = { done: true, value: 0 };

/** Its stretch of the caller's buffer is its base, not a part: one object less for the cache to miss. */
export class SendOperation extends Window implements Operation<number>, Iterator<Park, number, void> {
  readonly #readiness: Readiness;
  #all = false;
  #sent = 0;

  constructor(readiness: Readiness) {
    super();
    this.#readiness = readiness;
  }

  /** How many bytes of the present or last send the kernel has taken: what is left to know after a cancel. */
  get sent(): number {
    return this.#sent;
  }

  /** `all`: until every byte is taken; otherwise one send. */
  aim(view: Uint8Array, offset: number, length: number | undefined, all: boolean): this {
    if (this.#readiness.closed) throw closedError('socket'); // or the buffer would be held with nobody to let go
    this.#readiness.checkWriter();
    this.point(view, offset, length);
    this.#all = all;
    this.#sent = 0;
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, number> {
    const readiness = this.#readiness;
    readiness.checkWriter();
    while (readiness.writable) {
      if (spend()) return readiness.giveWayWriter(this);
      readiness.writer = null; // unless it parks below
      const count = this.transmit(readiness.fd, this.#sent);
      if (count === AGAIN) {
        readiness.writable = false;
        break;
      }
      if (count < 0) throw sendError(readiness, count, this.#sent);
      this.#sent += count;
      if (this.#sent === this.length || !this.#all) {
        RESULT.value = this.#sent;
        return RESULT;
      }
    }
    return readiness.parkWriter(this);
  }

  return(): IteratorResult<Park, number> {
    this.#readiness.writer = null;
    return RESULT;
  }

  override toString(): string {
    return `send on fd ${this.#readiness.fd}`;
  }
}

export function sendError(readiness: Readiness, errno: number, bytesSent: number): Error {
  if (readiness.closed) return closedError('socket');
  const error = new SystemError(errno, 'send', { fd: readiness.fd });
  error.bytesSent = bytesSent;
  return error;
}
