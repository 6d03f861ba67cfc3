// A view of everything that runs.

import { currentKernel } from './here.ts';
import type { Task } from './task.ts';

/** All tasks of this loop that have not ended, oldest first. (asyncio: all_tasks) */
export function allTasks(): Task<unknown>[] {
  return currentKernel('allTasks()').tasks();
}
