// What the kernel's timers hold.

import type { Task } from './task.ts';

/**
 * Something to happen at a deadline, once. It does not hold its deadline: in an object a number with fractions is an
 * object of its own, and the run has it already. (An interface and no base class: V8 makes objects of derived classes
 * slower, and there may be a million of these.)
 */
export interface Timer {
  /** Kept by Timers: false before add(), after firing and after a cancel. An unarmed one that is met is dropped. */
  armed: boolean;
  /** Whose wait it limits: that of a timeout's task. */
  readonly limits?: Task<unknown> | null;
  fire(): void;
}
