// What a task waits on, as those who look for the stuck task see it: the value given to park().

import type { Task } from './task.ts';

/** Any object can be given to park(); with these it tells more. */
export interface Resource {
  /** 'Lock db', 'recv on fd 7' */
  toString(): string;
  /** Who has what is waited for, and has to let go of it: the owner of a lock. */
  readonly holders?: readonly Task<unknown>[];
  /** Whose end is waited for: the children of a group. */
  readonly awaits?: readonly Task<unknown>[];
  /** When the wait ends by itself, on the clock of now(). */
  readonly deadline?: number;
}

/** One task and what it waits on. */
export interface TaskWait {
  readonly task: Task<unknown>;
  readonly state: string;
  /** What it waits on, in words; undefined if it does not wait. */
  readonly waitsOn: string | undefined;
  /** Who has that, and has to let go of it. */
  readonly holders: readonly Task<unknown>[];
  /** Whose end it waits for. */
  readonly awaits: readonly Task<unknown>[];
  /** When the wait ends by itself (a sleep), on the clock of now(); Infinity if it does not. */
  readonly deadline: number;
  /** When the next timeout around it expires; Infinity if there is none. */
  readonly limit: number;
}
