// The kernel's table of descriptors: from the token in a row to the Readiness it belongs to.
//
//   token = generation * SLOTS + slot; the slot is used again, the generation tells an old row from a new owner

import { InvalidStateError } from './errors.ts';
import type { Readiness } from './readiness.ts';
import { ROWS_BEGIN, type SelectorPort } from './selector-port.ts';

const SLOT_BITS = 20;
const SLOTS = 1 << SLOT_BITS;
const GENERATIONS = 1 << 10; // 30 bits together: a small integer on every V8

export class Poller {
  readonly selector: SelectorPort;
  readonly #owners: (Readiness | null)[] = [];
  readonly #tokens: number[] = []; // the token each slot had last
  readonly #free: number[] = [];

  constructor(selector: SelectorPort) {
    this.selector = selector;
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
    const end = ROWS_BEGIN + 2 * count;
    for (let i = ROWS_BEGIN; i < end; i += 2) {
      const token = rows[i] as number;
      const owner = this.#owners[token & (SLOTS - 1)];
      if (owner != null && owner.token === token) owner.ready(rows[i + 1] as number);
    }
  }

  /** Everything registered, for the end of a run. */
  owners(): Readiness[] {
    return this.#owners.filter((owner) => owner !== null);
  }
}
