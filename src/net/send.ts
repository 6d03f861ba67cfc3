// A socket's write side as one reusable operation: nothing is allocated per message. How it goes is offer.ts's; if the system
// does not take all of an order, the rest waits here, and until it has gone nothing more is taken over.

import { ArgumentTypeError, InvalidStateError } from '../kernel/errors.ts';
import { type Mailbox, own, PARCEL } from '../kernel/mailbox.ts';
import type { Operation, Park } from '../kernel/operation.ts';
import { spend } from '../kernel/park.ts';
import { closedError, type Readiness, type Sender } from '../kernel/readiness.ts';
import { WRITE } from '../kernel/selector-port.ts';
import { Window } from '../native/window.ts';
import { offer } from './offer.ts';
import { Rest } from './rest.ts';
import { checkBuffers, checkStretch, type FileStretch, sendFile, sendList } from './send-many.ts';

// What next() gives: its value is read before anything else can run, so one object serves all.
const RESULT: IteratorReturnResult<number> = { done: true, value: 0 };

const BEGUN = -1;

/** Its stretch of the caller's buffer is its base, not a part: one object less for the cache to miss. */
export class SendOperation extends Window implements Operation<number>, Iterator<Park, number, void>, Sender {
  readonly #readiness: Readiness;
  #all = false;
  #sent = 0;
  /** Of a send that has not begun: the mailbox's bundle when it was made. */
  #made = BEGUN;
  /** What was taken over and the system has not taken yet. */
  #rest: Rest | null = null;

  constructor(readiness: Readiness) {
    super();
    this.#readiness = readiness;
    readiness.sender = this;
  }

  /** How many bytes of the present or last send were taken over: what is left to know after a cancel. */
  get sent(): number {
    return this.#sent;
  }

  /** `all`: until every byte is taken over; otherwise one send. */
  aim(view: Uint8Array, offset: number, length: number | undefined, all: boolean): this {
    if (this.#readiness.closed) throw closedError('stream'); // or the buffer would be held with nobody to let go
    this.#readiness.checkWriter();
    this.point(view, offset, length);
    this.#all = all;
    this.#sent = 0;
    this.#made = this.#readiness.mailbox?.bundle ?? BEGUN;
    return this;
  }

  /** As aim(), for several buffers: few bytes as one buffer, many from where they lie. */
  list(buffers: readonly Uint8Array[]): Operation<number> {
    const total = checkBuffers(buffers);
    if (total <= PARCEL) return this.aim(Buffer.concat(buffers), 0, undefined, true);
    this.begin();
    return sendList(this.#readiness, buffers.map(own), total, (done) => this.tell(done));
  }

  file(file: string | number, stretch: FileStretch): Operation<number> {
    if (typeof file !== 'number' && typeof file !== 'string') {
      throw new ArgumentTypeError(`sendFile() takes a path or a descriptor, not ${typeof file}`);
    }
    checkStretch(stretch);
    this.begin();
    return sendFile(this.#readiness, file, stretch, (done) => this.tell(done));
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, number> {
    const readiness = this.#readiness;
    readiness.checkWriter();
    if (this.#made !== BEGUN) this.checkView();
    while (readiness.writable) {
      if (spend()) {
        this.keep();
        return readiness.giveWayWriter(this);
      }
      readiness.writer = null; // unless it parks below
      this.#sent += offer(readiness, this, this.#sent);
      if (this.#sent === this.length || (!this.#all && this.#sent > 0)) {
        RESULT.value = this.#sent;
        return RESULT;
      }
    }
    this.keep();
    return readiness.parkWriter(this);
  }

  return(): IteratorResult<Park, number> {
    this.#readiness.writer = null;
    return RESULT;
  }

  /** Sends what it has in the outbox; gives what the system did not take, if anything. */
  finish(): Rest | null {
    const readiness = this.#readiness;
    if (readiness.mailbox !== null && readiness.bundle === readiness.mailbox.bundle) readiness.flush();
    return this.#rest;
  }

  sentInPart(result: number, index: number): void {
    const readiness = this.#readiness;
    if (result < 0) {
      readiness.failure = result;
      if (readiness.writer !== null) readiness.writer.wake();
      return;
    }
    this.#rest = new Rest((readiness.mailbox as Mailbox).rest(index, result));
    readiness.writable = false;
    readiness.ask(WRITE);
  }

  resume(): boolean {
    if (this.#rest === null) return true;
    const left = this.#rest.sendOn(this.#readiness.fd);
    if (left > 0) {
      this.#readiness.ask(WRITE); // a selector without edges tells once
      return false;
    }
    if (left < 0) this.#readiness.failure = left;
    this.#rest = null;
    return true;
  }

  override toString(): string {
    return `send on fd ${this.#readiness.fd}`;
  }

  // There was a wait since: what was lent may be another's now.
  private checkView(): void {
    const mailbox = this.#readiness.mailbox as Mailbox;
    const late = mailbox.bundle !== this.#made;
    this.#made = BEGUN;
    if (late && this.placeIn(mailbox) >= 0) {
      throw new InvalidStateError(
        'a send of what recvView() gave has begun too late, when that was not there any more: await it where you make it, or copy the view',
      );
    }
  }

  private tell(done: number): void {
    this.#sent = done;
  }

  private begin(): void {
    if (this.#readiness.closed) throw closedError('stream');
    this.#readiness.checkWriter();
    this.#sent = 0;
  }
}
