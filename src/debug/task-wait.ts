// What a task waits on, read from the resource it parked on. That may be anything at all, so it is read with care.

import { describe } from '../kernel/describe.ts';
import type { Resource, TaskWait } from '../kernel/resource.ts';
import { Task } from '../kernel/task.ts';

const LONGEST_LABEL = 120;

export function waitOf(task: Task<unknown>): TaskWait {
  const { state } = task;
  // Only a task that is parked, or was and is about to step, has a resource that means something.
  const suspended = state === 'parked' || state === 'ready';
  return {
    task,
    state,
    waitsOn: state === 'parked' ? label(task.waitingOn) : undefined,
    holders: state === 'parked' ? tasksIn(task.waitingOn, 'holders') : [],
    awaits: !suspended ? [] : task.waitingOn instanceof Task ? [task.waitingOn] : tasksIn(task.waitingOn, 'awaits'),
  };
}

/** When the wait ends by itself; Infinity if it does not, or does not say so. */
export function deadlineOf(task: Task<unknown>): number {
  const deadline = read(task.waitingOn, 'deadline');
  return task.state === 'parked' && typeof deadline === 'number' ? deadline : Number.POSITIVE_INFINITY;
}

function label(resource: unknown): string {
  if (resource === undefined || resource === null) return 'something without a name';
  const text = describe(resource).replaceAll(/\s+/g, ' ');
  return text.length > LONGEST_LABEL ? `${text.slice(0, LONGEST_LABEL)}...` : text;
}

function tasksIn(resource: unknown, field: 'holders' | 'awaits'): Task<unknown>[] {
  const found = read(resource, field);
  return Array.isArray(found) ? [...new Set(found)].filter((each) => each instanceof Task) : [];
}

function read(resource: unknown, field: keyof Resource): unknown {
  try {
    return (resource as Resource | null | undefined)?.[field];
  } catch {
    return undefined; // a getter of somebody's own
  }
}
