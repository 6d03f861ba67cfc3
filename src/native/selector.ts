// The bare selector for people: register descriptors, wait, see who is ready. No loop, no coroutines; level-triggered.
// The names and habits are those of CPython's selectors module.

import { constants } from 'node:os';
import { ArgumentRangeError, ArgumentTypeError, ClosedError } from '../kernel/errors.ts';
import { ERROR, HANGUP, READ, ROW_FIELDS, ROWS_BEGIN, WRITE } from '../kernel/selector-port.ts';
import { checkFd } from './descriptor.ts';
import { availableSelectors, NativeSelector } from './native-selector.ts';
import { ownClock } from './own-clock.ts';
import { SystemError } from './system-error.ts';

export { READ, WRITE };

/** What a descriptor is registered with. A frozen record; modify() makes a new one. */
export interface SelectorKey<D = unknown> {
  readonly fd: number;
  /** READ, WRITE or READ | WRITE. */
  readonly events: number;
  /** Whatever was passed along. */
  readonly data: D;
}

interface Entry<D> {
  key: SelectorKey<D>;
  readonly token: number;
}

const MAX_TOKEN = 2 ** 30;

/**
 * @example
 * const selector = new Selector();
 * selector.register(listener.fd, READ, 'the listener');
 * for (const [key, events] of selector.select(1000)) console.log(key.data, events & READ);
 */
export class Selector<D = unknown> implements Disposable {
  /** The mechanisms that can be used here, best first; the first is the default. */
  static get available(): readonly string[] {
    return availableSelectors();
  }

  readonly #native: NativeSelector;
  readonly #byFd = new Map<number, Entry<D>>();
  readonly #byToken = new Map<number, Entry<D>>();
  #nextToken = 0;

  /**
   * @param name one of Selector.available; without it COREACTOR_SELECTOR from the environment, or the best there is.
   * @throws ERR_COREACTOR_UNKNOWN_SELECTOR for any other name.
   */
  constructor(name: string = process.env.COREACTOR_SELECTOR || 'auto') {
    this.#native = new NativeSelector(name);
  }

  get name(): string {
    return this.#native.name;
  }

  /**
   * Watches `fd` for `events`. Never suspends.
   * @throws EEXIST if it is registered already, EBADF if it is not open, EPERM if it cannot be polled (a regular file).
   */
  register(fd: number, events: number, data?: D): SelectorKey<D> {
    this.check(fd, events);
    const token = this.freeToken();
    this.#native.add(fd, events, token);
    const key = Object.freeze({ fd, events, data: data as D });
    const entry = { key, token };
    this.#byFd.set(fd, entry);
    this.#byToken.set(token, entry);
    return key;
  }

  /** Changes what a registered descriptor is watched for, and its data. ENOENT if it is not registered. */
  modify(fd: number, events: number, data?: D): SelectorKey<D> {
    this.check(fd, events);
    const entry = this.entry(fd, 'modify');
    this.#native.modify(fd, events, entry.token);
    entry.key = Object.freeze({ fd, events, data: data as D });
    return entry.key;
  }

  /** Forgets `fd`; best before it is closed, right afterwards too. ENOENT if it is not registered. */
  unregister(fd: number): SelectorKey<D> {
    checkFd(fd, 'unregister');
    const entry = this.entry(fd, 'unregister');
    this.#native.remove(fd);
    this.#byFd.delete(fd);
    this.#byToken.delete(entry.token);
    return entry.key;
  }

  /**
   * Blocks the thread until something is ready, wake() is called or the time is up; the last two give an empty array. A
   * signal does not end it: its handler runs when it has returned.
   * @param timeoutMs milliseconds, fractions allowed; 0 or less only looks, null or nothing waits for ever.
   * @throws RangeError for NaN.
   */
  select(timeoutMs: number | null = null): [SelectorKey<D>, number][] {
    if (timeoutMs !== null && typeof timeoutMs !== 'number') {
      throw new ArgumentTypeError(`select() takes milliseconds or null, not ${typeof timeoutMs}`);
    }
    if (Number.isNaN(timeoutMs))
      throw new ArgumentRangeError('select() was given NaN milliseconds: check the arithmetic');
    const count = this.wait(timeoutMs === null ? Number.POSITIVE_INFINITY : Math.max(0, timeoutMs));
    const rows = this.#native.rows;
    const ready: [SelectorKey<D>, number][] = [];
    for (let i = ROWS_BEGIN; i < ROWS_BEGIN + ROW_FIELDS * count; i += ROW_FIELDS) {
      const entry = this.#byToken.get(rows[i] as number);
      if (entry === undefined) continue;
      const row = rows[i + 1] as number;
      const events = (row & (ERROR | HANGUP)) !== 0 ? entry.key.events : row & entry.key.events;
      if (events !== 0) ready.push([entry.key, events]);
    }
    return ready;
  }

  // A signal, for whose handler there is no time before this returns, does not shorten it. (Python: PEP 475)
  private wait(ms: number): number {
    const until = ownClock.now() + ms;
    for (let left = ms; ; left = Math.max(0, until - ownClock.now())) {
      const count = this.#native.wait(left);
      if (!this.#native.interrupted) return count;
    }
  }

  /** The key of a registered descriptor. ENOENT if it is not registered. */
  getKey(fd: number): SelectorKey<D> {
    checkFd(fd, 'getKey');
    return this.entry(fd, 'getKey').key;
  }

  /** All keys by descriptor: a copy, so that registering while walking through it is safe. */
  getMap(): Map<number, SelectorKey<D>> {
    this.checkOpen();
    return new Map([...this.#byFd].map(([fd, { key }]) => [fd, key]));
  }

  /** Ends the select() that runs or the next one. Several calls count as one. */
  wake(): void {
    this.#native.wake();
  }

  /** Closes the selector, not the registered descriptors. A second call does nothing. */
  close(): void {
    this.#native.close();
    this.#byFd.clear();
    this.#byToken.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private check(fd: number, events: number): void {
    checkFd(fd, 'register');
    if (events !== READ && events !== WRITE && events !== (READ | WRITE)) {
      throw new ArgumentRangeError(`events must be READ, WRITE or READ | WRITE, not ${String(events)}`);
    }
  }

  private checkOpen(): void {
    if (this.#native.closed) throw new ClosedError('the selector is closed: make a new one');
  }

  private entry(fd: number, call: string): Entry<D> {
    this.checkOpen();
    const entry = this.#byFd.get(fd);
    if (entry === undefined) throw new SystemError(-constants.errno.ENOENT, call, { fd });
    return entry;
  }

  // Numbers are used again only after a full round, so that a row of a past owner finds nobody.
  private freeToken(): number {
    do this.#nextToken = (this.#nextToken + 1) % MAX_TOKEN;
    while (this.#byToken.has(this.#nextToken));
    return this.#nextToken;
  }
}
