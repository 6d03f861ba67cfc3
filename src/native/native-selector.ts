// A native selector behind the kernel's SelectorPort. Owns its rows; belongs to one loop or one public Selector.

import { constants } from 'node:os';
import { ArgumentTypeError, ClosedError, CoreactorError } from '../kernel/errors.ts';
import { INQUIRED, INTERRUPTED, ROWS_BEGIN, type SelectorPort, WOKEN } from '../kernel/selector-port.ts';
import { addon, type NativeSelectorObject } from './addon.ts';
import { checked, SystemError } from './system-error.ts';

/** Rows of one batch: what more is ready comes with the next wait, so that a turn stays short. */
const CAPACITY = 512;
const EINTR = -constants.errno.EINTR;

export class NativeSelector implements SelectorPort {
  readonly name: string;
  readonly edges: boolean;
  readonly rows = new Int32Array(new ArrayBuffer(4 * (ROWS_BEGIN + 2 * CAPACITY)));
  #object: NativeSelectorObject | null;
  #registered = 0;

  /** `name` is one of addon.available, or 'auto' for the first of them. */
  constructor(name: string) {
    this.#object = open(resolveName(name), this.rows);
    this.name = this.#object.name;
    this.edges = this.#object.edges;
  }

  /** The descriptor that another loop may poll, or -1. */
  get fd(): number {
    return this.open().fd;
  }

  get closed(): boolean {
    return this.#object === null;
  }

  add(fd: number, interest: number, token: number): void {
    checked(this.open().add(fd, interest, token), 'register', { fd });
    this.#registered++;
  }

  modify(fd: number, interest: number, token: number): void {
    checked(this.open().modify(fd, interest, token), 'modify', { fd });
  }

  remove(fd: number): void {
    checked(this.open().remove(fd), 'unregister', { fd });
    this.#registered--;
  }

  wait(ms: number): number {
    const object = this.open();
    const rows = this.rows;
    // With nothing to look at, a poll needs no system call.
    if (ms === 0 && this.#registered === 0 && rows[WOKEN] === 0 && rows[INTERRUPTED] === 0) return 0;
    const count = object.wait(ms);
    rows[WOKEN] = 0;
    if (count >= 0) return count;
    // A signal came: the turn that follows finds the remaining time from the clock.
    if (count === EINTR) return 0;
    throw new SystemError(count, 'wait');
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
    this.#object?.close();
    this.#object = null;
  }

  private open(): NativeSelectorObject {
    if (this.#object === null) throw new ClosedError('the selector is closed: make a new one');
    return this.#object;
  }
}

function resolveName(name: unknown): string {
  if (typeof name !== 'string') throw new ArgumentTypeError(`a selector's name is a string, not ${typeof name}`);
  const chosen = name === 'auto' ? addon.available[0] : name;
  if (chosen !== undefined && addon.available.includes(chosen)) return chosen;
  throw new CoreactorError(
    'ERR_COREACTOR_UNKNOWN_SELECTOR',
    `there is no selector "${name}" here: use 'auto' or one of ${addon.available.join(', ')}`,
  );
}

function open(name: string, rows: Int32Array): NativeSelectorObject {
  try {
    return new addon.NativeSelector(name, rows);
  } catch (error) {
    const errno = (error as { errno?: number }).errno;
    throw errno === undefined ? error : new SystemError(errno, 'open', { what: `the ${name} selector` });
  }
}
