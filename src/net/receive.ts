// A socket's read side as one reusable operation: nothing is allocated per message.

import { constants } from 'node:os';
import type { Operation, Park } from '../kernel/operation.ts';
import { spend } from '../kernel/park.ts';
import { closedError, type Readiness } from '../kernel/readiness.ts';
import { SystemError } from '../native/system-error.ts';
import { Window } from '../native/window.ts';

const AGAIN = -constants.errno.EAGAIN;

export class ReceiveOperation implements Operation<number>, Iterator<Park, number, void> {
  readonly #readiness: Readiness;
  readonly #window = new Window();
  readonly #result: IteratorReturnResult<number> = { done: true, value: 0 };

  constructor(readiness: Readiness) {
    this.#readiness = readiness;
  }

  aim(view: Uint8Array, offset: number, length: number | undefined): this {
    this.#readiness.checkReader();
    this.#window.aim(view, offset, length);
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, number> {
    const readiness = this.#readiness;
    readiness.checkReader();
    if (!readiness.readable) return readiness.parkReader(this);
    if (spend()) return readiness.giveWayReader(this);

    readiness.reader = null; // unless it parks below
    const got = this.#window.receive(readiness.fd);
    if (got === AGAIN) {
      readiness.readable = false;
      return readiness.parkReader(this);
    }
    if (got < 0) throw this.error(got);
    // Less than asked for: the kernel's buffer is empty, and the next byte will be an event.
    if (got < this.#window.length && !readiness.readToEnd) readiness.readable = false;
    this.#result.value = got;
    return this.#result;
  }

  return(): IteratorResult<Park, number> {
    this.#readiness.reader = null;
    return this.#result;
  }

  /** Lets go of the caller's buffer; the socket is closed. */
  release(): void {
    this.#window.release();
  }

  toString(): string {
    return `recv on fd ${this.#readiness.fd}`;
  }

  private error(errno: number): Error {
    return this.#readiness.closed ? closedError('socket') : new SystemError(errno, 'recv', { fd: this.#readiness.fd });
  }
}
