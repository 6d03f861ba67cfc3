// What is known of a descriptor's readiness, so that no system call is spent on finding out (as mio and tokio do): an
// event sets a flag, an operation that met EAGAIN or a short read clears it, and nobody tries while it is clear.
// One per socket; at most one task waits on each side.

import { BusyError, ClosedError } from './errors.ts';
import { currentKernel, here } from './here.ts';
import type { Kernel } from './kernel.ts';
import { BULK_PARCEL, type Mailbox, PARCEL } from './mailbox.ts';
import { DONE, type Operation, type Park } from './operation.ts';
import { giveWay, park, spend } from './park.ts';
import { ACCEPT, BULK, EDGE, ERROR, HANGUP, PRIORITY, READ, READ_HANGUP, RECEIVE, WRITE } from './selector-port.ts';

const NO_FD = -1;
const NO_TOKEN = -1;

/** So much that nobody takes may arrive for one socket: then the selector leaves the rest to the system's buffers. */
const MOST_UNREAD = 65_536;

/** The write side of a socket that sends through the outbox. */
export interface Sender {
  /** Of the order number `index` only `result` bytes could be sent, or it failed with -errno. */
  sentInPart(result: number, index: number): void;
  /** Writing is possible again: sends what was left. False if that was not possible, or not as a whole. */
  resume(): boolean;
}

/** Who waits for one side of a descriptor: a task, as a rule. */
export interface Waiter {
  readonly name: string;
  wake(): boolean;
}

/** The accepting side of a listener for which the selector accepts. */
export interface Acceptor {
  /** A new descriptor, which it has to close some time, or -errno. */
  accepted(result: number): void;
}

export class Readiness {
  /** -1 once it is closed, so that no late call reaches a new owner of the number. */
  fd: number;
  readonly token: number;
  /** Whether a read may succeed. Cleared by whoever finds that it does not. */
  readable = false;
  /** Whether a write may succeed. */
  writable = false;
  /** The other side has ended, or urgent data cuts reads short: then a short read does not mean "drained". */
  readToEnd = false;
  /** The one task that reads, from its first wait to the end of its operation. */
  reader: Waiter | null = null;
  writer: Waiter | null = null;
  /** The loop's, if the selector receives and sends for this descriptor. */
  readonly mailbox: Mailbox | null;
  /** So many bytes lie in the inbox, at `arrivedAt`, until the turn ends. */
  arrived = 0;
  arrivedAt = 0;
  /** Of those, what was left when their turn ended; it comes before what has arrived since. */
  unread: Uint8Array | null = null;
  /** Whether its reader reads in the inbox, without a copy. */
  lends = false;
  /** The bundle of orders in which it has one. */
  bundle = -1;
  sender: Sender | null = null;
  acceptor: Acceptor | null = null;
  /** -errno of what went wrong without a call to throw it: the next one does, whichever that is (as SO_ERROR). */
  failure = 0;
  /**
   * -errno that a receive ahead of its reader has met, and so has taken from the system. Senders are told, too, but it
   * stays until somebody reads: to him, what comes after it would look like the end of the stream.
   */
  readFailure = 0;
  /** All that may be asked of the selector, */
  #interest: number;
  /** and what it has been asked for and will tell. */
  #asked: number;
  readonly #kernel: Kernel;
  readonly #close: () => void;

