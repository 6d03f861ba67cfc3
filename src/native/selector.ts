// The bare selector for people: register descriptors, wait, see who is ready. No loop, no coroutines; level-triggered.
// The names and habits are those of CPython's selectors module.

import { constants } from 'node:os';
import { ArgumentRangeError, ArgumentTypeError, ClosedError } from '../kernel/errors.ts';
import { ERROR, HANGUP, READ, ROWS_BEGIN, WRITE } from '../kernel/selector-port.ts';
import { addon } from './addon.ts';
import { checkFd } from './descriptor.ts';
import { NativeSelector } from './native-selector.ts';
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
  /** The mechanisms this build has, best first; the first is the default. */
  static readonly available: readonly string[] = Object.freeze([...addon.available]);

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
   * Blocks the thread until something is ready, wake() is called, a signal comes or the time is up; the last three
   * give an empty array.
   * @param timeoutMs milliseconds, fractions allowed; 0 or less only looks, null or nothing waits for ever.
   * @throws RangeError for NaN.
   */
  select(timeoutMs: number | null = null): [SelectorKey<D>, number][] {
    if (timeoutMs !== null && typeof timeoutMs !== 'number') {
      throw new ArgumentTypeError(`select() takes milliseconds or null, not ${typeof timeoutMs}`);
    }
    if (Number.isNaN(timeoutMs))
      throw new ArgumentRangeError('select() was given NaN milliseconds: check the arithmetic');
    const count = this.#native.wait(timeoutMs === null ? Number.POSITIVE_INFINITY : Math.max(0, timeoutMs));
    const rows = this.#native.rows;
    const ready: [SelectorKey<D>, number][] = [];
    for (let i = ROWS_BEGIN; i < ROWS_BEGIN + 2 * count; i += 2) {
      const entry = this.#byToken.get(rows[i] as number);
      if (entry === undefined) continue;
      const row = rows[i + 1] as number;
      const events = (row & (ERROR | HANGUP)) !== 0 ? entry.key.events : row & entry.key.events;
      if (events !== 0) ready.push([entry.key, events]);
    }
    return ready;
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
