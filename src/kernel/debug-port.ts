// What the kernel and its operations tell debug mode, and what they ask it. The mode itself is src/debug/debug-mode.ts;
// without it `here.debug` is null, and each of these calls is one comparison.

import type { Instrument } from './instruments.ts';
import type { Task } from './task.ts';

export interface DebugPort extends Required<Instrument> {
  /** Where the task was created: the lines of a stack. */
  createdAt(task: Task<unknown>): string | undefined;
  /** Where it is suspended, likewise. */
  suspendedAt(task: Task<unknown>): string | undefined;
  /** Since when it is, on the clock of now(). */
  suspendedSince(task: Task<unknown>): number | undefined;
  /** The current task was given an operation by `caller`, and should await it. */
  made(operation: object, caller: string): void;
  /** A callback of the task has run for so many milliseconds. */
  called(fn: () => unknown, task: Task<unknown> | null, ms: number): void;
  /** Somebody has begun to await it. */
  begun(operation: object): void;
}
