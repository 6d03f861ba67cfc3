// The host that owns its thread: turn, select, turn, select. It takes any selector and clock, so the simulated loop of
// the tests is this same code.

import { raiseStackLimit } from '../debug/stack.ts';
import type { Main } from '../kernel/operation.ts';
import type { SelectorPort } from '../kernel/selector-port.ts';
import type { Task } from '../kernel/task.ts';
import { begin, HOPELESS, type LoopOptions, NOBODY } from './life.ts';

export interface Outcome<T> {
  main: Task<T>;
  /** Whether a SIGINT ended it. */
  interrupted: boolean;
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
    const selector = this.#selector;
    const { kernel, task, life } = begin(selector, this.#options, main, name, 'run()');
    const { instruments } = kernel;
    const restoreStackLimit = raiseStackLimit();
    try {
      for (let rows = 0; ; ) {
        const { done, value } = life.next(rows);
        if (done) return { main: task, interrupted: value };
        if (value === HOPELESS) {
          rows = NOBODY; // while this thread is ours, nobody else does anything
          continue;
        }
        if (instruments !== null) instruments.selectBegin(value);
        rows = selector.wait(value);
        if (instruments !== null) instruments.selectEnd(rows);
      }
    } finally {
      life.return(false); // if a wait has failed
      restoreStackLimit();
    }
  }
}
