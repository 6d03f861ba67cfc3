// What the kernel needs of a selector: the native ones have this face, and so has the simulated one of the tests.

import type { Mailbox } from './mailbox.ts';

// The bits of a row and of an interest, as in native/selector.h.
export const READ = 1;
export const WRITE = 2;
export const PRIORITY = 4;
export const ERROR = 8;
export const HANGUP = 16;
export const READ_HANGUP = 32;
export const EDGE = 64;
/** Asked, with READ and EDGE: receive into the mailbox's inbox. Told: so it did; with READ too, there may be more. */
export const RECEIVE = 128;
/** Told only: an order was not sent as a whole. */
export const SENT = 256;
/** Asked, with READ and EDGE, of a listener: accept, if the selector can. Told: the new descriptor, or -errno. */
export const ACCEPT = 512;
/** Asked, with RECEIVE: in pieces of up to BULK_PARCEL, for whoever reads them where they lie. */
export const BULK = 1024;

// The head of the rows: what may change from another thread or a signal handler.
/** rows[WOKEN] is not 0 while a wake() waits to be noticed. */
export const WOKEN = 0;
/** rows[INTERRUPTED] counts the SIGINTs that nobody has taken yet. */
export const INTERRUPTED = 1;
/** rows[INQUIRED] counts the SIGUSR2s that nobody has answered yet. */
export const INQUIRED = 2;
/** The first row begins at rows[ROWS_BEGIN]. */
export const ROWS_BEGIN = 4;
/**
 * Each row has a token, its events, and for RECEIVE and SENT two more: how many bytes (or -errno), and their place in
 * the inbox, or the number of the order; for ACCEPT one more, the descriptor (or -errno).
 */
export const ROW_FIELDS = 4;

export interface SelectorPort {
  readonly name: string;
  /** Whether EDGE needs no modify() to be armed again. */
  readonly edges: boolean;
  /** Whether asking (add, modify) costs next to nothing: then it is done only when somebody waits. */
  readonly lazy: boolean;
  readonly rows: Int32Array;
  add(fd: number, interest: number, token: number): void;
  modify(fd: number, interest: number, token: number): void;
  remove(fd: number): void;
  /** Waits `ms` milliseconds at most (Infinity: until something happens) and returns how many rows there are. */
  wait(ms: number): number;
  wake(): void;
  close(): void;
  /** Null if it cannot receive and send in batches. Opened when it is first asked for. */
  readonly mailbox: Mailbox | null;
  /** Sends what was ordered now; gives the number of rows, one for each failure. */
  flush(): number;
}
