// The tables of the task benches: one row per case and runtime, and how ours compares with it in the same round.

import { failures, leftOut } from '../harness/rounds.js';
import { summarize, summarizeRatio } from '../harness/statistics.js';
import { figure, ratio, spread } from '../harness/table.js';
import { OURS } from './contestants.js';

/** @typedef {{ label: string, outcomes: Map<string, import('../harness/rounds.js').Outcome<Record<string, number>>[]> }} Case */

/**
 * @param {Case} one
 * @param {string} name
 * @param {string} key
 */
export function digest({ outcomes }, name, key) {
  const pick = (/** @type {string} */ who) => (outcomes.get(who) ?? []).map(({ value }) => value?.[key]);
  return { summary: summarize(pick(name)), ours: summarizeRatio(pick(OURS), pick(name)) };
}

/**
 * @param {object} table
 * @param {string} table.title
 * @param {string} table.method
 * @param {string} table.caseName header of the first column
 * @param {string} [table.contestant] header of the second one
 * @param {Record<string, string>} table.figures key of a sample and the header of its column
 * @param {string[]} [table.compared] keys of the figures that are compared with ours; all by default
 * @param {Case[]} table.cases
 * @param {string[]} table.notes
 * @param {import('../harness/plot.js').Plot[]} table.plots
 * @returns {import('../harness/table.js').Table}
 */
export function taskTable({
  title,
  method,
  caseName,
  contestant = 'runtime',
  figures,
  compared = Object.keys(figures),
  cases,
  notes,
  plots,
}) {
  const remarks = [...notes];
  const rows = [];
  const data = [];
  for (const one of cases) {
    for (const [name, rounds] of one.outcomes) {
      const row = [one.label, name];
      /** @type {Record<string, unknown>} */
      const summary = {};
      for (const key of Object.keys(figures)) {
        const { summary: values, ours } = digest(one, name, key);
        row.push(figure(values?.median), spread(values));
        if (compared.includes(key)) row.push(ratio(ours?.median));
        summary[key] = { ...values, coreactorDividedByIt: ours };
      }
      rows.push(row);
      data.push({ case: one.label, name, summary, rounds });
      for (const remark of [failures(rounds), leftOut(rounds)].filter(Boolean)) {
        remarks.push(`${name}, ${one.label}: ${remark}.`);
      }
    }
  }
  const header = [
    caseName,
    contestant,
    ...Object.entries(figures).flatMap(([key, name]) => [
      name,
      'min–max',
      ...(compared.includes(key) ? ['coreactor / it'] : []),
    ]),
  ];
  return { title, method, header, rows, notes: remarks, data, plots };
}

/**
 * Bars of one figure, a group for each case.
 * @param {object} plot
 * @param {string} plot.file
 * @param {string} plot.title
 * @param {string} plot.xLabel
 * @param {string} plot.yLabel
 * @param {boolean} [plot.log]
 * @param {string} plot.key
 * @param {Case[]} plot.cases
 * @returns {import('../harness/plot.js').Plot}
 */
export function bars({ file, title, xLabel, yLabel, log = false, key, cases }) {
  return {
    file,
    kind: 'bars',
    title,
    x: { label: xLabel, categories: cases.map(({ label }) => label) },
    y: { label: yLabel, log },
    series: series(cases, key),
  };
}

/**
 * @param {Case[]} cases
 * @param {string} key
 * @returns {import('../harness/plot.js').Series[]}
 */
export function series(cases, key) {
  const names = new Set(cases.flatMap(({ outcomes }) => [...outcomes.keys()]));
  return [...names].map((name) => {
    const summaries = cases.map((one) => digest(one, name, key).summary);
    return {
      name,
      values: summaries.map((summary) => summary?.median),
      low: summaries.map((summary) => summary?.min),
      high: summaries.map((summary) => summary?.max),
    };
  });
}
