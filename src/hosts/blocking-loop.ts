// The host that owns its thread: turn, select, turn, select. It takes any selector and clock, so the simulated loop of
// the tests is this same code.

import { deadlock } from '../debug/deadlock.ts';
import { DebugMode } from '../debug/debug-mode.ts';
import { formatTasks } from '../debug/format-tasks.ts';
import { nodeInstruments } from '../debug/node-log.ts';
import { raiseStackLimit } from '../debug/stack.ts';
import { claimMain } from '../kernel/create-task.ts';
import { addCause, type DeadlockError } from '../kernel/errors.ts';
import { Kernel, type KernelOptions } from '../kernel/kernel.ts';
import type { Main } from '../kernel/operation.ts';
import { INQUIRED, INTERRUPTED, type SelectorPort } from '../kernel/selector-port.ts';
import type { Task } from '../kernel/task.ts';

/** So often the tasks of a deadlock are cancelled without one of them ending: each cancel may end but one wait. */
const IN_VAIN = 1000;

/** How long a run that has ended waits for peers to take what was sent to them, in milliseconds. */
const LINGER = 5000;

export interface Outcome<T> {
  main: Task<T>;
  /** Whether a SIGINT ended it. */
  interrupted: boolean;
}

export interface LoopOptions extends Omit<KernelOptions, 'selector' | 'debug'> {
  debug?: boolean;
  /** In debug mode, how long a step may take, in milliseconds. */
  slowStep?: number | undefined;
}

export class BlockingLoop {
  readonly #selector: SelectorPort;
  readonly #options: LoopOptions;

  constructor(selector: SelectorPort, options: LoopOptions) {
    this.#selector = selector;
    this.#options = options;
  }

  /** Runs `main` and then the clean-up of all that it left behind. */
  run<T>(main: Main<T>, name?: string): Outcome<T> {
    const debug = this.#options.debug ? new DebugMode(this.#options.slowStep) : null;
    const instruments = [...(this.#options.instruments ?? []), ...nodeInstruments(this.#selector.name)];
    const kernel = new Kernel({ ...this.#options, selector: this.#selector, instruments, debug });
    const restoreStackLimit = raiseStackLimit();
    const task = kernel.spawn(claimMain(main, 'run()'), name);
    let interrupted = false;
    let stuck: DeadlockError | null = null;
    let cancelledInVain = 0;
    let liveBefore = 0;
    const cancelAll = (reason: unknown): void => {
      for (const each of kernel.tasks()) each.cancel(reason);
    };
    const cancelRest = (rest: Task<unknown>[]): void => {
      for (const each of rest) each.cancelAfterCleanUp('run() is ending');
    };

    // The first Ctrl-C cancels main; while the clean-up runs, a further one cancels what still cleans up.
    const takeInterrupt = (): void => {
      if ((this.#selector.rows[INTERRUPTED] as number) === 0) return;
      this.#selector.rows[INTERRUPTED] = 0;
      if (!task.done) task.cancel('SIGINT');
      else if (interrupted) cancelAll('SIGINT');
      interrupted = true;
    };

    const drive = (until: () => boolean): void => {
      let rows = 0;
      for (;;) {
        const patience = kernel.turn(rows);
        if (until()) return;
        if (patience === Number.POSITIVE_INFINITY && !kernel.hopeful) {
          stuck ??= deadlock(kernel);
          debug?.finish(); // a forgotten yield* may be why
          cancelledInVain = kernel.live === liveBefore ? cancelledInVain + 1 : 0;
          liveBefore = kernel.live;
          if (cancelledInVain > IN_VAIN) {
            // Clean-up that insists on what will never come.
            addCause(stuck, task.failure);
            kernel.flushFailures();
            throw stuck;
          }
          cancelAll(stuck);
          rows = 0;
          continue;
        }
        rows = this.select(kernel, patience);
        takeInterrupt();
        this.answerInquiry(kernel);
      }
    };

    try {
      drive(() => task.done);
      if (task.done && !task.cancelled) task.exception(); // run() hands it on, so it is not unhandled
      // Clean-up may start tasks of its own: they are let run, and what they leave behind is cancelled in the next round.
      // So is what the last callbacks start.
      do {
        const rest = kernel.tasks();
        cancelRest(rest);
        if (rest.length > 0) drive(() => rest.every((each) => each.done));
        kernel.turn(0);
      } while (kernel.live > 0);
      this.linger(kernel);
      takeInterrupt(); // one that came in the last steps
      debug?.finish();
      kernel.flushFailures();
    } finally {
      restoreStackLimit();
      kernel.abandonDescriptors(false); // also when an instrument or a handler threw through the loop
    }
    if (stuck !== null) {
      addCause(stuck, task.failure);
      throw stuck;
    }
    return { main: task, interrupted };
  }

  /** Closes what is open, and gives peers that read slowly the time to take what was sent to them. Ctrl-C ends that. */
  private linger(kernel: Kernel): void {
    kernel.abandonDescriptors(true);
    const deadline = kernel.clock.now() + LINGER;
    for (let left = LINGER; left > 0 && kernel.poller.lingering.size > 0; left = deadline - kernel.clock.now()) {
      kernel.turn(this.select(kernel, left));
      if ((this.#selector.rows[INTERRUPTED] as number) > 0) return;
    }
  }

  private select(kernel: Kernel, patience: number): number {
    const instruments = kernel.instruments;
    if (instruments !== null) instruments.selectBegin(patience);
    const rows = this.#selector.wait(patience);
    if (instruments !== null) instruments.selectEnd(rows);
    return rows;
  }

  /** Somebody asked what the program does (SIGUSR2 in debug mode). */
  private answerInquiry(kernel: Kernel): void {
    if ((this.#selector.rows[INQUIRED] as number) === 0) return;
    this.#selector.rows[INQUIRED] = 0;
    process.stderr.write(
      `coreactor: ${kernel.live} task${kernel.live === 1 ? '' : 's'}\n${formatTasks(kernel.tasks())}\n`,
    );
  }
}
