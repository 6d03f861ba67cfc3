// Memory that the loop shares with its selector, so that bytes cross in batches and not by a call for each socket: one
// wait brings what many sockets have received (the inbox), and takes along what is to be sent on many others (the
// outbox). What lies in the inbox is there until the next wait; whoever has not taken it by the end of the turn keeps a
// copy (see Readiness). It may be lent to the program, and sent from where it lies. The layouts are those of
// native/mailbox.h.

import { InvalidStateError } from './errors.ts';
import type { Readiness } from './readiness.ts';

const OUTBOX = 256 * 1024;
const INBOX = 512 * 1024;
const DESK = 256 * 1024;
const MOST_ORDERS = 512;
const VIEWS = 512;
// Spreads them: the golden ratio (Knuth), and of the product the upper bits.
const HASH = 0x9e3779b1;
const VIEW_SHIFT = 32 - Math.log2(VIEWS);

// orders[0] says how many there are; the first begins at orders[ORDERS_BEGIN].
const ORDERS_BEGIN = 4;
const ORDER_FIELDS = 4;
const TOKEN = 0;
const FD = 1;
const OFFSET = 2;
const LENGTH = 3;

/** The most that the selector receives for one socket at once, and the most that goes through the outbox in one piece. */
export const PARCEL = 4096;
/** The most that the selector receives for one socket at once if it is told to do so in bulk. */
export const BULK_PARCEL = 65_536;

const memories = new WeakSet<ArrayBufferLike>();

/**
 * Whether a view is of some loop's memory, and only lent to the program. (The order of the two questions matters: that for
 * the buffer makes V8 move a small array out of its heap, and each of those begins at 0.)
 */
export function isLent(view: Uint8Array): boolean {
  return view.byteOffset >= OUTBOX && memories.has(view.buffer);
}

/** The bytes for somebody who keeps them while others run: a copy if they are only lent. */
export function own(view: Uint8Array): Uint8Array {
  return isLent(view) ? Buffer.from(view) : view;
}

export function lostMemory(): Error {
  return new InvalidStateError("the loop's memory was transferred away: copy what recvView() gives, Buffer.from(view)");
}

export class Mailbox {
  /** The outbox, the inbox behind it, and the desk. */
  readonly memory = new ArrayBuffer(OUTBOX + INBOX + DESK);
  /** All of it, so that an order may lie in the inbox; what goes through the outbox is at the beginning. */
  readonly outbox = new Uint8Array(this.memory);
  readonly inbox = new Uint8Array(this.memory, OUTBOX, INBOX);
  /** Where a receive by a call of its own puts what is only lent to the program. */
  readonly desk = Buffer.from(this.memory, OUTBOX + INBOX, DESK);
  readonly orders = new Int32Array(ORDERS_BEGIN + ORDER_FIELDS * MOST_ORDERS);
  // The same memory by the word: the quick way to copy little.
  readonly inboxWords = new Int32Array(this.memory, OUTBOX, INBOX >> 2);
  readonly outboxWords = new Int32Array(this.memory);
  /** The number of the present bundle of orders. */
  bundle = 0;
  readonly #views: Buffer[] = new Array(VIEWS).fill(this.desk);
  readonly #places = new Int32Array(VIEWS);
  #lent: Uint8Array | null = null; // the last, and where it begins: of a view that is not easily asked
  #lentAt = 0;
  #last: Readiness | null = null;
  #used = 0;

  constructor() {
    memories.add(this.memory);
  }

  get empty(): boolean {
    return this.orders[0] === 0;
  }

  /**
   * Orders `length` bytes to be sent and gives the place in the outbox to write them to; -1 if what was ordered before
   * has to go first.
   */
  order(owner: Readiness, length: number): number {
    if (owner.bundle !== this.bundle) {
      const offset = (this.#used + 7) & ~7; // whole words, see copy()
      if (offset + length > OUTBOX || !this.append(owner, offset, length)) return -1;
      this.#last = owner;
      this.#used = offset + length;
      return offset;
    }
    // Its order grows, but only if it is the last: two of one socket could be sent in part and as a whole.
    const offset = this.#used;
    if (this.#last !== owner || offset + length > OUTBOX) return -1;
    const { orders } = this;
    const length0 = ORDERS_BEGIN + ORDER_FIELDS * ((orders[0] as number) - 1) + LENGTH;
    orders[length0] = (orders[length0] as number) + length;
    this.#used = offset + length;
    return offset;
  }

  /** Orders bytes of the inbox from where they lie, at `place` of the memory; false if others have to go first. */
  orderLent(owner: Readiness, place: number, length: number): boolean {
    if (owner.bundle === this.bundle || !this.append(owner, place, length)) return false;
    this.#last = null;
    return true;
  }

  /** What has arrived at `offset` of the inbox, as it lies there. */
  lend(offset: number, length: number): Buffer {
    // Messages of one size lie in the same places again and again, so most views were made before.
    const slot = Math.imul(offset >> 3, HASH) >>> VIEW_SHIFT;
    const place = OUTBOX + offset;
    let view = this.#views[slot] as Buffer;
    if (this.#places[slot] !== place || view.length !== length) {
      view = Buffer.from(this.memory, place, length);
      this.#views[slot] = view;
      this.#places[slot] = place;
    }
    this.#lent = view;
    this.#lentAt = place;
    return view;
  }

  /** Where in the memory a view begins; -1 if it is another's. */
  placeOf(view: Uint8Array): number {
    if (view === this.#lent) return this.#lentAt;
    const place = view.byteOffset;
    return place >= OUTBOX && view.buffer === this.memory ? place : -1; // in this order, see isLent()
  }

  /** Whether what lies at a place of the memory stays there until the next wait. */
  stays(place: number): boolean {
    return place < OUTBOX + INBOX;
  }

  /** The orders have gone. Their bytes stay until the next order. */
  sent(): void {
    this.bundle++;
    this.#last = null;
    this.#used = 0;
  }

  /** The orders will not go. */
  drop(): void {
    this.orders[0] = 0;
    this.sent();
  }

  private append(owner: Readiness, offset: number, length: number): boolean {
    const { orders } = this;
    const count = orders[0] as number;
    if (count === MOST_ORDERS) return false;
    const at = ORDERS_BEGIN + ORDER_FIELDS * count;
    orders[at + TOKEN] = owner.token;
    orders[at + FD] = owner.fd;
    orders[at + OFFSET] = offset;
    orders[at + LENGTH] = length;
    orders[0] = count + 1;
    owner.bundle = this.bundle;
    return true;
  }

  /** Of the last bundle's order number `index`, a copy of the bytes after the first `done`. */
  rest(index: number, done: number): Uint8Array {
    const at = ORDERS_BEGIN + ORDER_FIELDS * index;
    const offset = this.orders[at + OFFSET] as number;
    return this.outbox.slice(offset + done, offset + (this.orders[at + LENGTH] as number));
  }
}
