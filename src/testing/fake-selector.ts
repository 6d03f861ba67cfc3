// A selector without an operating system: descriptors are numbers, readiness is what the test says it is, and waiting
// moves a virtual clock. It keeps the native selectors' rules (errors, edges, rows), as the conformance test checks.

import { ArgumentRangeError, InvalidStateError } from '../kernel/errors.ts';
import { ROW_FIELDS, ROWS_BEGIN, type SelectorPort } from '../kernel/selector-port.ts';
import type { VirtualClock } from './virtual-clock.ts';

const CAPACITY = 256;

/** So many waits in a row without an event and without time passing are taken for a loop that spins. */
const MAX_IDLE = 100_000;

/**
 * The descriptors of a simulated loop: any number can be one, and it is ready when the test says so, now or later. What
 * is signalled stays until the loop has been told once, as with an edge-triggered selector. It throws
 * where a real one would make a test hang: InvalidStateError for a wait without end, and for a loop that spins.
 * @example
 * const clock = new VirtualClock();
 * const selector = new FakeSelector(clock);
 * selector.signalAt(250, 3, READ); // fd 3 becomes readable at 250 ms
 * simulate(main, { clock, selector });
 */
export class FakeSelector implements SelectorPort {
  readonly name = 'fake';
  readonly edges = true;
  readonly lazy = false;
  readonly rows = new Int32Array(ROWS_BEGIN + ROW_FIELDS * CAPACITY);
  /** It knows of readiness only: bytes it has none. */
  readonly mailbox = null;
  closed = false;
  /** Every call of wait(): when it came, and how long it would have waited (Infinity: for ever). */
  readonly waits: { at: number; ms: number }[] = [];
  /** @internal */ readonly clock: VirtualClock;
  readonly #registered = new Map<number, { interest: number; token: number }>();
  readonly #pending = new Map<number, number>(); // fd -> events not told yet
  readonly #script: { at: number; fd: number; events: number }[] = [];
  #woken = false;
  #idle = 0;

  /** @param clock is moved on by waiting: give the loop the same one */
  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  /** `fd` becomes ready for `events` (READ, WRITE) now. */
  signal(fd: number, events: number): void {
    this.#pending.set(fd, (this.#pending.get(fd) ?? 0) | events);
  }

  /** `fd` becomes ready for `events` when the clock reaches `at`. */
  signalAt(at: number, fd: number, events: number): void {
    if (Number.isNaN(at)) throw new ArgumentRangeError('signalAt() takes a time in milliseconds, not NaN');
    this.#script.push({ at, fd, events });
    this.#script.sort((a, b) => a.at - b.at);
  }

  add(fd: number, interest: number, token: number): void {
    if (this.#registered.has(fd)) throw new Error(`EEXIST: fd ${fd} is registered already`);
    this.#registered.set(fd, { interest, token });
  }

  modify(fd: number, interest: number, token: number): void {
    if (!this.#registered.has(fd)) throw new Error(`ENOENT: fd ${fd} is not registered`);
    this.#registered.set(fd, { interest, token });
  }

  remove(fd: number): void {
    this.#registered.delete(fd);
    this.#pending.delete(fd);
  }

  wait(ms: number): number {
    if (!(ms >= 0)) throw new ArgumentRangeError(`wait() takes milliseconds >= 0, not ${ms}`);
    const at = this.clock.now();
    this.waits.push({ at, ms });
    const rows = this.await(ms);
    this.#idle = rows === 0 && this.clock.now() === at ? this.#idle + 1 : 0;
    if (this.#idle > MAX_IDLE) {
      throw new InvalidStateError(`the loop spins at ${at} ms: it turns and turns, and nothing happens`);
    }
    return rows;
  }

  private await(ms: number): number {
    this.play();
    if (this.collectable() || this.#woken || ms === 0) return this.collect();
    const until = Math.min(this.clock.now() + ms, this.#script[0]?.at ?? Number.POSITIVE_INFINITY);
    if (until === Number.POSITIVE_INFINITY) {
      // The real one would block for ever, and no test runner could end it.
      throw new InvalidStateError(
        'the fake selector was asked to wait for ever: say with signalAt() what happens, or give the wait a timeout',
      );
    }
    this.clock.advance(Math.max(0, until - this.clock.now()));
    this.play();
    return this.collect();
  }

  flush(): number {
    return 0;
  }

  wake(): void {
    this.#woken = true;
  }

  close(): void {
    this.closed = true;
  }

  private play(): void {
    while (this.#script.length > 0 && (this.#script[0] as { at: number }).at <= this.clock.now()) {
      const { fd, events } = this.#script.shift() as { fd: number; events: number };
      this.signal(fd, events);
    }
  }

  private collectable(): boolean {
    for (const fd of this.#pending.keys()) if (this.#registered.has(fd)) return true;
    return false;
  }

  private collect(): number {
    this.#woken = false;
    let count = 0;
    for (const [fd, events] of this.#pending) {
      const registration = this.#registered.get(fd);
      if (registration === undefined) continue;
      if (count === CAPACITY) break;
      this.rows.set([registration.token, events], ROWS_BEGIN + ROW_FIELDS * count);
      this.#pending.delete(fd);
      count++;
    }
    return count;
  }
}
