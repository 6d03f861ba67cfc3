// Taking connections: from the selector, which may accept ahead, and from the system's queue.

import { constants } from 'node:os';
import { type CallbackHandle, callLater } from '../kernel/callback.ts';
import { currentKernel, here } from '../kernel/here.ts';
import type { Operation, Park } from '../kernel/operation.ts';
import { park, spend } from '../kernel/park.ts';
import { type Acceptor, closedError, type Readiness } from '../kernel/readiness.ts';
import { Ring } from '../kernel/ring.ts';
import { READ } from '../kernel/selector-port.ts';
import { addon } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';

const { EAGAIN, ECONNABORTED, EPROTO, EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;
/** The connection died in the queue; the next one is as good. */
const GONE = new Set([-ECONNABORTED, -EPROTO]);
/** The machine is out of something. */
const EXHAUSTED = new Set([-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM]);
/** So many connections may be accepted that nobody takes; more wait in the kernel's queue. */
const MOST_AHEAD = 64;
/** How long a listener rests before it tries again after EXHAUSTED, in milliseconds. */
const REST = 50;

export class AcceptOperation<T> implements Operation<T>, Iterator<Park, T, void>, Acceptor {
  readonly #readiness: Readiness;
  readonly #take: (fd: number) => number;
  readonly #make: (fd: number) => T;
  /** What the selector has accepted and nobody has taken yet. */
  readonly #ahead = new Ring<number>();
  #told = false;
  #rest: CallbackHandle | null = null;

  /** Connections come from `take`, as descriptors or -errno, and `make` makes of one what it gives. */
  constructor(readiness: Readiness, take: (fd: number) => number, make: (fd: number) => T) {
    this.#readiness = readiness;
    this.#take = take;
    this.#make = make;
    readiness.acceptor = this;
  }

  /** The same operation, with another thing that it makes of a connection. */
  as<U>(make: (fd: number) => U): AcceptOperation<U> {
    return new AcceptOperation(this.#readiness, this.#take, make);
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, T> {
    const readiness = this.#readiness;
    readiness.checkReader();
    while (this.#ahead.size > 0 || readiness.readable) {
      if (spend()) return readiness.giveWayReader(this);
      const fd = this.#ahead.size > 0 ? this.#ahead.shift() : this.#take(readiness.fd);
      if (fd >= 0) {
        readiness.reader = null;
        this.#told = false;
        return { done: true, value: this.#make(fd) };
      }
      if (fd === -EAGAIN) readiness.readable = false;
      else if (EXHAUSTED.has(fd)) return this.rest(fd);
      else if (!GONE.has(fd)) {
        readiness.reader = null;
        throw readiness.closed ? closedError('listener') : new SystemError(fd, 'accept', { fd: readiness.fd });
      }
    }
    return readiness.parkReader(this);
  }

  return(): IteratorResult<Park, T> {
    this.#readiness.reader = null;
    return { done: true, value: undefined as never };
  }

  accepted(result: number): void {
    const readiness = this.#readiness;
    if (result >= 0) this.#ahead.push(addon.adopt(result));
    else readiness.readable = true; // an accept by hand meets the error, and knows what to do
    if (result < 0 || this.#ahead.size === MOST_AHEAD) readiness.stopAccepting(result >= 0);
    if (readiness.reader !== null) readiness.reader.wake();
  }

  /** The listener is closed: whoever was in its queue learns it by a reset, those who were accepted ahead too. */
  refuseAhead(): void {
    while (this.#ahead.size > 0) {
      const fd = this.#ahead.shift();
      addon.setResetOnClose(fd);
      addon.closeDescriptor(fd);
    }
  }

  toString(): string {
    return `accept on fd ${this.#readiness.fd}`;
  }

  // The connections stay in the queue, so no event will tell when a descriptor is free again: it looks by itself. It
  // parks without asking the selector, which would find the queue ready at once.
  private rest(errno: number): IteratorYieldResult<Park> {
    const readiness = this.#readiness;
    readiness.readable = false;
    readiness.reader = here.task;
    if (!this.#told) {
      const error = new SystemError(errno, 'accept', { fd: readiness.fd });
      currentKernel('accept()').unhandled({ kind: 'warning', error, task: here.task });
      this.#told = true;
    }
    this.#rest ??= callLater(REST, () => {
      this.#rest = null;
      if (!readiness.closed) readiness.ready(READ);
    });
    return park(this);
  }
}
