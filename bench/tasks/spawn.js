// bench spawn: what it costs to start a task that ends at once, and to wait for it.

import { compareCpu, findContestants } from './contestants.js';
import { bars, taskTable } from './table.js';

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'spawn and join of a task',
  async run(context) {
    const { contestants, notes } = await findContestants(context, 'await');
    const cases = [{ label: 'spawn+join', outcomes: await compareCpu(context, contestants, ['spawn']) }];
    return [
      taskTable({
        title: 'Spawn and join of a task',
        method:
          'CPU time to start a task that returns 1 and wait for its result, one after the other: createTask, a called async' +
          ' function, asyncio.create_task, `go` with a WaitGroup. Collection of the garbage is in it.',
        caseName: 'case',
        figures: { ns: 'CPU ns' },
        cases,
        notes: [...notes, 'An async function is no task: it has no name, no cancelling, and it runs without a switch.'],
        plots: [
          bars({
            file: 'spawn',
            title: 'Spawn and join of a task',
            xLabel: '',
            yLabel: 'CPU nanoseconds (log)',
            log: true,
            key: 'ns',
            cases,
          }),
        ],
      }),
    ];
  },
};
