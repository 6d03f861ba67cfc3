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
  readonly #close: () => void;
  /** What the selector has accepted and nobody has taken yet. */
  readonly #ahead = new Ring<number>();
  #told = false;
  /** Whether the selector is not to accept by itself any more. */
  #byHand = false;
  /** So many are given, of those who are there, and then nobody. */
  #left = Number.POSITIVE_INFINITY;
  #rest: CallbackHandle | null = null;

  /** Connections come from `take`, as descriptors or -errno, and `make` makes of one what it gives; `close` ends it all. */
  constructor(readiness: Readiness, take: (fd: number) => number, make: (fd: number) => T, close: () => void) {
    this.#readiness = readiness;
    this.#take = take;
    this.#make = make;
    this.#close = close;
    readiness.acceptor = this;
  }

  /** The same operation, with another thing that it makes of a connection. */
  as<U>(make: (fd: number) => U): AcceptOperation<U> {
    return new AcceptOperation(this.#readiness, this.#take, make, this.#close);
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, T> {
    const readiness = this.#readiness;
    readiness.checkReader();
    const isEnding = this.#left !== Number.POSITIVE_INFINITY;
    while (this.#left > 0 && (this.#ahead.size > 0 || readiness.readable)) {
      if (!isEnding && spend()) return readiness.giveWayReader(this);
      const fd = this.takeNow();
      if (fd >= 0) {
        readiness.reader = null;
        this.#told = false;
        this.#left--;
        return { done: true, value: this.#make(fd) };
      }
      if (fd === -EAGAIN) readiness.readable = false;
      else if (EXHAUSTED.has(fd) && isEnding) break;
      else if (EXHAUSTED.has(fd)) return this.rest(fd);
      else if (!GONE.has(fd)) {
        readiness.reader = null;
        throw readiness.closed ? closedError('listener') : new SystemError(fd, 'accept', { fd: readiness.fd });
      }
    }
    if (isEnding) {
      readiness.reader = null;
      this.#close(); // before anything that takes time, in which more would come
      throw closedError('listener');
    }
    return this.#byHand ? this.parkUnasked() : readiness.parkReader(this);
  }

  return(): IteratorResult<Park, T> {
    this.#readiness.reader = null;
    return { done: true, value: undefined as never };
  }

  accepted(result: number): void {
    const readiness = this.#readiness;
    if (result >= 0) this.#ahead.push(result);
    else readiness.readable = true; // an accept by hand meets the error, and knows what to do
    if (result < 0 || this.#ahead.size === MOST_AHEAD) readiness.stopAccepting(result >= 0);
    if (readiness.reader !== null) readiness.reader.wake();
  }

  /** From now on all who come stay in the system's queue; those whom the selector has accepted are told with the next turn. */
  stopAhead(): void {
    this.#byHand = true;
    try {
      this.#readiness.stopAccepting(true);
    } catch {
      // Somebody has closed the descriptor behind our back: the next accept by hand meets the error.
    }
  }

  /** Who is there, as a descriptor, or -errno if nobody is: for one who may not suspend. */
  takeNow(): number {
    return this.#ahead.size > 0 ? this.#ahead.shift() : this.#take(this.#readiness.fd);
  }

  /** Those who are there are given at once, `most` at most, and then the listener is closed: the others go on coming. */
  finish(most: number): void {
    this.#left = most;
    this.#readiness.ready(READ);
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
    if (!this.#told) {
      const error = new SystemError(errno, 'accept', { fd: readiness.fd });
      currentKernel('accept()').unhandled({ kind: 'warning', error, task: here.task });
      this.#told = true;
    }
    this.#rest ??= callLater(REST, () => {
      this.#rest = null;
      if (!readiness.closed) readiness.ready(READ);
    });
    return this.parkUnasked();
  }

  private parkUnasked(): IteratorYieldResult<Park> {
    this.#readiness.reader = here.task;
    return park(this);
  }
}
