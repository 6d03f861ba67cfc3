// Where execution is right now: which kernel turns its crank on this thread, which task steps, how much of its step is
// left. One object per thread (a worker loads its own copy of this module), written by the kernel only.

import type { DebugPort } from './debug-port.ts';
import { InvalidStateError } from './errors.ts';
import type { Instrument } from './instruments.ts';
import type { Kernel } from './kernel.ts';
import type { Context, Task } from './task.ts';

interface Here {
  kernel: Kernel | null;
  task: Task<unknown> | null;
  /** While a callback runs: what it has of the task that asked for it, if that is more than nothing (see TaskLocal). */
  context: Context | null;
  /** The kernel's, closer at hand for each step. */
  instruments: Required<Instrument> | null;
  /** Debug mode, while a turn of a kernel that has it runs. */
  debug: DebugPort | null;
  /** How many more operations may complete at once before the step has to give way (see yieldNow). */
  budget: number;
}

export const here: Here = {
  kernel: null,
  task: null,
  context: null,
  instruments: null,
  debug: null,
  budget: 0,
};

/** The kernel whose turn runs; throws if there is none. `caller` names the public function for the message. */
export function currentKernel(caller: string): Kernel {
  if (here.kernel === null) {
    throw new InvalidStateError(
      `${caller} needs a running loop: call it inside a coroutine given to run() or runPromise(); from code beside one, put ` +
        'the work into a Queue (putNowait()) that a task of it takes from',
    );
  }
  return here.kernel;
}

/** The mechanism of the running loop, such as 'epoll'. InvalidStateError outside of one. Never suspends. */
export function currentSelector(): string {
  return currentKernel('currentSelector()').poller.selector.name;
}

/**
 * The task whose step runs. Throws InvalidStateError outside a task (as asyncio.current_task() gives None there).
 * Never suspends.
 */
export function currentTask(): Task<unknown> {
  if (here.task === null) {
    throw new InvalidStateError('currentTask() was called outside a task: call it inside a coroutine');
  }
  return here.task;
}
