// What run() and runPromise() take, and what they make of it.

import { monotonicClock } from '../kernel/clock.ts';
import { closeBody } from '../kernel/create-task.ts';
import type { Instrument } from '../kernel/instruments.ts';
import type { Unhandled } from '../kernel/kernel.ts';
import type { Main } from '../kernel/operation.ts';
import { NativeSelector } from '../native/native-selector.ts';
import type { LoopOptions } from './life.ts';
import { guarded, printUnhandled } from './unhandled.ts';

export interface RunOptions {
  /**
   * The mechanism; by default COREACTOR_SELECTOR from the environment, else 'auto': the best that the system allows.
   * Runner.selector says which that was, and so does NODE_DEBUG=coreactor.
   */
  selector?: 'auto' | 'epoll' | 'kqueue' | 'select' | 'poll' | 'io_uring';
  /**
   * Debug mode: remembers where tasks are created and suspended, warns (through onUnhandled) of steps that block and of
   * operations that nobody awaits, and prints the tasks when SIGUSR2 comes, unless the program listens to that itself.
   * By default whether COREACTOR_DEBUG is 1.
   */
  debug?: boolean;
  /** In debug mode, how long a step may take before it is reported, in milliseconds; default 100. RangeError for NaN. */
  slowStep?: number;
  /** The main task's name. */
  name?: string;
  instruments?: readonly Instrument[];
  /** Takes the errors that nobody handled; by default they are printed and the exit code becomes 1. */
  onUnhandled?: (report: Unhandled) => void;
}

export function loopOptions(options: RunOptions): LoopOptions {
  return {
    clock: monotonicClock,
    instruments: options.instruments ?? [],
    onUnhandled: options.onUnhandled === undefined ? printUnhandled : guarded(options.onUnhandled),
    debug: options.debug ?? process.env.COREACTOR_DEBUG === '1',
    slowStep: options.slowStep,
  };
}

/** The selector that was asked for; if it cannot be had, `main` is closed, as it will never run. */
export function openSelector(main: Main<unknown> | undefined, options: RunOptions): NativeSelector {
  try {
    return new NativeSelector(options.selector ?? (process.env.COREACTOR_SELECTOR || 'auto'));
  } catch (error) {
    closeBody(main);
    throw error;
  }
}
