// npm run bench -- compare FILE...: what the figures of a new run have changed against the committed ones, in words.

import { UsageError } from '../harness/options.js';
import { figure, format, span } from '../harness/table.js';
import { findChanges } from './changes.js';
import { committedReports, readReports } from './reports.js';

export const SUMMARY = 'what changed beyond noise, from the committed figures to FILE... (written by --json)';

/**
 * @param {string[]} files of the new run
 * @param {import('../harness/options.js').Options} options
 */
export function compare(files, { against }) {
  if (files.length === 0) throw new UsageError('compare takes the files that --json has written: compare FILE...');
  const after = files.flatMap(readReports);
  const benches = new Set(after.flatMap(({ results }) => Object.keys(results)));
  const before = (against?.flatMap(readReports) ?? committedReports())
    .map((report) => ({ ...report, results: only(report.results, benches) }))
    .filter(({ results }) => Object.keys(results).length > 0);
  const { ours, peers, onlyBefore, onlyNow, tooFewRounds, failed } = findChanges(before, after);
  return [
    ...new Set(before.map((report) => `Before: ${origin(report)}`)),
    ...new Set(after.map((report) => `Now: ${origin(report)}`)),
    ...differences(before, after),
    '',
    ...part('coreactor', ours),
    ...part('peers', peers),
    `${ours.compared + peers.compared} figures compared; ${onlyBefore} only before, ${onlyNow} only now` +
      (tooFewRounds > 0 ? `; ${tooFewRounds} not compared: less than three rounds on a side.` : '.'),
    ...failed.map((what) => `Fails now and did not before: ${what}.`),
  ].join('\n');
}

/**
 * @template T
 * @param {Record<string, T>} results
 * @param {Set<string>} benches
 */
function only(results, benches) {
  return Object.fromEntries(Object.entries(results).filter(([bench]) => benches.has(bench)));
}

/** @param {import('./reports.js').Report} report */
function origin({ file, date, machine, command }) {
  return `${file}, ${date.slice(0, 10)}, commit ${machine.commit}: ${command}`;
}

/**
 * What of machine and runtimes is not the same: ratios do not cancel that.
 * @param {import('./reports.js').Report[]} before
 * @param {import('./reports.js').Report[]} after
 */
function differences(before, after) {
  /** @param {import('./reports.js').Report[]} reports */
  const conditions = (reports) => {
    /** @type {Map<string, Set<string>>} */
    const found = new Map();
    for (const { machine, options } of reports) {
      const { cpu, cores, kernel, versions } = machine;
      const { seconds, warmup, tasks } = options ?? {};
      for (const [what, given] of Object.entries({ cpu, cores, kernel, ...versions, seconds, warmup, tasks })) {
        const value = String(given ?? '');
        found.set(what, (found.get(what) ?? new Set()).add(value));
      }
    }
    return found;
  };
  const [was, is] = [conditions(before), conditions(after)];
  return [...is].flatMap(([what, values]) => {
    const [then, now] = [[...(was.get(what) ?? [])].join(' and '), [...values].join(' and ')];
    return then === '' || then === now ? [] : [`Not the same ${what}: ${then}, now ${now}.`];
  });
}

/**
 * @param {string} whose
 * @param {import('./changes.js').Group} group
 */
function part(whose, { compared, byChance, changes }) {
  if (compared === 0) return [];
  const expected = `Of ${compared} figures that stay the same, about ${figure(byChance)} would be shown by chance.`;
  if (changes.length === 0) return [`${whose}: nothing changed beyond noise. ${expected}`, ''];
  return [
    format({
      title: `Changed beyond noise: ${whose}, ${changes.length} of ${compared}`,
      method:
        'The confidence intervals of the medians do not overlap (below six rounds: from the least to the greatest; without' +
        ' rounds in which other processes held up the load). Greatest change first; "key / NAME" is the ratio to NAME in' +
        ` the same round. ${expected}`,
      header: ['table', 'case', 'runtime', 'figure', 'before', 'interval', 'now', 'interval', 'change'],
      rows: changes.map(({ table, label, name, figure: what, before, after, ratio, better }) => [
        table,
        label || '-',
        name,
        what,
        figure(before.median),
        span(before.interval),
        figure(after.median),
        span(after.interval),
        `${ratio === undefined ? '' : `${percent(ratio - 1)} `}${better ? 'better' : 'worse'}`,
      ]),
      data: undefined,
    }),
  ];
}

/** @param {number} part */
function percent(part) {
  const points = part * 100;
  return `${points > 0 ? '+' : ''}${points.toFixed(Math.abs(points) < 10 ? 1 : 0)} %`;
}
