// What every host does with a kernel, from the first turn to the last descriptor: main, then the clean-up of all that it
// left behind, then what was sent and is not taken yet. Only how to wait is the host's: life() asks it to, by a yield.

import { deadlock } from '../debug/deadlock.ts';
import { DebugMode } from '../debug/debug-mode.ts';
import { formatTasks } from '../debug/format-tasks.ts';
import { nodeInstruments } from '../debug/node-log.ts';
import { claimMain } from '../kernel/create-task.ts';
import { addCause, type DeadlockError } from '../kernel/errors.ts';
import { Kernel, type KernelOptions } from '../kernel/kernel.ts';
import type { Main } from '../kernel/operation.ts';
import { INQUIRED, INTERRUPTED, type SelectorPort } from '../kernel/selector-port.ts';
import type { Task } from '../kernel/task.ts';
import { flushAtExit } from './last-flush.ts';

/** So often the tasks of a deadlock are cancelled without one of them ending: each cancel may end but one wait. */
const IN_VAIN = 1000;

/** How long a run that has ended waits for peers to take what was sent to them, in milliseconds. */
const LINGER = 5000;

/** Asked for instead of a time: nothing in the loop can wake a task, so only somebody outside of it could. */
export const HOPELESS = -1;
/** Answered to HOPELESS instead of a number of rows: there is nobody outside. */
export const NOBODY = -1;

export interface LoopOptions extends Omit<KernelOptions, 'selector' | 'debug'> {
  debug?: boolean;
  /** In debug mode, how long a step may take, in milliseconds. */
  slowStep?: number | undefined;
}

/** Whether a SIGINT ended it. */
type Interrupted = boolean;

/**
 * Yields how many milliseconds the host may wait (or HOPELESS), and takes how many rows the selector has then (or NOBODY).
 * It throws what no task may catch: a DeadlockError, or what an instrument threw.
 */
export type Life = Generator<number, Interrupted, number>;

type Turns = Generator<number, void, number>;

/** Makes a kernel and its main task, which has not begun: the first `next()` is the first turn. */
export function begin<T>(
  selector: SelectorPort,
  options: LoopOptions,
  main: Main<T>,
  name: string | undefined,
  caller: string,
): { kernel: Kernel; task: Task<T>; life: Life } {
  const debug = options.debug ? new DebugMode(options.slowStep) : null;
  const instruments = [...(options.instruments ?? []), ...nodeInstruments(selector.name)];
  const kernel = new Kernel({ ...options, selector, instruments, debug });
  const task = kernel.spawn(claimMain(main, caller), name);
  return { kernel, task, life: live(kernel, task as Task<unknown>, debug) };
}

function* live(kernel: Kernel, main: Task<unknown>, debug: DebugMode | null): Life {
  const { rows: flags } = kernel.poller.selector;
  let interrupted = false;
  let stuck: DeadlockError | null = null;
  let cancelledInVain = 0;
  let liveBefore = 0;
  const cancelAll = (reason: unknown): void => {
    for (const each of kernel.tasks()) each.cancel(reason);
  };

  // The first Ctrl-C cancels main; while the clean-up runs, a further one cancels what still cleans up.
  const takeInterrupt = (): void => {
    if ((flags[INTERRUPTED] as number) === 0) return;
    flags[INTERRUPTED] = 0;
    if (!main.done) main.cancel('SIGINT');
    else if (interrupted) cancelAll('SIGINT');
    interrupted = true;
  };

  const breakDeadlock = (): void => {
    stuck ??= deadlock(kernel);
    debug?.finish(); // a forgotten yield* may be why
    cancelledInVain = kernel.live === liveBefore ? cancelledInVain + 1 : 0;
    liveBefore = kernel.live;
    if (cancelledInVain > IN_VAIN) {
      // Clean-up that insists on what will never come.
      addCause(stuck, main.failure);
      kernel.flushFailures();
      throw stuck;
    }
    cancelAll(stuck);
  };

  function* drive(until: () => boolean): Turns {
    for (let rows = 0; ; ) {
      const patience = kernel.turn(rows);
      if (until()) return;
      rows = yield patience === Number.POSITIVE_INFINITY && !kernel.hopeful ? HOPELESS : patience;
      if (rows === NOBODY) {
        breakDeadlock();
        rows = 0;
        continue;
      }
      takeInterrupt();
      answerInquiry(kernel, flags);
    }
  }

  const flushNoMore = flushAtExit(kernel);
  try {
    yield* drive(() => main.done);
    if (main.done && !main.cancelled) main.exception(); // the host hands it on, so it is not unhandled
    // Clean-up may start tasks of its own: they are let run, and what they leave behind is cancelled in the next round.
    // So is what the last callbacks start.
    do {
      const rest = kernel.tasks();
      for (const each of rest) each.cancelAfterCleanUp('the run is ending');
      if (rest.length > 0) yield* drive(() => rest.every((each) => each.done));
      kernel.turn(0);
    } while (kernel.live > 0);
    yield* linger(kernel, flags);
    takeInterrupt(); // one that came in the last steps
    debug?.finish();
    kernel.flushFailures();
  } finally {
    flushNoMore();
    kernel.abandonDescriptors(false); // also when an instrument or a handler threw through the loop
  }
  if (stuck !== null) {
    addCause(stuck, main.failure);
    throw stuck;
  }
  // Nothing is left to be sent; but if the loop's memory has gone, what was may be lost, and this throws.
  if (!interrupted && main.failure === undefined) kernel.poller.flush();
  return interrupted;
}

/** Closes what is open, and gives peers that read slowly the time to take what was sent to them. Ctrl-C ends that. */
function* linger(kernel: Kernel, flags: Int32Array): Turns {
  kernel.abandonDescriptors(true);
  const deadline = kernel.clock.now() + LINGER;
  for (let left = LINGER; left > 0 && kernel.poller.lingering.size > 0; left = deadline - kernel.clock.now()) {
    kernel.turn(yield left);
    if ((flags[INTERRUPTED] as number) > 0) return;
  }
}

/** Somebody asked what the program does (SIGUSR2 in debug mode). */
function answerInquiry(kernel: Kernel, flags: Int32Array): void {
  if ((flags[INQUIRED] as number) === 0) return;
  flags[INQUIRED] = 0;
  process.stderr.write(
    `coreactor: ${kernel.live} task${kernel.live === 1 ? '' : 's'}\n${formatTasks(kernel.tasks())}\n`,
  );
}
