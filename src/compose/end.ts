// Cancels tasks and waits for their clean-up, however often the one who waits is cancelled meanwhile.

import { Insist } from '../kernel/insist.ts';
import type { Coroutine } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import { Watch } from './watch.ts';

/** Cancels all of them; their clean-up is let finish. */
export function cancelAll(tasks: Iterable<Task<unknown>>, reason: unknown): void {
  for (const task of tasks) task.cancelAfterCleanUp(reason);
}

/** To be awaited in a `finally` block. */
export function* endAll(tasks: ReadonlySet<Task<unknown>>, reason: string): Coroutine<void> {
  cancelAll(tasks, reason);
  yield* new Insist(new Watch(tasks, () => false));
}
