// What the package accepts as a duration or a deadline, decided in one place.

import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';
import type { Kernel } from './kernel.ts';

/** A duration: null counts as for ever. */
export function checkDuration(ms: number | null, caller: string): number {
  if (ms === null) return Number.POSITIVE_INFINITY;
  check(ms, caller);
  return ms;
}

/** A point in time from a duration: negative counts as 0, null and Infinity as never. */
export function deadlineAfter(kernel: Kernel, ms: number | null, caller: string): number {
  const duration = checkDuration(ms, caller);
  if (duration === Number.POSITIVE_INFINITY) return duration;
  return kernel.clock.now() + Math.max(duration, 0);
}

/** A point in time as it is: null and Infinity mean never. */
export function deadlineAt(deadline: number | null, caller: string): number {
  if (deadline === null) return Number.POSITIVE_INFINITY;
  check(deadline, caller);
  return deadline;
}

function check(value: number, caller: string): void {
  if (typeof value !== 'number') {
    throw new ArgumentTypeError(`${caller} takes a number of milliseconds, or null for "never", not ${typeof value}`);
  }
  if (Number.isNaN(value)) throw new ArgumentRangeError(`${caller} was given NaN milliseconds: check the arithmetic`);
}
