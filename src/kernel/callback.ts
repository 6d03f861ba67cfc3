// Plain functions on the loop: callSoon, callLater, callAt. They run between the steps of tasks, in the same queue.

import { isGenerator } from './create-task.ts';
import { deadlineAfter, deadlineAt } from './deadline.ts';
import { ArgumentTypeError } from './errors.ts';
import { currentKernel, here } from './here.ts';
import type { Kernel } from './kernel.ts';
import type { Step } from './ready-queue.ts';
import type { Task } from './task.ts';
import { withLocals } from './task-local.ts';
import type { Timer } from './timer.ts';

/** What callSoon, callLater and callAt return. */
export interface CallbackHandle {
  /** The function will not run, even if its time has come already; false if it has run or was cancelled before. */
  cancel(): boolean;
}

/** A function to be called once, with the name of the task that asked for it. */
export class Callback implements Timer, Step, CallbackHandle {
  armed = false;
  /** The task that asked for it, or the kernel if none did: one field for both, since there may be a million of these. */
  readonly #origin: Task<unknown> | Kernel;
  #fn: (() => unknown) | null;

  constructor(kernel: Kernel, fn: () => unknown) {
    this.#origin = here.task ?? kernel;
    this.#fn = withLocals(fn);
  }

  fire(): void {
    this.kernel.enqueue(this);
  }

  step(): void {
    const fn = this.#fn;
    if (fn === null) return;
    this.#fn = null;
    const { kernel } = this;
    call(kernel, this.#origin === kernel ? null : (this.#origin as Task<unknown>), fn);
  }

  cancel(): boolean {
    if (this.#fn === null) return false;
    this.#fn = null;
    this.kernel.timers.cancel(this);
    return true;
  }

  private get kernel(): Kernel {
    const origin = this.#origin;
    return 'kernel' in origin ? origin.kernel : origin;
  }
}

/** Calls `fn` as a step of the loop, for `task`: what it throws is reported. */
export function call(kernel: Kernel, task: Task<unknown> | null, fn: () => unknown): void {
  const { debug } = here;
  const begin = debug === null ? 0 : kernel.clock.now();
  try {
    if (isGenerator(fn())) {
      throw new ArgumentTypeError('a callback made a coroutine that nobody runs: start it with createTask()');
    }
  } catch (error) {
    kernel.unhandled({ kind: 'callback', error, task });
  }
  if (debug !== null) debug.called(fn, task, kernel.clock.now() - begin);
}

function checked(fn: () => unknown, caller: string): () => unknown {
  if (typeof fn === 'function') return fn;
  throw new ArgumentTypeError(`${caller} takes a function; to start a coroutine use createTask()`);
}

/** Calls `fn` in the coming turn, after what is ready now. Never suspends. (asyncio: call_soon) */
export function callSoon(fn: () => unknown): CallbackHandle {
  return currentKernel('callSoon()').callSoon(checked(fn, 'callSoon()'));
}

/** Calls `fn` after `ms` milliseconds; equal deadlines in the order of the calls. RangeError for NaN. (asyncio: call_later) */
export function callLater(ms: number, fn: () => unknown): CallbackHandle {
  const kernel = currentKernel('callLater()');
  return schedule(kernel, deadlineAfter(kernel, ms, 'callLater()'), checked(fn, 'callLater()'));
}

/** Calls `fn` when now() has reached `deadline`. RangeError for NaN. (asyncio: call_at) */
export function callAt(deadline: number, fn: () => unknown): CallbackHandle {
  return schedule(currentKernel('callAt()'), deadlineAt(deadline, 'callAt()'), checked(fn, 'callAt()'));
}

function schedule(kernel: Kernel, deadline: number, fn: () => unknown): CallbackHandle {
  const callback = new Callback(kernel, fn);
  if (deadline !== Number.POSITIVE_INFINITY) kernel.timers.add(callback, deadline);
  return callback;
}
