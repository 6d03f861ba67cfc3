// The error of a loop in which nothing can happen any more: who waits on what, the circle if there is one, and what to do.

import { DeadlockError } from '../kernel/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { TaskWait } from '../kernel/resource.ts';
import { formatTasks } from './format-tasks.ts';
import { waitsOf } from './task-wait.ts';
import { cycleInWords, findCycle } from './wait-cycle.ts';

export function deadlock(kernel: Kernel): DeadlockError {
  const tasks = kernel.tasks();
  const waits = waitsOf(tasks);
  const cycle = findCycle(waits);
  const parts = [
    'every task waits, and no timer, descriptor or thread is left that could wake one:',
    formatTasks(tasks),
    ...(cycle === null ? [] : [`They wait in a circle: ${cycleInWords(cycle)}.`]),
    `${advice(kernel, waits, cycle)}; or bound a wait with timeout().${hint(kernel)}`,
  ];
  return new DeadlockError(parts.join('\n'), waits);
}

function advice(kernel: Kernel, waits: readonly TaskWait[], cycle: readonly TaskWait[] | null): string {
  if (waits.some(({ holders }) => holders.some((holder) => holder.done))) {
    return 'A task has ended and still holds what others wait for: hold it in with() or "using", which always let go';
  }
  if (cycle === null) {
    const rests = kernel.guest ? '' : ' (promises and timers of Node rest while run() blocks, and cannot)';
    return `Somebody has to wake one of them: set the event, put the item, release the lock${rests}`;
  }
  if (cycle.every(({ holders }) => holders.length === 0)) return 'One of them has to end without the others';
  return 'Take locks in the same order everywhere, and release them before waiting for somebody else';
}

function hint(kernel: Kernel): string {
  return kernel.debug === null ? ' COREACTOR_DEBUG=1 shows the line where each of them waits.' : '';
}
