// What cancels tasks when an AbortSignal is aborted: one listener for all tasks that share the signal, there as long as one
// of them lives. With one for each, Node would warn of a leak from the eleventh on.

import { kindOf } from './begin.ts';
import { ArgumentTypeError } from './errors.ts';
import type { Task, Waiter } from './task.ts';

const listeners = new WeakMap<AbortSignal, SignalListener>();

class SignalListener implements Waiter {
  readonly #signal: AbortSignal;
  readonly #tasks = new Set<Task<unknown>>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    listeners.set(signal, this);
    signal.addEventListener('abort', this);
  }

  add(task: Task<unknown>): void {
    this.#tasks.add(task);
    task.kernel.hopes += hopeOf(task);
    task.addWaiter(this);
  }

  /** The signal is aborted. */
  handleEvent(): void {
    for (const task of this.#tasks) {
      task.removeWaiter(this);
      this.taskDone(task);
      task.cancel(this.#signal.reason);
    }
  }

  /** A task needs it no more. */
  taskDone(task: Task<unknown>): void {
    task.kernel.hopes -= hopeOf(task);
    this.#tasks.delete(task);
    if (this.#tasks.size > 0) return;
    listeners.delete(this.#signal);
    this.#signal.removeEventListener('abort', this);
  }
}

/** Under run() nobody is let run who could abort it from outside. */
function hopeOf(task: Task<unknown>): number {
  return task.kernel.guest ? 1 : 0;
}

/**
 * @internal The task is cancelled when the signal is aborted, with its reason. Until then a guest has somebody to hope for:
 * that no timer of the host keeps the process alive for a signal (AbortSignal.timeout()) does not make it a deadlock.
 */
export function cancelBy(task: Task<unknown>, signal: AbortSignal): void {
  if (signal.aborted) task.cancel(signal.reason);
  else (listeners.get(signal) ?? new SignalListener(signal)).add(task);
}

/** @internal Refuses what is no AbortSignal, before anything begins; `caller` is the public function that got it. */
export function checkSignal(signal: AbortSignal | undefined, caller: string): void {
  // Not by instanceof: one of another realm, or of a library, does as well.
  if (signal === undefined || typeof signal?.addEventListener === 'function') return;
  const hint = (signal as unknown) instanceof AbortController ? ': give its signal, controller.signal' : '';
  throw new ArgumentTypeError(`${caller} takes an AbortSignal as its signal, not ${kindOf(signal)}${hint}`);
}
