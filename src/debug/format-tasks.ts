// The tasks as a tree for people: who awaits whom, what each waits on, who holds it.

import type { TaskWait } from '../kernel/resource.ts';
import type { Task } from '../kernel/task.ts';
import { allTasks } from '../kernel/tasks.ts';
import { formatDuration } from './duration.ts';
import { firstLine } from './stack.ts';
import { nameOf, waitsOf } from './task-wait.ts';
import { countBelow, forestOf, type TaskNode } from './wait-forest.ts';

/** So many of a kind are shown among those that stand side by side. */
const OF_A_KIND = 10;
const DEEPEST = 50;
const NAMES = 3;

/**
 * The tasks as a tree to read: one that another awaits stands below it, each with its state, what it waits on, who
 * holds that, when a sleep ends and when a timeout expires; in debug mode also since when, the line where it is suspended and where it was
 * created. Of many that look alike the first few are shown and the rest are counted. Never suspends.
 * @param tasks by default allTasks(), which needs a running loop.
 * @example
 * callLater(5000, () => console.error(formatTasks()));
 * // main (parked) waits on the end of 2 tasks
 * // ├─ reader (parked) waits on recv on fd 7
 * // └─ writer (parked) waits on Lock log, held by flusher
 * // flusher (parked) waits on sleep until 5210.000 (in 210 ms)
 */
export function formatTasks(tasks: Iterable<Task<unknown>> = allTasks()): string {
  const waits = waitsOf(tasks);
  const lines: string[] = [];
  printSiblings(forestOf(waits), { first: '', last: '', below: '', belowLast: '' }, '', 0, lines);
  return lines.join('\n');
}

interface Branches {
  first: string;
  last: string;
  below: string;
  belowLast: string;
}
const BRANCHES: Branches = { first: '├─ ', last: '└─ ', below: '│  ', belowLast: '   ' };

function printSiblings(
  nodes: readonly TaskNode[],
  branches: Branches,
  prefix: string,
  depth: number,
  lines: string[],
): void {
  if (depth === DEEPEST) {
    lines.push(`${prefix}${branches.last}... and ${count(nodes.length + countBelow(nodes))} more below`);
    return;
  }
  const entries = shorten(nodes);
  entries.forEach((entry, i) => {
    const last = i === entries.length - 1;
    const inner = prefix + (last ? branches.belowLast : branches.below);
    lines.push(
      prefix + (last ? branches.last : branches.first) + (typeof entry === 'string' ? entry : headline(entry)),
    );
    if (typeof entry === 'string') return;
    const where = places(entry.wait.task);
    if (where !== '') lines.push(`${inner}${entry.children.length > 0 ? '│' : ' '}  ${where}`);
    if (entry.children.length > 0) printSiblings(entry.children, BRANCHES, inner, depth + 1, lines);
  });
}

/** Behind the first few of a kind a line that counts the rest of it. */
function shorten(nodes: readonly TaskNode[]): (TaskNode | string)[] {
  const kinds = new Map<string, TaskNode[]>();
  const kindOf = (node: TaskNode): TaskNode[] => {
    const { task, state, waitsOn, holders } = node.wait;
    // Numbers tell one of a kind from the next: descriptors, deadlines, Task-1 and Task-2.
    const words = String([state, waitsOn, holders.map((holder) => holder.name), node.children.length > 0]);
    const key = words.replaceAll(/\d+(\.\d+)?/g, '#') + places(task);
    const kind = kinds.get(key) ?? [];
    kinds.set(key, kind);
    return kind;
  };
  const members = nodes.map((node) => {
    const kind = kindOf(node);
    return { node, kind, rank: kind.push(node) };
  });
  return members.flatMap(({ node, kind, rank }): (TaskNode | string)[] => {
    if (rank <= OF_A_KIND) return [node];
    if (rank > OF_A_KIND + 1) return [];
    const hidden = kind.slice(OF_A_KIND);
    const below = countBelow(hidden);
    return [`... and ${count(hidden.length)} more like this${below === 0 ? '' : `, with ${count(below)} below them`}`];
  });
}

function headline({ wait, elsewhere }: TaskNode): string {
  const { task, state, waitsOn, deadline, limit } = wait;
  const clock = task.kernel.clock;
  const cleaning = task.cancelling ? ', cancelled and cleaning up' : '';
  let text = `${nameOf(task)} (${state}${cleaning})`;
  if (waitsOn !== undefined) text += ` waits on ${waitsOn}${heldBy(wait)}`;
  for (const cycle of [true, false]) {
    const those = elsewhere.filter((each) => each.cycle === cycle).map((each) => nameOf(each.task));
    const which = String(those) === waitsOn ? '' : `${enumerate(those)}: `;
    if (those.length > 0) text += ` (${which}see above${cycle ? ', a cycle' : ''})`;
  }
  if (deadline !== Number.POSITIVE_INFINITY) text += ` (in ${formatDuration(deadline - clock.now())})`;
  if (limit !== Number.POSITIVE_INFINITY) text += `, times out in ${formatDuration(limit - clock.now())}`;
  const since = state === 'parked' ? task.kernel.debug?.suspendedSince(task) : undefined;
  if (since !== undefined) text += `, for ${formatDuration(clock.now() - since)}`;
  return text;
}

function heldBy({ task, holders }: TaskWait): string {
  if (holders.length === 0) return '';
  const names = holders.map((holder) => {
    if (holder === task) return 'itself';
    return holder.done ? `${nameOf(holder)}, which has ended (${holder.state})` : nameOf(holder);
  });
  return `, held by ${enumerate(names)}`;
}

/** In debug mode: where it is suspended, and where it was created. */
function places(task: Task<unknown>): string {
  const { debug } = task.kernel;
  if (debug === null) return '';
  const suspended = task.state === 'parked' ? firstLine(debug.suspendedAt(task)) : undefined;
  const created = firstLine(debug.createdAt(task));
  return [suspended && `at ${suspended}`, created && `created at ${created}`].filter(Boolean).join(', ');
}

function enumerate(names: readonly string[]): string {
  const more = names.length - NAMES;
  return names.slice(0, NAMES).join(', ') + (more > 0 ? ` and ${count(more)} more` : '');
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}
