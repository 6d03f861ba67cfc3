// bench start: the CPU time of a process that imports the package and runs an empty main.

import { compile } from '../harness/build.js';
import { measureProgram } from '../harness/children.js';
import { isBuilt, NOT_BUILT } from '../harness/ours.js';
import { alternate, failures } from '../harness/rounds.js';
import { summarize, summarizeRatio } from '../harness/statistics.js';
import { figure, ratio, spread } from '../harness/table.js';

const ROUNDS = 20;
const YARDSTICK = 'node -e 0';

/** @param {string} name */
function file(name) {
  return new URL(name, import.meta.url).pathname;
}

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'cold start: CPU of a process that imports the package and runs an empty main',
  async run({ options, cpus, progress }) {
    const usage = await compile('usage');
    const rounds = Math.max(options.rounds, ROUNDS);
    const contestants = [
      { name: YARDSTICK, command: [process.execPath, '-e', '0'] },
      { name: 'empty module', command: [process.execPath, file('empty.js')] },
    ];
    if (isBuilt()) contestants.push({ name: 'coreactor', command: [process.execPath, file('coreactor.js')] });
    const outcomes = await alternate({
      contestants,
      rounds,
      measure: async ({ command }) => {
        const { cpuNs, maxRssKb } = await measureProgram([usage, ...command], { cpu: cpus?.server, timeoutMs: 30_000 });
        return { ms: cpuNs / 1e6, residentMiB: maxRssKb / 1024 };
      },
      report: ({ name }, round, { value, error }) =>
        progress(`start, round ${round + 1}/${rounds}, ${name}: ${value ? `${figure(value.ms)} ms` : error}`),
    });
    const pick = (/** @type {string} */ name, /** @type {'ms' | 'residentMiB'} */ key) =>
      (outcomes.get(name) ?? []).map(({ value }) => value?.[key]);
    const digests = contestants.map(({ name }) => ({
      name,
      cpu: summarize(pick(name, 'ms')),
      ratio: summarizeRatio(pick(name, 'ms'), pick(YARDSTICK, 'ms')),
      resident: summarize(pick(name, 'residentMiB')),
      rounds: outcomes.get(name) ?? [],
    }));
    return [
      {
        title: 'Cold start',
        method: `CPU time of a whole process (getrusage of the child, user and system), median of ${rounds} alternating rounds.`,
        header: ['process', 'CPU ms', 'min–max', `x ${YARDSTICK}`, 'greatest resident MiB'],
        rows: digests.map(({ name, cpu, ratio: times, resident }) => [
          name,
          figure(cpu?.median),
          spread(cpu),
          ratio(times?.median),
          figure(resident?.median),
        ]),
        notes: [
          ...(isBuilt() ? [] : [NOT_BUILT]),
          ...digests.flatMap(({ name, rounds }) => (failures(rounds) ? [`${name} ${failures(rounds)}.`] : [])),
        ],
        data: digests,
        plots: [
          {
            file: 'start',
            kind: 'bars',
            title: 'Cold start',
            x: { label: '', categories: ['import and run an empty main'] },
            y: { label: 'CPU milliseconds' },
            series: digests.map(({ name, cpu }) => ({
              name,
              values: [cpu?.median],
              low: [cpu?.min],
              high: [cpu?.max],
            })),
          },
        ],
      },
    ];
  },
};
