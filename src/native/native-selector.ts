// A native selector behind the kernel's SelectorPort. Owns its rows; belongs to one loop or one public Selector.

import { constants } from 'node:os';
import { ArgumentTypeError, ClosedError, CoreactorError } from '../kernel/errors.ts';
import { lostMemory, Mailbox } from '../kernel/mailbox.ts';
import {
  INQUIRED,
  INTERRUPTED,
  RECEIVE,
  ROW_FIELDS,
  ROWS_BEGIN,
  type SelectorPort,
  WOKEN,
} from '../kernel/selector-port.ts';
import { addon, type HostWatchObject, type NativeSelectorObject } from './addon.ts';
import { ownClock } from './own-clock.ts';
import { checked, SystemError } from './system-error.ts';

/** Rows of one batch: what more is ready comes with the next wait, so that a turn stays short. */
const CAPACITY = 512;
/** How long a worker waits at most before it looks whether it is to end, in milliseconds. */
const SLICE = 50;
const EINTR = -constants.errno.EINTR;

/** What a system says that does not have a mechanism, or does not let us. */
const REFUSED: readonly string[] = ['ENOSYS', 'EPERM', 'EACCES', 'EINVAL'];

const ADVICE: Record<string, string> = {
  io_uring:
    "it needs Linux 6.12 and a system that allows it, see kernel.io_uring_disabled and the sandbox: use 'auto', which takes another then",
};
/** A ring's queues are locked memory, some 200 KiB of it, which counts for all processes of the user. */
const LOCKED_ADVICE: Record<string, string> = {
  io_uring:
    'more than this user may lock, as a rule: raise "ulimit -l" (systemd: LimitMEMLOCK), close other loops, or take another selector',
};
const ENOMEM = -constants.errno.ENOMEM;

function adviceOn(errno: number, name: string): string | undefined {
  return (errno === ENOMEM ? LOCKED_ADVICE : ADVICE)[name];
}

export class NativeSelector implements SelectorPort {
  readonly name: string;
  readonly edges: boolean;
  readonly lazy: boolean;
  /** Whether the last wait ended early, by a signal. */
  interrupted = false;
  readonly rows = new Int32Array(new ArrayBuffer(4 * (ROWS_BEGIN + ROW_FIELDS * CAPACITY)));
  #object: NativeSelectorObject | null;
  #mailbox: Mailbox | null = null;
  #registered = 0;

  /** `name` is one of addon.available, or 'auto' for the first of them that the system allows: see `name` then. */
  constructor(name: string) {
    this.#object = open(name, this.rows);
    this.name = this.#object.name;
    this.edges = this.#object.edges;
    this.lazy = this.#object.lazy;
  }

  /** The descriptor that another loop may poll, or -1. */
  get fd(): number {
    this.losesMemory();
    return this.open().fd;
  }

  // A worker that is to be terminated comes to its end in JavaScript only, so it returns there now and then.
  private waitInSlices(object: NativeSelectorObject, ms: number): number {
    const { rows } = this;
    const deadline = ownClock.now() + ms;
    for (let left = ms; ; left = Math.max(0, deadline - ownClock.now())) {
      const count = object.wait(Math.min(left, SLICE));
      if (count !== 0 || left <= SLICE || rows[WOKEN] !== 0 || rows[INTERRUPTED] !== 0 || rows[INQUIRED] !== 0)
        return count;
    }
  }

  /** Sends what was ordered, if anything was: to be called when the next wait may be far. Gives the number of rows. */
  settle(): number {
    return this.#mailbox === null || this.#mailbox.empty ? 0 : this.flush();
  }

  get mailbox(): Mailbox {
    if (this.#mailbox === null) {
      const mailbox = new Mailbox();
      const result = this.open().attachMailbox(mailbox.inbox, mailbox.outbox, mailbox.orders);
      if (result < 0) {
        throw new SystemError(result, 'attach', { what: 'a mailbox', advice: adviceOn(result, this.name) });
      }
      this.#mailbox = mailbox;
    }
    return this.#mailbox;
  }

  get closed(): boolean {
    return this.#object === null;
  }

  add(fd: number, interest: number, token: number): void {
    this.checkMemory(interest);
    checked(this.open().add(fd, interest, token), 'register', { fd });
    this.#registered++;
  }

  modify(fd: number, interest: number, token: number): void {
    this.checkMemory(interest);
    checked(this.open().modify(fd, interest, token), 'modify', { fd });
  }

