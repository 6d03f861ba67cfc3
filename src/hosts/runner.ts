// run and Runner: the blocking host on the machine's own selector and clock.

import { closeBody } from '../kernel/create-task.ts';
import { ClosedError, InvalidStateError } from '../kernel/errors.ts';
import { here } from '../kernel/here.ts';
import type { Main } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import type { NativeSelector } from '../native/native-selector.ts';
import { ownClock } from '../native/own-clock.ts';
import { BlockingLoop } from './blocking-loop.ts';
import { loopOptions, openSelector, type RunOptions } from './options.ts';

/**
 * Several runs, one after another, on one selector. (asyncio: Runner)
 * @example
 * using runner = new Runner();
 * const a = runner.run(first);
 * const b = runner.run(second);
 */
export class Runner implements Disposable {
  readonly #selector: NativeSelector;
  readonly #loop: BlockingLoop;
  readonly #name: string | undefined;
  readonly #debug: boolean;
  #running = false;

  constructor(options: RunOptions = {}) {
    const settings = { ...loopOptions(options), clock: ownClock };
    this.#debug = settings.debug === true;
    this.#selector = openSelector(undefined, options);
    this.#name = options.name;
    this.#loop = new BlockingLoop(this.#selector, settings);
  }

  /** The mechanism's name, such as 'epoll'. */
  get selector(): string {
    return this.#selector.name;
  }

  /** Blocks until `main` has ended, then cancels what it left behind and awaits the clean-up. See run(). */
  run<T>(main: Main<T>): T {
    refuseNested(main, 'Runner.run()');
    if (this.#selector.closed) {
      closeBody(main);
      throw new ClosedError('the runner is closed: make a new one');
    }
    const watching = this.#selector.watchSignals(unheard('SIGINT'), this.#debug && unheard('SIGUSR2'));
    this.#running = true;
    try {
      const { main: task, interrupted } = this.#loop.run(main, this.#name);
      if (interrupted) {
        // There is no caller any more to whom its error could be thrown.
        if (task.failure !== undefined) {
          task.kernel.unhandled({ kind: 'task', error: task.exception(), task: task as Task<unknown> });
        }
        this.#selector.close();
        process.exit(130); // as a shell reports a program that SIGINT ended
      }
      return task.result();
    } finally {
      this.#running = false;
      if (watching) this.#selector.unwatchSignals();
    }
  }

  /** Closes the selector. A second call does nothing. InvalidStateError while it runs. */
  close(): void {
    if (this.#running) throw new InvalidStateError('a runner cannot be closed while it runs: let its main end first');
    this.#selector.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Runs a coroutine to its end and gives its result. Blocks the thread: promises, Node's timers and its events rest
 * meanwhile. When `main` has ended, other tasks are cancelled and their clean-up awaited, then every descriptor is
 * closed. Ctrl-C cancels `main` and, after the clean-up, ends the process with code 130 (unless the program listens to
 * SIGINT itself). (asyncio: run)
 * @throws what `main` throws; CancelledError if it was cancelled; DeadlockError when nothing could ever wake a task;
 * InvalidStateError inside a running loop.
 * @example
 * const answer = run(function* () {
 *   yield* sleep(100);
 *   return 42;
 * });
 */
export function run<T>(main: Main<T>, options?: RunOptions): T {
  refuseNested(main, 'run()');
  const runner = openRunner(main, options);
  try {
    return runner.run(main);
  } finally {
    runner.close();
  }
}

function openRunner(main: Main<unknown>, options: RunOptions | undefined): Runner {
  try {
    return new Runner(options);
  } catch (error) {
    closeBody(main);
    throw error;
  }
}

function refuseNested(main: Main<unknown>, caller: string): void {
  if (here.kernel === null) return;
  closeBody(main);
  throw new InvalidStateError(
    `${caller} was called inside a running loop, which it would block for ever: ` +
      `await the coroutine with "yield*", or start it with createTask()`,
  );
}

// A program that listens to a signal keeps it: its listener runs when run() has returned.
function unheard(signal: NodeJS.Signals): boolean {
  return process.listenerCount(signal) === 0;
}
