// What is known of a descriptor's readiness, so that no system call is spent on finding out (as mio and tokio do): an
// event sets a flag, an operation that met EAGAIN or a short read clears it, and nobody tries while it is clear.
// One per socket; at most one task waits on each side.

import { BusyError, ClosedError } from './errors.ts';
import { currentKernel, here } from './here.ts';
import type { Kernel } from './kernel.ts';
import { DONE, type Operation, type Park } from './operation.ts';
import { giveWay, park, spend } from './park.ts';
import { EDGE, ERROR, HANGUP, PRIORITY, READ, READ_HANGUP, WRITE } from './selector-port.ts';
import type { Task } from './task.ts';

const NO_FD = -1;

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
  reader: Task<unknown> | null = null;
  writer: Task<unknown> | null = null;
  readonly #interest: number;
  readonly #kernel: Kernel;
  readonly #close: () => void;

  /** Registers `fd` with the running loop; `close` is called if the run ends before remove() was. */
  constructor(fd: number, interest: number, close: () => void) {
    this.fd = fd;
    this.#interest = interest;
    this.#kernel = currentKernel('a socket');
    this.#close = close;
    this.token = this.#kernel.poller.add(this, fd, interest | EDGE);
  }

  get closed(): boolean {
    return this.fd === NO_FD;
  }

  /** A row has come for this descriptor. */
  ready(events: number): void {
    if ((events & (READ | ERROR | HANGUP | PRIORITY)) !== 0) {
      if ((events & (READ_HANGUP | ERROR | HANGUP | PRIORITY)) !== 0) this.readToEnd = true;
      this.readable = true;
      if (this.reader !== null) this.reader.wake();
    }
    if ((events & (WRITE | ERROR | HANGUP)) !== 0) {
      this.writable = true;
      if (this.writer !== null) this.writer.wake();
    }
  }

  /** Parks the current task until a read may succeed. An operation's next() returns it. */
  parkReader(resource: unknown): IteratorYieldResult<Park> {
    this.arm(); // first: it may throw
    this.reader = here.task;
    return park(resource);
  }

  parkWriter(resource: unknown): IteratorYieldResult<Park> {
    this.arm();
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

  /** BusyError if another task reads. */
  checkReader(): void {
    if (this.reader !== null && this.reader !== here.task) throw this.busy(this.reader, 'reads');
  }

  checkWriter(): void {
    if (this.writer !== null && this.writer !== here.task) throw this.busy(this.writer, 'writes');
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
    this.#kernel.poller.remove(this.token, fd);
    this.ready(READ | WRITE); // a try will tell them
    return fd;
  }

  /** The run is over and the owner did not close it. */
  abandon(): void {
    this.#close();
  }

  /** To be told of what is known not to be ready: a selector without edges has muted what it told. */
  arm(): void {
    const selector = this.#kernel.poller.selector;
    if (selector.edges) return;
    const missing = (this.readable ? 0 : READ) | (this.writable ? 0 : WRITE);
    selector.modify(this.fd, (missing & this.#interest) | EDGE, this.token);
  }

  private busy(other: Task<unknown>, what: string): Error {
    return new BusyError(`${other.name} ${what} fd ${this.fd} already: give each direction to one task, or use a Lock`);
  }
}

/** The error of an operation on something that was closed, before or while it waited. */
export function closedError(what: string): ClosedError {
  return new ClosedError(`the ${what} is closed`);
}
