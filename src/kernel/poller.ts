// The kernel's table of descriptors: from the token in a row to the Readiness it belongs to.
//
//   token = generation * SLOTS + slot; the slot is used again, the generation tells an old row from a new owner

import { InvalidStateError } from './errors.ts';
import type { Mailbox } from './mailbox.ts';
import type { Readiness } from './readiness.ts';
import { Ring } from './ring.ts';
import { ACCEPT, RECEIVE, ROW_FIELDS, ROWS_BEGIN, SENT, type SelectorPort } from './selector-port.ts';

const SLOT_BITS = 20;
const SLOTS = 1 << SLOT_BITS;
const GENERATIONS = 1 << 10; // 30 bits together: a small integer on every V8

export class Poller {
  readonly selector: SelectorPort;
  /** Closed sockets that still have bytes to send. */
  readonly lingering = new Set<Readiness>();
  readonly #owners: (Readiness | null)[] = [];
  readonly #tokens: number[] = []; // the token each slot had last
  readonly #free: number[] = [];
  readonly #arrivals = new Ring<Readiness>(); // in this turn

  constructor(selector: SelectorPort) {
    this.selector = selector;
  }

  get mailbox(): Mailbox | null {
    return this.selector.mailbox;
  }

  /** How many descriptors are registered. */
  get size(): number {
    return this.#owners.length - this.#free.length;
  }

  /** Registers the owner's fd and gives the token that its rows will carry. */
  add(owner: Readiness, fd: number, interest: number): number {
    const slot = this.#free.pop() ?? this.#owners.length;
    if (slot >= SLOTS) throw new InvalidStateError(`more than ${SLOTS} descriptors in one loop: use several workers`);
    const generation = ((this.#tokens[slot] ?? -SLOTS + slot) >> SLOT_BITS) + 1;
    const token = (generation % GENERATIONS) * SLOTS + slot;
    this.#tokens[slot] = token;
    this.#owners[slot] = null;
    try {
      this.selector.add(fd, interest, token);
    } catch (error) {
      this.#free.push(slot);
      throw error;
    }
    this.#owners[slot] = owner;
    return token;
  }

  remove(token: number, fd: number): void {
    const slot = token & (SLOTS - 1);
    this.#owners[slot] = null;
    this.#free.push(slot);
    this.selector.remove(fd);
  }

  /** Hands each row of the last batch to its owner. A row whose owner has gone is dropped. */
  dispatch(count: number): void {
    const rows = this.selector.rows;
    const end = ROWS_BEGIN + ROW_FIELDS * count;
    for (let i = ROWS_BEGIN; i < end; i += ROW_FIELDS) {
      const token = rows[i] as number;
      const owner = this.#owners[token & (SLOTS - 1)];
      if (owner == null || owner.token !== token) continue;
      const events = rows[i + 1] as number;
      if ((events & (RECEIVE | SENT | ACCEPT)) === 0) {
        owner.ready(events);
      } else if ((events & RECEIVE) !== 0) {
        owner.receive(events, rows[i + 2] as number, rows[i + 3] as number);
        this.#arrivals.push(owner);
      } else if ((events & SENT) !== 0) {
        owner.sender?.sentInPart(rows[i + 2] as number, rows[i + 3] as number);
      } else {
        owner.acceptor?.accepted(rows[i + 2] as number);
      }
    }
  }

  /** Sends what was ordered now and not with the next wait, and tells those of whose bytes some are left. */
  flush(): void {
    this.dispatch(this.selector.flush());
  }

  /** The turn ends: what has arrived and was not taken is kept, since the next wait writes over it. */
  keepArrivals(): void {
    const arrivals = this.#arrivals;
    const count = arrivals.size;
    for (let n = count; n > 0; n--) {
      const owner = arrivals.shift();
      if (owner.arrived > 0) owner.keep();
    }
    arrivals.relax(count);
  }

  /** Everything registered. */
  owners(): Readiness[] {
    return this.#owners.filter((owner) => owner !== null);
  }
}