  /**
   * Registers `fd` with the running loop; `close` is called if the run ends before remove() was. With RECEIVE in
   * `interest`, the selector receives and sends for it if it can: from the first time that somebody waits, since what
   * nobody has waited for may be for another reader, to whom the descriptor is handed on. Without any interest, it is a
   * descriptor that is always ready, which no selector takes.
   */
  constructor(fd: number, interest: number, close: () => void) {
    this.fd = fd;
    this.#kernel = currentKernel('a socket');
    this.#close = close;
    const { poller } = this.#kernel;
    this.mailbox = (interest & RECEIVE) === 0 ? null : poller.mailbox;
    this.#interest = this.mailbox === null ? interest & ~RECEIVE : interest;
    this.#asked = poller.selector.lazy ? 0 : interest & ~(RECEIVE | ACCEPT);
    if (interest === 0) {
      this.token = NO_TOKEN;
      this.readable = this.writable = this.readToEnd = true;
    } else {
      this.token = poller.add(this, fd, this.#asked | EDGE);
    }
  }

  get closed(): boolean {
    return this.fd === NO_FD;
  }

  /** A row has come for this descriptor. */
  ready(events: number): void {
    if (!this.#kernel.poller.selector.edges) this.muted(events);
    if ((events & (READ | ERROR | HANGUP | PRIORITY)) !== 0) {
      if ((events & (READ_HANGUP | ERROR | HANGUP | PRIORITY)) !== 0) this.readToEnd = true;
      this.readable = true;
      if (this.reader !== null) this.reader.wake();
    }
    if (!this.writable && (events & (WRITE | ERROR | HANGUP)) !== 0) {
      if (this.sender !== null && !this.sender.resume()) return;
      this.writable = true;
      if (this.writer !== null) this.writer.wake();
    }
  }

  /** The selector has received for it: `result` bytes that lie in the inbox at `offset`, or -errno. */
  receive(events: number, result: number, offset: number): void {
    if (result < 0) {
      this.readFailure = result;
      this.ready(events | ERROR);
      return;
    }
    if (this.arrived > 0) this.keep(); // the second time in this turn
    this.arrived = result;
    this.arrivedAt = offset;
    this.ready(events);
    if (result >= PARCEL) this.outgrow(result);
    if (this.reader !== null) this.reader.wake();
  }

  /** What has arrived and was not taken is put aside. */
  keep(): void {
    const { inbox } = this.mailbox as Mailbox;
    const arrived = inbox.subarray(this.arrivedAt, this.arrivedAt + this.arrived);
    this.unread = this.unread === null ? arrived.slice() : joined(this.unread, arrived);
    this.arrived = 0;
    if (this.unread.length >= MOST_UNREAD) this.stopReceiving();
  }

  /** Sends what lies in the outbox now. */
  flush(): void {
    this.#kernel.poller.flush();
  }

  /** Parks the current task until a read may succeed. An operation's next() returns it. */
  parkReader(resource: unknown): IteratorYieldResult<Park> {
    this.ask(READ | PRIORITY | RECEIVE | BULK | ACCEPT); // first: it may throw
    this.reader = here.task;
    return park(resource);
  }

  parkWriter(resource: unknown): IteratorYieldResult<Park> {
    this.ask(WRITE);
    this.writer = here.task;
    return park(resource);
  }

  /** The step's budget is spent: gives way, and keeps the side meanwhile. */
  giveWayReader(resource: unknown): IteratorYieldResult<Park> {
    this.reader = here.task;
    return giveWay(resource);
  }

  giveWayWriter(resource: unknown): IteratorYieldResult<Park> {
    this.writer = here.task;
    return giveWay(resource);
  }

  /** Its loop is to take a turn soon, if it does not anyway. */
  rouse(): void {
    if (this.#kernel.sleeper !== null) this.#kernel.rouse();
  }

  /** BusyError if another task reads. */
  checkReader(): void {
    if (this.reader !== null && this.reader !== here.task) throw this.busy(this.reader, 'reads');
  }

  checkWriter(): void {
    if (this.writer !== null && this.writer !== here.task) throw this.busy(this.writer, 'writes');
  }

  /** Suspends until a read may succeed. */
  whenReadable(resource: unknown): Operation<void> {
    const iterator: Iterator<Park, void, void> = {
      next: () => {
        this.checkReader();
        if (!this.readable) return this.parkReader(resource);
        if (spend()) return this.giveWayReader(resource);
        this.reader = null;
        return DONE;
      },
      return: () => {
        this.reader = null;
        return DONE;
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }

  /** Suspends until a write may succeed. */
  whenWritable(resource: unknown): Operation<void> {
    const iterator: Iterator<Park, void, void> = {
      next: () => {
        this.checkWriter();
        if (!this.writable) return this.parkWriter(resource);
        if (spend()) return this.giveWayWriter(resource);
        this.writer = null;
        return DONE;
      },
      return: () => {
        this.writer = null;
        return DONE;
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }

  /**
   * Unregisters, and wakes whoever waits: their operations find no fd any more and throw ClosedError. Gives the fd for
   * closing, which must come after this.
   */
  remove(): number {
    const fd = this.fd;
    if (fd === NO_FD) return NO_FD;
    this.fd = NO_FD;
    this.arrived = 0;
    this.unread = null;
    this.sender = null; // what it has left is not for this one to send any more
    if (this.token !== NO_TOKEN) this.#kernel.poller.remove(this.token, fd);
    this.ready(READ | WRITE); // a try will tell them
    return fd;
  }

  /** The run is over and the owner did not close it. */
  abandon(): void {
    this.#close();
  }

  /** Asks the selector to tell of these events, if it was not asked before. */
  ask(events: number): void {
    const asked = this.#asked | (events & this.#interest);
    if (asked !== this.#asked) this.askFor(asked);
  }

  /** The selector accepts no more until somebody waits again: it was told not to, or has met an error. */
  stopAccepting(tell: boolean): void {
    const asked = this.#asked & ~ACCEPT;
    if (tell && asked !== this.#asked) this.askFor(asked);
    this.#asked = asked;
  }

  private askFor(asked: number): void {
    this.#kernel.poller.selector.modify(this.fd, asked | EDGE, this.token);
    this.#asked = asked;
  }

  // A selector without edges tells once and then has to be asked again.
  private muted(events: number): void {
    if ((events & (ERROR | HANGUP)) !== 0) this.#asked = 0;
    else if ((events & (READ | RECEIVE)) !== 0) this.#asked &= ~(events | READ | RECEIVE);
    else this.#asked &= ~events;
  }

  // So much at once had better go straight to where it is wanted, or be looked at where it lies.
  private outgrow(result: number): void {
    if (!this.lends || result >= BULK_PARCEL) this.stopReceiving();
    else if ((this.#interest & BULK) === 0) this.receiveFrom(this.#interest | BULK);
  }

  // From now on a row says that it is readable, no more.
  private stopReceiving(): void {
    this.receiveFrom(this.#interest & ~(RECEIVE | BULK));
  }

  private receiveFrom(interest: number): void {
    this.#interest = interest;
    if ((this.#asked & RECEIVE) === 0) return; // whoever waits next asks for it
    try {
      this.askFor((this.#asked & ~(RECEIVE | BULK)) | (interest & (RECEIVE | BULK)));
    } catch {
      // Somebody has closed the descriptor behind our back. Whoever reads meets the error; here it would end the loop.
    }
  }

  private busy(other: Waiter, what: string): Error {
    return new BusyError(`${other.name} ${what} fd ${this.fd} already: give each direction to one task, or use a Lock`);
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** The error of an operation on something that was closed, before or while it waited. */
export function closedError(what: string): ClosedError {
  return new ClosedError(`the ${what} is closed`);
}
