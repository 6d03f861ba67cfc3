// bench timers: a million timers, cancelled or expired.

import { compareCpu, findContestants } from './contestants.js';
import { bars, taskTable } from './table.js';

const TIMERS = 1_000_000;
const KINDS = {
  pairs: 'each cancelled at once',
  spread: 'cancelled, 1,000 delays',
  one: 'cancelled, one delay',
  expire: 'all expire',
};

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'a million timers created and cancelled, and created and expired',
  async run(context) {
    const { contestants, notes } = await findContestants(context, 'setTimeout');
    const cases = [];
    const [timers = TIMERS] = context.options.tasks ?? [];
    const many = timers === TIMERS ? 'A million' : timers.toLocaleString('en-US');
    for (const [kind, label] of Object.entries(KINDS)) {
      cases.push({ label, outcomes: await compareCpu(context, contestants, ['timers', kind, String(timers)]) });
    }
    return [
      taskTable({
        title: `${many} timers`,
        method:
          'CPU time per timer: callLater, setTimeout, loop.call_later, time.AfterFunc. "Cancelled": so many are created 10 to' +
          ' 11 s ahead, then all cancelled in that order; "at once": each before the next is created; "expire": due in 1 to' +
          ' 100 ms, until the last function has run. Collection of the garbage is in it.',
        caseName: 'case',
        figures: { ns: 'CPU ns/timer' },
        cases,
        notes,
        plots: [
          bars({
            file: 'timers',
            title: `${many} timers`,
            xLabel: 'what becomes of them',
            yLabel: 'CPU nanoseconds per timer (log)',
            log: true,
            key: 'ns',
            cases,
          }),
        ],
      }),
    ];
  },
};
