// What a task and its scopes were told to end, and how far that has come. One per task that is being cancelled, kept by
// the kernel beside the task, since few are.
//
// The task and its scopes are numbered from the outside: 0 is the task itself, an inner scope has a greater number than
// those around it.

import type { Unwinding } from './unwind.ts';

/** No scope has this number, and no clock shows this time. */
export const NEVER = Number.POSITIVE_INFINITY;

/** Who cancelled a task and why. */
export interface Cause {
  readonly reason: unknown;
  readonly by: string | undefined;
  /** An error that came up meanwhile and was thrown in place of the cancel. */
  readonly error?: unknown;
}

/** What was asked of those around a scope that was entered while they unwound, in a `finally` block. */
export interface Outside {
  readonly cancelled: number;
  readonly expired: number;
  readonly interrupted: unknown;
  readonly cut: boolean;
}

export class Cancellation implements Unwinding {
  /** The outermost that was cancelled. */
  cancelled = NEVER;
  /** The outermost whose deadline has passed. */
  expired = NEVER;
  /** Of the task's own cancel. */
  cause: Cause | null = null;
  /** The task's own cancel waits until the clean-up of a scope has ended. */
  deferred = false;
  /** Whether a return() has met a clean-up and cut it short: then it is not for whoever cleaned up. */
  cut = false;
  /** The error that was thrown first, while a return() was due. */
  postponed: unknown = null;
  /** Whether a return() is under way for one of them. */
  delivered = false;
  cleaning: unknown = null;
  known = false;
  /** The coroutine whose clean-up that return() has met. */
  #interrupted: unknown = null;

  /** A return() begins: it may interrupt a clean-up. */
  deliver(): void {
    if (this.delivered) this.cut = true;
    else this.#interrupted = this.cleaning;
    this.delivered = true;
    this.cleaning = null;
  }

  /** It has come where it was to end: if it has met a clean-up, that goes on. */
  absorb(): void {
    this.delivered = false;
    this.cut = false;
    this.cleaning = this.#interrupted;
    this.known = true; // what comes now: the coroutines on the way out are not the ones that clean up
    this.#interrupted = null;
  }

  /** A scope is entered while a return() is under way: what is asked from now on is another one. */
  enter(asked: boolean): Outside {
    const outside = { cancelled: this.cancelled, expired: this.expired, interrupted: this.#interrupted, cut: this.cut };
    this.cut = false;
    if (!asked) this.cancelled = this.expired = NEVER;
    this.delivered = false;
    return outside;
  }

  /** That scope is left. */
  leave(outside: Outside): void {
    this.cancelled = Math.min(this.cancelled, outside.cancelled);
    this.expired = Math.min(this.expired, outside.expired);
    this.delivered = true;
    this.#interrupted = outside.interrupted;
    this.cut = outside.cut;
  }
}
