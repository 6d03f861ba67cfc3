// What a task waits on, read from the resource it parked on. That may be anything at all, so it is read with care.

import { kindOf } from '../kernel/begin.ts';
import { describe } from '../kernel/describe.ts';
import { ArgumentTypeError } from '../kernel/errors.ts';
import type { Resource, TaskWait } from '../kernel/resource.ts';
import { Task } from '../kernel/task.ts';

const LONGEST_LABEL = 120;

/** What each of them waits on. */
export function waitsOf(tasks: Iterable<Task<unknown>>): TaskWait[] {
  const those = [...new Set(tasks)];
  for (const task of those) {
    if (!(task instanceof Task))
      throw new ArgumentTypeError(`a list of tasks was expected, and it has ${kindOf(task)}`);
  }
  const limits = new Map<Task<unknown>, number>();
  for (const kernel of new Set(those.map((task) => task.kernel))) {
    kernel.timers.forEach(({ limits: task }, deadline) => {
      if (task != null) limits.set(task, Math.min(deadline, limits.get(task) ?? deadline));
    });
  }
  return those.map((task) => waitOf(task, limits.get(task) ?? Number.POSITIVE_INFINITY));
}

function waitOf(task: Task<unknown>, limit: number): TaskWait {
  const { state } = task;
  // Only a task that is parked, or was and is about to step, has a resource that means something.
  const suspended = state === 'parked' || state === 'ready';
  return {
    task,
    state,
    waitsOn: state === 'parked' ? label(task.waitingOn) : undefined,
    holders: state === 'parked' ? tasksIn(task.waitingOn, 'holders') : [],
    awaits: !suspended ? [] : task.waitingOn instanceof Task ? [task.waitingOn] : tasksIn(task.waitingOn, 'awaits'),
    deadline: deadlineOf(task),
    limit: suspended ? limit : Number.POSITIVE_INFINITY,
  };
}

/** Its name on one line, whatever is in it. */
export function nameOf(task: Task<unknown>): string {
  return task.name === '' ? '(no name)' : shown(task.name);
}

function deadlineOf(task: Task<unknown>): number {
  const deadline = read(task.waitingOn, 'deadline');
  return task.state === 'parked' && typeof deadline === 'number' ? deadline : Number.POSITIVE_INFINITY;
}

function label(resource: unknown): string {
  if (resource === undefined || resource === null) return 'something without a name';
  return resource instanceof Task ? nameOf(resource) : shown(describe(resource));
}

function shown(raw: string): string {
  const text = raw.replaceAll(/\s+/g, ' ').replaceAll(/\p{Cc}/gu, '?');
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