  remove(fd: number): void {
    this.losesMemory();
    checked(this.open().remove(fd), 'unregister', { fd });
    this.#registered--;
  }

  wait(ms: number): number {
    const object = this.open();
    const rows = this.rows;
    this.interrupted = false;
    // With nothing to look at, a poll needs no system call.
    if (ms === 0 && this.#registered === 0 && rows[WOKEN] === 0 && rows[INTERRUPTED] === 0) return 0;
    this.checkMemory();
    const count = addon.isMainThread ? object.wait(ms) : this.waitInSlices(object, ms);
    rows[WOKEN] = 0;
    this.#mailbox?.sent();
    this.interrupted = count === EINTR;
    if (count >= 0) return count;
    if (this.interrupted) return 0; // the turn that follows finds the remaining time from the clock
    throw new SystemError(count, 'wait');
  }

  /** Calls back in the host's loop when wait(0) would bring something. See native/binding/host_watch_object.h. */
  watch(callback: () => void, threaded: boolean): HostWatchObject {
    this.losesMemory();
    const watch = new addon.HostWatch(this.open(), callback, threaded);
    checked(watch.error, 'watch', { what: `the ${this.name} selector` });
    return watch;
  }

  flush(): number {
    this.checkMemory();
    const count = this.open().flush();
    this.#mailbox?.sent();
    return count;
  }

  wake(): void {
    const object = this.open();
    this.rows[WOKEN] = 1;
    checked(object.wake(), 'wake');
  }

  /**
   * Counts SIGINTs in rows[INTERRUPTED] and SIGUSR2s in rows[INQUIRED] until unwatchSignals(); false if there is nothing
   * to watch, or another loop watches already.
   */
  watchSignals(interrupts: boolean, inquiries: boolean): boolean {
    this.rows[INTERRUPTED] = 0;
    this.rows[INQUIRED] = 0;
    return this.open().watchSignals(interrupts, inquiries);
  }

  unwatchSignals(): void {
    this.#object?.unwatchSignals();
  }

  close(): void {
    this.losesMemory();
    this.#object?.close();
    this.#object = null;
  }

  private checkMemory(interest = RECEIVE): void {
    if (this.losesMemory() && (interest & RECEIVE) !== 0) throw lostMemory();
  }

  // To be asked before each call into the kernel: native code has the address, and a ring may receive with any of them.
  // What was ordered is lost, and the next wait says so.
  private losesMemory(): boolean {
    const mailbox = this.#mailbox;
    if (mailbox?.outbox.length !== 0) return false;
    mailbox.drop();
    this.#object?.detachMailbox();
    return true;
  }

  private open(): NativeSelectorObject {
    if (this.#object === null) throw new ClosedError('the selector is closed: make a new one');
    return this.#object;
  }
}

/** The names that can be opened here, best first. One that this build has, the system may still refuse. */
export function availableSelectors(): readonly string[] {
  usable ??= Object.freeze(addon.available.filter((name) => name !== 'io_uring' || opens(name)));
  return usable;
}
let usable: readonly string[] | undefined;

function opens(name: string): boolean {
  try {
    new addon.NativeSelector(name, new Int32Array(ROWS_BEGIN + ROW_FIELDS)).close();
    return true;
  } catch {
    return false;
  }
}

function open(name: unknown, rows: Int32Array): NativeSelectorObject {
  if (typeof name !== 'string') throw new ArgumentTypeError(`a selector's name is a string, not ${typeof name}`);
  if (name === 'auto') return openFirst(rows);
  if (addon.available.includes(name)) return openNamed(name, rows);
  throw new CoreactorError(
    'ERR_COREACTOR_UNKNOWN_SELECTOR',
    `there is no selector "${name}" here: use 'auto' or one of ${availableSelectors().join(', ')}`,
  );
}

// The first that the system does not refuse.
function openFirst(rows: Int32Array): NativeSelectorObject {
  let refusal: unknown;
  for (const name of addon.available) {
    try {
      return openNamed(name, rows);
    } catch (error) {
      if (!REFUSED.includes((error as SystemError).code)) throw error; // such as EMFILE: the next would fare no better
      refusal = error;
    }
  }
  throw refusal;
}

function openNamed(name: string, rows: Int32Array): NativeSelectorObject {
  try {
    return new addon.NativeSelector(name, rows);
  } catch (error) {
    const errno = (error as { errno?: number }).errno;
    if (errno === undefined) throw error;
    throw new SystemError(errno, 'open', { what: `the ${name} selector`, advice: adviceOn(errno, name) });
  }
}
