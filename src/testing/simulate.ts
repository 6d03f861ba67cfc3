// Runs a program on a virtual clock and a fake selector: no waiting, no descriptors, the same result every time.

import { BlockingLoop } from '../hosts/blocking-loop.ts';
import { describe } from '../kernel/describe.ts';
import { ArgumentTypeError } from '../kernel/errors.ts';
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
  /** Takes the errors that nobody handled; by default they are thrown at the end. */
  onUnhandled?: (report: Unhandled) => void;
  /** Remembers where each task was created. */
  debug?: boolean;
}

/**
 * Runs a coroutine to its end, as run() does, but in simulated time: waiting moves a clock and takes none. The same
 * program gives the same result each time. Blocks, for as long as the program's own code takes.
 * @throws what `main` throws, or an error that nobody handled; AggregateError for several of them; DeadlockError and InvalidStateError for a program
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
  const clock = options.clock ?? options.selector?.clock ?? new VirtualClock();
  const selector = options.selector ?? new FakeSelector(clock);
  if (selector.clock !== clock) {
    throw new ArgumentTypeError(
      'simulate() was given a clock and a selector that moves another: new FakeSelector(clock)',
    );
  }
  const problems: unknown[] = [];
  const loop = new BlockingLoop(selector, {
    clock,
    instruments: options.instruments ?? [],
    onUnhandled: options.onUnhandled ?? ((report) => problems.push(report.error)),
    debug: options.debug ?? false,
  });
  let result: T | undefined;
  try {
    result = loop.run(main).main.result();
  } catch (error) {
    problems.unshift(error);
  }
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) {
    throw new AggregateError(problems, `several things went wrong: ${problems.map(describe).join('; ')}`);
  }
  return result as T;
}
