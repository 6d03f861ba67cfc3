// The circle in a wait graph: a waits for b, who waits for a. It is the shortest answer to "why does nothing go on?".

import type { TaskWait } from '../kernel/resource.ts';
import type { Task } from '../kernel/task.ts';
import { nameOf } from './task-wait.ts';

/** So many steps of a circle are told. */
const TOLD = 10;

/** One circle of these tasks, beginning with the oldest that is in it; null if there is none. */
export function findCycle(waits: readonly TaskWait[]): TaskWait[] | null {
  const byTask = new Map<Task<unknown>, TaskWait>(waits.map((wait) => [wait.task, wait]));
  const seen = new Set<TaskWait>();
  for (const start of waits) {
    const path: TaskWait[] = [];
    const rests: Iterator<Task<unknown>>[] = [];
    const onPath = new Set<TaskWait>();
    const enter = (wait: TaskWait): void => {
      seen.add(wait);
      onPath.add(wait);
      path.push(wait);
      rests.push(targets(wait)[Symbol.iterator]());
    };
    if (!seen.has(start)) enter(start);
    for (let rest = rests.at(-1); rest !== undefined; rest = rests.at(-1)) {
      const { done, value: task } = rest.next();
      const next = done ? undefined : byTask.get(task);
      if (done) {
        rests.pop();
        onPath.delete(path.pop() as TaskWait);
      } else if (next !== undefined && onPath.has(next)) {
        return fromOldest(path.slice(path.indexOf(next)), waits);
      } else if (next !== undefined && !seen.has(next)) enter(next);
    }
  }
  return null;
}

/** 'a waits on Lock x, held by b; b waits on Lock y, held by a' */
export function cycleInWords(cycle: readonly TaskWait[]): string {
  const sentences = cycle.slice(0, TOLD).map((wait, i) => {
    const next = (cycle[(i + 1) % cycle.length] as TaskWait).task;
    const subject = `${nameOf(wait.task)} waits on`;
    const name = nameOf(next);
    if (wait.holders.includes(next)) return `${subject} ${wait.waitsOn}, held by ${name}`;
    return wait.waitsOn === name ? `${subject} ${name}` : `${subject} ${wait.waitsOn}, for ${name}`;
  });
  if (cycle.length > TOLD) sentences.push(`and so on, ${cycle.length} tasks in all`);
  return sentences.join('; ');
}

function targets(wait: TaskWait): Task<unknown>[] {
  return [...wait.holders, ...wait.awaits];
}

function fromOldest(cycle: TaskWait[], waits: readonly TaskWait[]): TaskWait[] {
  const members = new Set(cycle);
  const at = cycle.indexOf(waits.find((wait) => members.has(wait)) as TaskWait);
  return [...cycle.slice(at), ...cycle.slice(0, at)];
}
