// Who awaits whose end, as trees: a task stands below the one that awaits it, each task once.

import type { TaskWait } from '../kernel/resource.ts';
import type { Task } from '../kernel/task.ts';

export interface TaskNode {
  readonly wait: TaskWait;
  readonly children: TaskNode[];
  /** Those that it awaits too and that stand elsewhere, since another awaits them; `cycle`: it is itself below them. */
  readonly elsewhere: { readonly task: Task<unknown>; readonly cycle: boolean }[];
}

/** The trees of these tasks. It takes no stack of its own: a chain of tasks may be long. */
export function forestOf(waits: readonly TaskWait[]): TaskNode[] {
  const nodes = new Map<Task<unknown>, TaskNode>();
  for (const wait of waits) nodes.set(wait.task, { wait, children: [], elsewhere: [] });
  const awaited = new Set(waits.flatMap((wait) => wait.awaits.filter((task) => task !== wait.task)));
  // First those that nobody awaits. What is left then goes round in circles.
  const all = [...nodes.values()];
  const placed = new Set<TaskNode>();
  const tops = new Set<TaskNode>();
  for (const node of [...all.filter(({ wait }) => !awaited.has(wait.task)), ...all]) {
    if (placed.has(node)) continue;
    plant(node, nodes, placed);
    tops.add(node);
  }
  return all.filter((node) => tops.has(node));
}

function plant(top: TaskNode, nodes: ReadonlyMap<Task<unknown>, TaskNode>, placed: Set<TaskNode>): void {
  const path = new Set<TaskNode>();
  const open: { node: TaskNode; rest: Iterator<Task<unknown>> }[] = [];
  const enter = (node: TaskNode): void => {
    placed.add(node);
    path.add(node);
    open.push({ node, rest: node.wait.awaits[Symbol.iterator]() });
  };
  enter(top);
  for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
    const { done, value: task } = at.rest.next();
    const child = done ? undefined : nodes.get(task);
    if (done) {
      path.delete(at.node);
      open.pop();
    } else if (child !== undefined && placed.has(child)) {
      at.node.elsewhere.push({ task, cycle: path.has(child) });
    } else if (child !== undefined) {
      at.node.children.push(child);
      enter(child);
    }
  }
}

/** How many stand below these, at any depth. */
export function countBelow(nodes: readonly TaskNode[]): number {
  const open = nodes.flatMap((node) => node.children);
  let count = 0;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    count++;
    for (const child of node.children) open.push(child);
  }
  return count;
}
