// From reports to figures that can be compared: the rounds of one contestant in one case, where the speed of the machine
// is in them as ratios to the yardstick of the same second, or else of the same round.

import { CROWDED } from '../echo/digest.js';

/** @typedef {import('../harness/rounds.js').Outcome<Record<string, number>>[]} Rounds */
/** @typedef {Map<string, Rounds>[]} Runs by contestant, for each report that has the case */
/** @typedef {{ table: string, label: string, runs: Runs }} Cell */

/** Who the others of the same case are divided by: the first of these that both sides have. Their code is not ours. */
const YARDSTICKS = [
  ...['C epoll', 'node -e 0', 'await', 'setTimeout', 'thread (C)'],
  ...['piscina', 'MessagePort', 'node:net', 'node:cluster'],
];

/** What says under which conditions a figure came about, and is none. */
const CONDITIONS = new Set(['requests', 'reference', 'busy', 'loadBusy', 'waited', 'maxUs', 'starved', 'collected']);

/** Whether other processes held up the load in this window, so that its latency and throughput are theirs. */
const crowded = (/** @type {Record<string, number>} */ { waited = 0 }) => waited > CROWDED;

/**
 * Whether the machine's speed is in a figure: in times and rates, not in bytes and ratios.
 * @param {string} key
 */
function hasSpeed(key) {
  return /^(ns|ms|us|perSecond)$|(Ns|Us)$/.test(key);
}

/**
 * Every case of the reports, by table and name.
 * @param {import('./reports.js').Report[]} reports
 */
export function collectCells(reports) {
  /** @type {Map<string, Cell>} */
  const cells = new Map();
  for (const { results } of reports) {
    /** @type {Map<string, Map<string, Rounds>>} */
    const run = new Map();
    for (const [bench, tables] of Object.entries(results)) {
      for (const { title, data } of tables) {
        for (const { label, name, rounds } of rowsOf(data)) {
          const id = JSON.stringify([bench, title, label]);
          if (!run.has(id)) run.set(id, new Map());
          run.get(id)?.set(name, rounds);
          if (!cells.has(id)) cells.set(id, { table: title, label, runs: [] });
        }
      }
    }
    for (const [id, contestants] of run) cells.get(id)?.runs.push(contestants);
  }
  return cells;
}

/**
 * The rows of a table that have rounds; tables without any repeat what others have.
 * @param {any} data as the bench left it
 * @returns {{ label: string, name: string, rounds: Rounds }[]}
 */
function rowsOf(data) {
  if (!Array.isArray(data)) return [];
  return data.flatMap((entry) => {
    if (Array.isArray(entry.servers)) {
      const label = labelOf(entry);
      return entry.servers.map((/** @type {any} */ { name, rounds }) => ({ label, name, rounds }));
    }
    return Array.isArray(entry.rounds) ? [{ label: entry.case ?? '', name: entry.name, rounds: entry.rounds }] : [];
  });
}

/**
 * A case of an echo table: no two of one table may be called the same, or the one would be taken for the other.
 * @param {any} entry
 */
function labelOf({ connections, bytes, rate, inFlight, end }) {
  if (end !== undefined) return `${inFlight} at a time, ${end}`;
  return rate === undefined ? `${connections} connections` : `${bytes} B x ${connections}, ${rate}/s`;
}

/**
 * The yardstick of a case, or undefined if there is none that both sides have measured.
 * @param {Cell} before
 * @param {Cell} after
 */
export function yardstick(before, after) {
  const measured = (/** @type {Cell} */ { runs }, /** @type {string} */ name) =>
    runs.some((run) => run.get(name)?.some(({ value }) => value !== undefined));
  return YARDSTICKS.find((name) => measured(before, name) && measured(after, name));
}

/**
 * The figures of one case: contestant and figure, with the value of each round.
 * @param {Cell} cell
 * @param {string | undefined} base the yardstick
 */
export function figuresOf({ runs }, base) {
  /** @type {Map<string, { name: string, figure: string, key: string, values: number[] }>} */
  const figures = new Map();
  for (const run of runs) {
    const bases = base === undefined ? undefined : run.get(base);
    for (const [name, rounds] of run) {
      rounds.forEach(({ value = {} }, round) => {
        if (crowded(value)) return;
        for (const [key, absolute] of Object.entries(value)) {
          const relative = base !== undefined && hasSpeed(key);
          if (CONDITIONS.has(key) || (relative && name === base)) continue;
          const same = /** @type {any} */ (value).reference ?? bases?.[round]?.value;
          const divisor = relative ? same?.[key] : 1;
          if (divisor === undefined || divisor === 0) continue;
          const figure = relative ? `${key} / ${base}` : key;
          const id = JSON.stringify([name, figure]);
          if (!figures.has(id)) figures.set(id, { name, figure, key, values: [] });
          figures.get(id)?.values.push(absolute / divisor);
        }
      });
    }
  }
  return figures;
}

/**
 * Who has failed in every round of a case.
 * @param {Cell} cell
 */
export function failedIn({ runs }) {
  const names = new Set(runs.flatMap((run) => [...run.keys()]));
  return [...names].filter((name) => {
    const rounds = runs.flatMap((run) => run.get(name) ?? []);
    return rounds.length > 0 && rounds.every(({ value }) => value === undefined);
  });
}
