// Memory that the loop shares with its selector, so that bytes cross in batches and not by a call for each socket: one
// wait brings what many sockets have received (the inbox), and takes along what is to be sent on many others (the
// outbox). What lies in the inbox is there until the next wait; whoever has not taken it by the end of the turn keeps a
// copy (see Readiness). The layouts are those of native/mailbox.h.

import type { Readiness } from './readiness.ts';

const INBOX = 256 * 1024;
const OUTBOX = 256 * 1024;
const MOST_ORDERS = 512;

// orders[0] says how many there are; the first begins at orders[ORDERS_BEGIN].
const ORDERS_BEGIN = 4;
const ORDER_FIELDS = 4;
const TOKEN = 0;
const FD = 1;
const OFFSET = 2;
const LENGTH = 3;

/** The most that the selector receives for one socket at once, and the most that goes through the outbox in one piece. */
export const PARCEL = 4096;

export class Mailbox {
  readonly inbox = new Uint8Array(INBOX);
  readonly outbox = new Uint8Array(OUTBOX);
  readonly orders = new Int32Array(ORDERS_BEGIN + ORDER_FIELDS * MOST_ORDERS);
  // The same memory by the word: the quick way to copy little.
  readonly inboxWords = new Int32Array(this.inbox.buffer);
  readonly outboxWords = new Int32Array(this.outbox.buffer);
  /** The number of the present bundle of orders. */
  bundle = 0;
  #last: Readiness | null = null;
  #used = 0;

  get empty(): boolean {
    return this.orders[0] === 0;
  }

  /**
   * Orders `length` bytes to be sent and gives the place in the outbox to write them to; -1 if what was ordered before
   * has to go first.
   */
  order(owner: Readiness, length: number): number {
    const { orders } = this;
    const count = orders[0] as number;
    const at = ORDERS_BEGIN + ORDER_FIELDS * count;
    if (owner.bundle !== this.bundle) {
      const offset = (this.#used + 7) & ~7; // whole words, see copyWords
      if (offset + length > OUTBOX || count === MOST_ORDERS) return -1;
      orders[at + TOKEN] = owner.token;
      orders[at + FD] = owner.fd;
      orders[at + OFFSET] = offset;
      orders[at + LENGTH] = length;
      orders[0] = count + 1;
      owner.bundle = this.bundle;
      this.#last = owner;
      this.#used = offset + length;
      return offset;
    }
    // Its order grows, but only if it is the last: two of one socket could be sent in part and as a whole.
    const offset = this.#used;
    if (this.#last !== owner || offset + length > OUTBOX) return -1;
    const length0 = at - ORDER_FIELDS + LENGTH;
    orders[length0] = (orders[length0] as number) + length;
    this.#used = offset + length;
    return offset;
  }

  /** The orders have gone. Their bytes stay until the next order. */
  sent(): void {
    this.bundle++;
    this.#last = null;
    this.#used = 0;
  }

  /** Of the last bundle's order number `index`, a copy of the bytes after the first `done`. */
  rest(index: number, done: number): Uint8Array {
    const at = ORDERS_BEGIN + ORDER_FIELDS * index;
    const offset = this.orders[at + OFFSET] as number;
    return this.outbox.slice(offset + done, offset + (this.orders[at + LENGTH] as number));
  }
}
