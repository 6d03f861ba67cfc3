// Runs a program on a virtual clock and a fake selector: no waiting, no descriptors, the same result every time.

import { BlockingLoop } from '../hosts/blocking-loop.ts';
import type { Instrument } from '../kernel/instruments.ts';
import type { Unhandled } from '../kernel/kernel.ts';
import type { Main } from '../kernel/operation.ts';
import { FakeSelector } from './fake-selector.ts';
import { refuseNested } from './trial.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface SimulateOptions {
  /** Yours, to move it or to begin at another time; by default a new one that begins at 0. */
  clock?: VirtualClock;
  /** Yours, made with the same clock, to say what happens to descriptors and when. */
  selector?: FakeSelector;
  instruments?: readonly Instrument[];
  /** Takes the errors that nobody handled; by default the first of them is thrown at the end. */
  onUnhandled?: (report: Unhandled) => void;
  /** Remembers where each task was created. */
  debug?: boolean;
}

/**
 * Runs a coroutine to its end, as run() does, but in simulated time: waiting moves a clock and takes none. The same
 * program gives the same result each time. Blocks, for as long as the program's own code takes.
 * @throws what `main` throws; else the first error that nobody handled; DeadlockError and InvalidStateError for a program
 * that could only wait for ever; InvalidStateError inside a running loop.
 * @example
 * const hours = simulate(function* () {
 *   const start = now();
 *   yield* sleep(7_200_000);
 *   return (now() - start) / 3_600_000;
 * }); // 2, at once
 */
export function simulate<T>(main: Main<T>, options: SimulateOptions = {}): T {
  refuseNested('simulate()');
  const clock = options.clock ?? new VirtualClock();
  const selector = options.selector ?? new FakeSelector(clock);
  const unhandled: Unhandled[] = [];
  const loop = new BlockingLoop(selector, {
    clock,
    instruments: options.instruments ?? [],
    onUnhandled: options.onUnhandled ?? ((report) => unhandled.push(report)),
    debug: options.debug ?? false,
  });
  const result = loop.run(main).main.result();
  if (unhandled.length > 0) throw (unhandled[0] as Unhandled).error;
  return result;
}
