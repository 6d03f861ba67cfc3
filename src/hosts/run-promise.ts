// runPromise: the loop as a guest of the one that the runtime has.

import { closeBody } from '../kernel/create-task.ts';
import { InvalidStateError } from '../kernel/errors.ts';
import { here } from '../kernel/here.ts';
import type { Main } from '../kernel/operation.ts';
import { cancelBy, checkSignal } from '../kernel/signal-listener.ts';
import type { Task } from '../kernel/task.ts';
import { ContextTask } from './context-task.ts';
import { GuestLoop } from './guest-loop.ts';
import { runtimeHost } from './host.ts';
import { loopOptions, openSelector, type RunOptions } from './options.ts';

export interface RunPromiseOptions extends RunOptions {
  /** When it is aborted, main is cancelled, with the signal's reason. As long as it is not, nothing is a deadlock. */
  signal?: AbortSignal;
  /**
   * Keeps what AsyncLocalStorage has for each task: a task begins with that of its creator, and keeps what it enters
   * (enterWith()). A function for callSoon() and its like has its own by AsyncLocalStorage.bind(). Costs some 100 ns a step
   * (in Deno some microseconds), so it is not the default; TaskLocal is for free.
   */
  asyncContext?: boolean;
}

/**
 * Runs a coroutine beside everything else that the process does: promises settle, servers of node:http answer, timers of
 * Node fire. What run() says holds here, but for this: SIGINT is Node's; when nothing can wake a task, somebody outside
 * still might, so that is a deadlock only when the process has nothing else to do. Tasks keep the process alive while they
 * wait for descriptors or time. (effection: run; trio: start_guest_run)
 * @returns a promise of what `main` returns. It rejects with what `main` throws, with CancelledError or DeadlockError.
 * @throws InvalidStateError inside run(), which lets no promise settle.
 * @example
 * const answer = await runPromise(function* () {
 *   const response = yield* fromPromise(fetch(url));
 *   return yield* fromPromise(response.json());
 * });
 */
export function runPromise<T>(main: Main<T>, options: RunPromiseOptions = {}): Promise<T> {
  if (here.kernel !== null && !here.kernel.guest) {
    closeBody(main);
    throw new InvalidStateError(
      'runPromise() was called inside run(), which lets no promise settle: await the coroutine with "yield*", or start ' +
        'it with createTask()',
    );
  }
  // Not as a part of the task that calls, if one does.
  const outer = { ...here };
  Object.assign(here, { kernel: null, task: null, context: null });
  try {
    return start(main, options);
  } finally {
    Object.assign(here, outer);
  }
}

function start<T>(main: Main<T>, options: RunPromiseOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      checkSignal(options.signal, 'runPromise()');
    } catch (error) {
      closeBody(main);
      throw error;
    }
    const selector = openSelector(main, options);
    const ended = (error: unknown): void => {
      try {
        if (error !== undefined) throw error;
        resolve(loop.task.result());
      } catch (failure) {
        reject(failure);
      }
    };
    const settings = { ...loopOptions(options), ...(options.asyncContext && { Task: ContextTask }) };
    let loop: GuestLoop<T>;
    try {
      loop = new GuestLoop(runtimeHost, selector, settings, main, options.name, ended);
    } catch (error) {
      selector.close();
      throw error;
    }
    if (options.signal !== undefined) cancelBy(loop.task as Task<unknown>, options.signal);
  });
}
