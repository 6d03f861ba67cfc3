// What changed between two sets of reports: the figures whose confidence intervals do not overlap.

import { chanceApart, median, medianInterval } from '../harness/statistics.js';
import { collectCells, failedIn, figuresOf, yardstick } from './figures.js';

/**
 * @typedef {object} Side
 * @property {number} median
 * @property {import('../harness/statistics.js').Interval} interval
 */
/**
 * @typedef {object} Change
 * @property {string} table
 * @property {string} label
 * @property {string} name
 * @property {string} figure
 * @property {Side} before
 * @property {Side} after
 * @property {number | undefined} ratio after / before, if there is one
 * @property {boolean} better
 */
/**
 * @typedef {object} Group figures of ours, or of peers
 * @property {number} compared
 * @property {number} byChance how many of them chance alone would show as changed
 * @property {Change[]} changes greatest first
 */

const FEWEST_ROUNDS = 3; // two values on each side lie apart in every third case by chance
const OURS = /^coreactor\b/;

/**
 * @param {import('./reports.js').Report[]} before
 * @param {import('./reports.js').Report[]} after
 */
export function findChanges(before, after) {
  const [was, is] = [collectCells(before), collectCells(after)];
  const ours = group();
  const peers = group();
  const counts = { onlyBefore: 0, onlyNow: 0, tooFewRounds: 0 };
  /** @type {string[]} */
  const failed = [];
  for (const id of new Set([...was.keys(), ...is.keys()])) {
    const [then, now] = [was.get(id), is.get(id)];
    const base = then && now && yardstick(then, now);
    const [old, fresh] = [then ? figuresOf(then, base) : new Map(), now ? figuresOf(now, base) : new Map()];
    for (const key of new Set([...old.keys(), ...fresh.keys()])) {
      const [a, b] = [old.get(key), fresh.get(key)];
      if (b === undefined) counts.onlyBefore++;
      else if (a === undefined) counts.onlyNow++;
      else if (Math.min(a.values.length, b.values.length) < FEWEST_ROUNDS) counts.tooFewRounds++;
      else add(OURS.test(a.name) ? ours : peers, /** @type {any} */ (now), a, b);
    }
    const before = then ? failedIn(then) : [];
    const failing = then && now ? failedIn(now).filter((name) => !before.includes(name)) : [];
    failed.push(...failing.map((name) => [now?.table, now?.label, name].filter(Boolean).join(', ')));
  }
  for (const { changes } of [ours, peers]) changes.sort((a, b) => size(b) - size(a));
  return { ours, peers, ...counts, failed };
}

/** @returns {Group} */
function group() {
  return { compared: 0, byChance: 0, changes: [] };
}

/**
 * @param {Group} group
 * @param {import('./figures.js').Cell} cell
 * @param {{ name: string, figure: string, key: string, values: number[] }} a
 * @param {{ values: number[] }} b
 */
function add(group, { table, label }, { name, figure, key, values }, b) {
  group.compared++;
  group.byChance += chance(values.length, b.values.length);
  const [before, after] = [side(values), side(b.values)];
  if (before.interval.high >= after.interval.low && after.interval.high >= before.interval.low) return;
  const positive = before.median > 0 && after.median > 0;
  const ratio = positive ? after.median / before.median : undefined;
  const better = after.median < before.median !== (key === 'perSecond');
  group.changes.push({ table, label, name, figure, before, after, ratio, better });
}

/** @type {Map<string, number>} */
const chances = new Map();

/**
 * @param {number} m
 * @param {number} n
 */
function chance(m, n) {
  const key = `${m} ${n}`;
  const value = chances.get(key) ?? chanceApart(m, n);
  chances.set(key, value);
  return value;
}

/**
 * @param {number[]} values
 * @returns {Side}
 */
function side(values) {
  return { median: median(values), interval: medianInterval(values) };
}

/** @param {Change} change */
function size({ ratio }) {
  return ratio === undefined ? Number.POSITIVE_INFINITY : Math.abs(Math.log(ratio));
}
