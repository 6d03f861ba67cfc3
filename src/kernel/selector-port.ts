// What the kernel needs of a selector: the native ones have this face, and so has the simulated one of the tests.

// The bits of a row and of an interest, as in native/selector.h.
export const READ = 1;
export const WRITE = 2;
export const PRIORITY = 4;
export const ERROR = 8;
export const HANGUP = 16;
export const READ_HANGUP = 32;
export const EDGE = 64;

// The head of the rows: what may change from another thread or a signal handler.
/** rows[WOKEN] is not 0 while a wake() waits to be noticed. */
export const WOKEN = 0;
/** rows[INTERRUPTED] counts the SIGINTs that nobody has taken yet. */
export const INTERRUPTED = 1;
/** rows[INQUIRED] counts the SIGUSR2s that nobody has answered yet. */
export const INQUIRED = 2;
/** rows[ROWS_BEGIN], rows[ROWS_BEGIN + 1] are the token and events of the first row, and so on. */
export const ROWS_BEGIN = 4;

export interface SelectorPort {
  readonly name: string;
  /** Whether EDGE needs no modify() to be armed again. */
  readonly edges: boolean;
  readonly rows: Int32Array;
  add(fd: number, interest: number, token: number): void;
  modify(fd: number, interest: number, token: number): void;
  remove(fd: number): void;
  /** Waits `ms` milliseconds at most (Infinity: until something happens) and returns how many rows there are. */
  wait(ms: number): number;
  wake(): void;
  close(): void;
}
