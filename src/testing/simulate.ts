// Runs a program on a virtual clock and a fake selector: no waiting, no descriptors, the same result every time.

import { BlockingLoop } from '../hosts/blocking-loop.ts';
import type { Instrument } from '../kernel/instruments.ts';
import type { Unhandled } from '../kernel/kernel.ts';
import type { Main } from '../kernel/operation.ts';
import { FakeSelector } from './fake-selector.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface SimulateOptions {
  clock?: VirtualClock;
  selector?: FakeSelector;
  instruments?: readonly Instrument[];
  onUnhandled?: (report: Unhandled) => void;
  debug?: boolean;
}

/** Like run(), in simulated time. Errors that nobody handles are thrown at the end unless `onUnhandled` takes them. */
export function simulate<T>(main: Main<T>, options: SimulateOptions = {}): T {
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
