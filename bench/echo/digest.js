// What the rounds of one echo server come to.

import { summarize } from '../harness/statistics.js';
import { relative } from './measure.js';

/** @typedef {import('./measure.js').Sample} Sample */
/** @typedef {Exclude<keyof import('./measure.js').Figures, 'requests'>} Key */
/** @typedef {Map<string, import('../harness/rounds.js').Outcome<Sample>[]>} Outcomes by server */

/** @type {Key[]} */
const COMPARED = ['cpuUs', 'perSecond', 'p50Us', 'p99Us', 'p99OfSliceUs', 'p999Us'];
/** @type {Key[]} */
const PLAIN = ['busy', 'loadBusy', 'waited', 'p90Us', 'maxUs', 'starved'];

/** Part of a window for which others may have held up the load before it is said. */
export const CROWDED = 0.05;

/**
 * Medians, spreads and ratios of one server.
 * @param {Outcomes} outcomes
 * @param {string} name
 */
export function digest(outcomes, name) {
  const samples = (outcomes.get(name) ?? []).map(({ value }) => value);
  const of = (/** @type {Key} */ key) => ({
    ...(summarize(samples.map((sample) => sample?.[key])) ?? {}),
    ratio: summarize(samples.map((sample) => relative(sample, key))),
  });
  return /** @type {Record<Key, Partial<import('../harness/statistics.js').Summary> & { ratio?: import('../harness/statistics.js').Summary }>} */ (
    Object.fromEntries([...COMPARED, ...PLAIN].map((key) => [key, of(key)]))
  );
}

/** @param {number | undefined} part */
export function percent(part) {
  return part === undefined ? '-' : `${Math.round(part * 100)}%`;
}

/**
 * Who lets connections wait so long that their latency is in no figure.
 * @param {Outcomes} outcomes
 * @param {number} connections
 */
export function starvedNotes(outcomes, connections) {
  return [...outcomes.keys()].flatMap((name) => {
    const { median = 0 } = digest(outcomes, name).starved;
    return median === 0
      ? []
      : `${name}: ${Math.ceil(median).toLocaleString('en-US')} of ${connections} connections had no answer in a whole slice of the window, so its` +
          ' latencies are too low, and its other figures are those of the rest.';
  });
}

/** @param {string[]} crowded which rows */
export function crowdedNote(crowded) {
  return `Other processes of this machine held up the load, so throughput and latency are off: ${crowded.join(', ')}.`;
}
