// Coroutines that the composition tests share.

import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import type { SimulateOptions } from '../../src/testing/simulate.ts';
import { simulate } from '../kernel/helpers.ts';

/** simulate(), and a failure if the program was ended before its last line: no expectation may be skipped by a cancel. */
export function simulateToEnd(main: () => Coroutine<void>, options?: SimulateOptions): void {
  let reached = false;
  simulate(function* () {
    yield* main();
    reached = true;
  }, options);
  if (!reached) throw new Error('the program was ended before its last line');
}

/** Gives `result` after `ms`. */
export function* value<T>(result: T, ms = 0): Coroutine<T> {
  if (ms > 0) yield* sleep(ms);
  return result;
}

/** Throws after `ms`. */
export function* fail(message: string, ms = 0): Coroutine<never> {
  if (ms > 0) yield* sleep(ms);
  throw new Error(message);
}

/** Sleeps for long; cancelled, it cleans up for `ms` and notes that, or throws an error of that name. */
export function* stubborn(log: string[], name: string, ms = 5, throws = false): Coroutine<void> {
  try {
    yield* sleep(100_000);
  } finally {
    if (currentTask().cancelling) {
      try {
        yield* sleep(ms);
      } finally {
        log.push(name);
      }
      // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
      if (throws) throw new Error(name);
    }
  }
}
