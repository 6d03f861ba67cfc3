// bench switch: what it costs to suspend one task and resume the next, from one task to a million.

import { compareCpu, findContestants } from './contestants.js';
import { series, taskTable } from './table.js';

const TASKS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'a task switch among 1 to a million tasks, as a curve',
  async run(context) {
    const { contestants, notes } = await findContestants(context, 'await');
    const cases = [];
    const counts = context.options.tasks ?? TASKS;
    for (const tasks of counts) {
      const outcomes = await compareCpu(context, contestants, ['switch', String(tasks)]);
      cases.push({ label: tasks.toLocaleString('en-US'), outcomes });
    }
    const curve = /** @type {import('../harness/plot.js').Plot} */ ({
      file: 'switch',
      kind: 'lines',
      title: 'A task switch',
      x: { label: 'tasks', values: counts },
      y: { label: 'CPU nanoseconds per switch', log: true },
      series: series(cases, 'ns'),
    });
    return [
      taskTable({
        title: 'A task switch',
        method:
          'CPU time per switch while all tasks give way in turn: sleep(0), `await null`, asyncio.sleep(0), runtime.Gosched().' +
          ' All tasks exist and have begun before the clock starts.',
        caseName: 'tasks',
        figures: { ns: 'CPU ns/switch' },
        cases,
        notes: [
          ...notes,
          `From ${cases[0]?.label} to ${cases.at(-1)?.label} tasks, greatest to least: ${reaches(cases)}.`,
        ],
        plots: counts.length > 1 ? [curve] : [],
      }),
    ];
  },
};

/** @param {import('./table.js').Case[]} cases */
function reaches(cases) {
  return series(cases, 'ns')
    .map(({ name, values }) => {
      const known = values.filter((value) => value !== undefined);
      return `${name} ${known.length === 0 ? '-' : (Math.max(...known) / Math.min(...known)).toFixed(1)}x`;
    })
    .join(', ');
}
