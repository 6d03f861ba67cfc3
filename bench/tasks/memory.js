// bench memory: what a task that waits costs in bytes.

import { compareMemory, findContestants, OURS } from './contestants.js';
import { bars, taskTable } from './table.js';

const TASKS = [100_000, 1_000_000];
/** Above this only JavaScript: the others grow evenly, and need minutes and gigabytes for a million. */
const FEW = 100_000;
const JAVASCRIPT = [OURS, 'await'];
const KINDS = { bare: 'bare', gate: 'shared gate', sleep: 'sleep' };

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'bytes per parked task',
  async run(context) {
    const { contestants, notes } = await findContestants(context, 'await');
    const cases = [];
    for (const tasks of context.options.tasks ?? TASKS) {
      for (const [kind, name] of Object.entries(KINDS)) {
        const those = contestants.filter(({ name }) => tasks <= FEW || JAVASCRIPT.includes(name));
        const outcomes = await compareMemory(context, those, ['memory', kind, String(tasks)]);
        cases.push({ label: `${name} x ${tasks.toLocaleString('en-US')}`, outcomes });
      }
    }
    const plot = { xLabel: 'what they wait for x tasks', yLabel: 'bytes per task (log)', log: true, cases };
    return [
      taskTable({
        title: 'A parked task',
        method:
          'Growth per task, after full collections, when so many tasks are created and have parked: "bare" on nothing that' +
          ' others share, "shared gate" all on one (a task to join, a promise, an asyncio.Event, a channel), "sleep" on an hour' +
          ' (with the timer). Heap: V8 heapUsed + external; tracemalloc; Go HeapAlloc + StackInuse. Resident: the process.',
        caseName: 'parked',
        figures: { heap: 'heap B/task', rss: 'resident B/task' },
        cases,
        notes,
        plots: [
          bars({ ...plot, file: 'memory-heap', title: 'A parked task, bytes of heap', key: 'heap' }),
          bars({ ...plot, file: 'memory-resident', title: 'A parked task, bytes of resident memory', key: 'rss' }),
        ],
      }),
    ];
  },
};
