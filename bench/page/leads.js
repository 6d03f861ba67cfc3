// In which figures somebody else is ahead of us, computed from every round and not from memory, with what we know of the
// reason.

import { relative } from '../echo/measure.js';
import { YARDSTICK } from '../echo/servers.js';
import { summarize, summarizeRatio } from '../harness/statistics.js';
import { figure } from '../harness/table.js';
import { reasonFor } from './reasons.js';

/**
 * @typedef {object} Lead
 * @property {string} bench
 * @property {string} where
 * @property {string} who
 * @property {string} what
 * @property {import('../harness/statistics.js').Summary} ratio
 * @property {number} rounds
 * @property {number} [noise] how far the yardstick is from itself in this figure, as a ratio of 1 or more
 * @property {import('./reasons.js').Signs} [signs]
 */

const NOT_SURE = 'none looked for: the rounds differ by more than this';
/** So much of our CPU time is another way to do it. */
const SPENDS = 1.5;
/** Seconds of load after which compilers are hardly in a figure any more. */
const COMPILED = 1;
/** From this part of a core on, the load may have been what was measured. */
const LOAD_IS_LIMIT = 0.9;

const OURS = 'coreactor';

/** What of an echo sample is compared, as the page calls it, and whether more is better. */
const ECHO = /** @type {const} */ ([
  ['cpuUs', 'CPU per request', false],
  ['perSecond', 'throughput', true],
  ['p50Us', 'p50 latency', false],
  ['p99OfSliceUs', 'p99 latency of a slice', false],
  ['p99Us', 'p99 latency', false],
  ['p999Us', 'p99.9 latency', false],
]);

/** Of these the yardstick's are pauses of the machine as a rule: to divide by them would only add theirs. */
const TAILS = new Set(['p99Us', 'p999Us']);

/** Whether the table has this figure: at a rate that is given nobody has more throughput, and only there is it in slices. */
const isShown = (/** @type {string} */ key, /** @type {number | undefined} */ rate) =>
  key === 'perSecond' ? rate === undefined : key !== 'p99OfSliceUs' || rate !== undefined;

/** The same of the figures of the other tables: every one is here, or is none in which somebody could be ahead. */
const WORDS = new Map([
  ['ns', 'CPU time'],
  ['wakeNs', 'CPU time of the wake'],
  ['us', 'time'],
  ['perSecond', 'messages a second'],
  ['own', 'own memory'],
  ['rss', 'resident memory'],
  ['total', 'resident memory in all'],
  ['heap', 'heap'],
  ['heapBytes', 'heap that stays'],
]);
const MORE_IS_BETTER = new Set(['perSecond']);
/** In switches of its own, in multiples of its own cost at few, and of units that are no peers but what is compared. */
const OF_ITS_OWN = new Set(['switches', 'growth', 'userBytes', 'kernelBytes', 'totalBytes']);

/** Neither ours nor a yardstick in C. @param {string} name */
function isRuntime(name) {
  return !name.startsWith(OURS) && !/^C |\(C\)$/.test(name);
}

/**
 * How sure a lead is, and why it is there.
 * @param {Lead} lead
 * @returns {[certain: string, why: string]}
 */
function judge({ bench, where, who, what, ratio, rounds, noise = 1, signs }) {
  if (rounds === 1) return ['one round only', NOT_SURE];
  if (ratio.min <= 1) return ['not in every round', NOT_SURE];
  if (ratio.median <= noise)
    return ['within the noise', `here ${YARDSTICK} is ${figure(noise)} times as good as itself`];
  return ['in every round', reasonFor({ bench, where, who, what }, signs)];
}

/** @param {(readonly [string, import('./page.js').Part])[]} parts */
export function leads(parts) {
  const found = parts.flatMap(([bench, { tables, options }]) =>
    tables.flatMap(({ data }) => leadsIn(bench, data, options?.warmup < COMPILED)),
  );
  if (found.length === 0) return ['Nobody, in any figure below.'];
  const rows = found.map((lead) => {
    const { bench, where, who, what, ratio } = lead;
    const range = `${figure(ratio.median)} (${figure(ratio.min)}–${figure(ratio.max)})`;
    return `| ${[bench, where, who, what, range, ...judge(lead)].join(' | ')} |`;
  });
  return [
    'Every figure in which another runtime did better in the median; "ours / theirs" is the median of the rounds and their',
    'range (theirs / ours where more is better). What is ahead of us by less than it varies is in the list too: "within the',
    'noise" by less than C epoll was ahead of a second process of itself in that figure and in some round. The servers in C are no runtimes but',
    'the yardsticks: how we stand to them is in each table. "Us" is run() on the selector that it takes by itself; the rows of the',
    'guest and of io_uring are in the tables. The reasons are ours, not measured, but where one names a figure: that was found on',
    'the machine of this page, by hand, and once.',
    '',
    '| bench | where | who | figure | ours / theirs | how surely | why |',
    '| --- | --- | --- | --- | ---: | --- | --- |',
    ...rows,
  ];
}

