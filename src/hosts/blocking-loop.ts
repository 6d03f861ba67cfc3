// The host that owns its thread: turn, select, turn, select. It takes any selector and clock, so the simulated loop of
// the tests is this same code.

import type { Clock } from '../kernel/clock.ts';
import { claim } from '../kernel/create-task.ts';
import { describe } from '../kernel/describe.ts';
import { DeadlockError } from '../kernel/errors.ts';
import { Kernel, type KernelOptions } from '../kernel/kernel.ts';
import type { Main } from '../kernel/operation.ts';
import { INTERRUPTED, type SelectorPort } from '../kernel/selector-port.ts';
import type { Task } from '../kernel/task.ts';

export interface Outcome<T> {
  main: Task<T>;
  /** Whether a SIGINT ended it. */
  interrupted: boolean;
}

export class BlockingLoop {
  readonly #selector: SelectorPort;
  readonly #options: Omit<KernelOptions, 'selector'> & { clock: Clock };

  constructor(selector: SelectorPort, options: Omit<KernelOptions, 'selector'>) {
    this.#selector = selector;
    this.#options = options;
  }

  /** Runs `main` and then the clean-up of all that it left behind. */
  run<T>(main: Main<T>, name?: string): Outcome<T> {
    const kernel = new Kernel({ ...this.#options, selector: this.#selector });
    const task = kernel.spawn(claim(main, 'run()'), name);
    let interrupted = false;
    let stuck: DeadlockError | null = null;
    const cancelAll = (reason: unknown): void => {
      for (const each of kernel.tasks()) each.cancel(reason);
    };
    const cancelRest = (rest: Task<unknown>[]): void => {
      for (const each of rest) if (!each.cancelling) each.cancel('run() is ending'); // its clean-up is let finish
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
          cancelAll(stuck);
          rows = 0;
          continue;
        }
        rows = this.select(kernel, patience);
        takeInterrupt();
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
      takeInterrupt(); // one that came in the last steps
      kernel.flushFailures();
    } finally {
      // Also when an instrument or a handler threw through the loop: no descriptor stays.
      for (const owner of kernel.poller.owners()) owner.abandon();
    }
    if (stuck !== null) throw withCause(stuck, task.failure);
    return { main: task, interrupted };
  }

  private select(kernel: Kernel, patience: number): number {
    const instruments = kernel.instruments;
    if (instruments !== null) instruments.selectBegin(patience);
    const rows = this.#selector.wait(patience);
    if (instruments !== null) instruments.selectEnd(rows);
    return rows;
  }
}

function deadlock(kernel: Kernel): DeadlockError {
  const lines = kernel.tasks().map((task) => `  ${task.name} waits on ${describe(task.waitingOn)}`);
  return new DeadlockError(
    `every task waits, and no timer, descriptor or thread is left that could wake one:\n${lines.join('\n')}`,
  );
}

function withCause(error: Error, cause: unknown): Error {
  if (cause !== undefined) error.cause = cause;
  return error;
}
