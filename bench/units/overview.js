// The table of the units bench that is to be remembered: a row per unit, and how many coroutines each is worth.

import { summarize, summarizeRatio } from '../harness/statistics.js';
import { figure, ratio } from '../harness/table.js';
import { OURS } from '../tasks/contestants.js';

/** @typedef {import('../tasks/table.js').Case} Case */

/**
 * @param {Case[]} cases CPU
 * @param {Case} memory
 * @returns {import('../harness/table.js').Table}
 */
export function overview(cases, memory) {
  const columns = [
    ...cases.map((one) => ({ one, header: `${one.label}, CPU ns`, key: 'ns' })),
    { one: memory, header: 'memory, B', key: 'totalBytes' },
  ];
  return {
    title: 'Units of execution',
    method: 'Medians of the tables below, and in "x" the median of the ratios to a coroutine in the same round.',
    header: ['unit', ...columns.flatMap(({ header }) => [header, 'x'])],
    rows: [...memory.outcomes.keys()].map((name) => [
      name === OURS ? `coroutine (${OURS})` : name,
      ...columns.flatMap(({ one, key }) => cells(one, name, key)),
    ]),
    data: [], // all of it is in the tables below
  };
}

/**
 * @param {Case} one
 * @param {string} name
 * @param {string} key
 */
function cells({ outcomes }, name, key) {
  const pick = (/** @type {string} */ who) => (outcomes.get(who) ?? []).map(({ value }) => value?.[key]);
  return [figure(summarize(pick(name))?.median), ratio(summarizeRatio(pick(name), pick(OURS))?.median)];
}