/**
 * @param {string} bench
 * @param {any} data of a table
 * @param {boolean} cold whether the warm-up was short
 * @returns {Lead[]}
 */
function leadsIn(bench, data, cold) {
  if (!Array.isArray(data)) return [];
  return data.flatMap((item) => {
    if (item.servers !== undefined) return echoLeads(bench, item, cold);
    if (item.summary !== undefined) return taskLeads(bench, item);
    return [];
  });
}

/** @param {string} bench @param {any} cell @param {boolean} cold */
function echoLeads(bench, { connections, inFlight, end, rate, bytes, servers }, cold) {
  const load = rate === undefined ? '' : `, ${rate}/s`;
  const where = end === undefined ? `${bytes} B x ${connections}${load}` : `${end}, ${inFlight} at a time`;
  const relatives = (/** @type {any} */ server, /** @type {string} */ key) =>
    server.rounds.map((/** @type {any} */ { value }) => relative(value, /** @type {any} */ (key)));
  const pick = (/** @type {any} */ server, /** @type {string} */ key) =>
    TAILS.has(key) ? server.rounds.map((/** @type {any} */ { value }) => value?.[key]) : relatives(server, key);
  const ours = servers.find((/** @type {any} */ server) => server.name === OURS);
  if (ours === undefined) return [];
  const yardstick = servers.find((/** @type {any} */ server) => server.name === YARDSTICK);
  const noiseOf = (/** @type {string} */ key) => {
    const own = yardstick === undefined ? undefined : summarize(relatives(yardstick, key));
    return own === undefined ? 1 : Math.max(own.max, 1 / own.min);
  };
  const compared = ECHO.filter(([key]) => isShown(key, rate));
  return servers
    .filter((/** @type {any} */ { name }) => isRuntime(name))
    .flatMap((/** @type {any} */ server) =>
      compared.flatMap(([key, word, more]) => {
        const [a, b] = more ? [server, ours] : [ours, server];
        const ratio = summarizeRatio(pick(a, key), pick(b, key));
        if (ratio === undefined || ratio.median <= 1) return [];
        const what = end === undefined ? word : word.replace('request', 'connection').replace('throughput', 'rate');
        const { starved, loadBusy, p99Us, cpuUs } = server.summary;
        const signs = {
          starves: starved?.median > 0,
          loadIsLimit: loadBusy?.median > LOAD_IS_LIMIT,
          uneven: p99Us?.median > ours.summary.p99Us?.median,
          cold,
          spends: cpuUs?.median > SPENDS * ours.summary.cpuUs?.median,
        };
        return [{ bench, where, who: server.name, what, ratio, rounds: roundsOf(server), noise: noiseOf(key), signs }];
      }),
    );
}

/** @param {any} contestant */
function roundsOf({ rounds }) {
  return rounds.filter((/** @type {any} */ { value }) => value !== undefined).length;
}

/** @param {string} bench @param {any} row */
function taskLeads(bench, { case: where, name, summary, rounds }) {
  if (!isRuntime(name)) return [];
  return Object.entries(summary).flatMap(([key, value]) => {
    const what = WORDS.get(key);
    if (what === undefined && !OF_ITS_OWN.has(key))
      throw new Error(`nobody has said whether "${key}" can be ahead of us`);
    const ours = /** @type {any} */ (value).coreactorDividedByIt;
    if (what === undefined || ours === undefined) return [];
    const ratio = MORE_IS_BETTER.has(key) ? { median: 1 / ours.median, min: 1 / ours.max, max: 1 / ours.min } : ours;
    return ratio.median > 1 ? [{ bench, where, who: name, what, ratio, rounds: roundsOf({ rounds }) }] : [];
  });
}
