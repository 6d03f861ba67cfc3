// Medians, spreads, ratios and confidence intervals over rounds.

/**
 * @typedef {object} Summary
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/** @param {number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = /** @type {number} */ (sorted[middle]);
  return sorted.length % 2 === 1 ? upper : (upper + /** @type {number} */ (sorted[middle - 1])) / 2;
}

/**
 * The rounds that have a value, or undefined if none has.
 * @param {(number | undefined)[]} rounds
 * @returns {Summary | undefined}
 */
export function summarize(rounds) {
  const values = rounds.filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * The ratio to the yardstick of the same round, for the rounds in which both have a value.
 * @param {(number | undefined)[]} rounds
 * @param {(number | undefined)[]} yardstick
 */
export function summarizeRatio(rounds, yardstick) {
  return summarize(
    rounds.map((value, i) => {
      const base = yardstick[i];
      return value === undefined || base === undefined || base === 0 ? undefined : value / base;
    }),
  );
}

/** @typedef {{ low: number, high: number }} Interval */

const RESAMPLES = 1000;
const OUTSIDE = 0.025; // on either side: 95 % are within

/**
 * The 95 % confidence interval of the median, by bootstrap: the medians of rounds drawn again from the rounds. The same
 * values give the same interval each time. Below six rounds it is from the least to the greatest: see `coverage`.
 * @param {number[]} values at least one
 * @returns {Interval}
 */
export function medianInterval(values) {
  const random = mulberry32(values.length);
  const sorted = Float64Array.from(values).sort();
  const drawn = new Float64Array(sorted.length);
  const medians = new Float64Array(RESAMPLES);
  const middle = sorted.length >> 1;
  for (let i = 0; i < RESAMPLES; i++) {
    for (let j = 0; j < drawn.length; j++) drawn[j] = at(sorted, Math.floor(random() * sorted.length));
    drawn.sort();
    medians[i] = sorted.length % 2 === 1 ? at(drawn, middle) : (at(drawn, middle) + at(drawn, middle - 1)) / 2;
  }
  medians.sort();
  const cut = Math.floor(RESAMPLES * OUTSIDE);
  return { low: at(medians, cut), high: at(medians, RESAMPLES - 1 - cut) };
}

/**
 * How probable it is that the true median lies between the least and the greatest of so many rounds.
 * @param {number} rounds
 */
export function coverage(rounds) {
  return 1 - 2 ** (1 - rounds);
}

/**
 * How probable it is that the intervals of two runs do not overlap although nothing has changed: that all rounds which
 * one interval leaves above it, and all that the other leaves below it, happen to fall so.
 * @param {number} m rounds of the one
 * @param {number} n rounds of the other
 */
export function chanceApart(m, n) {
  return oneBelow(m, n) + oneBelow(n, m);
}

/**
 * That the interval of `m` values ends below the one of `n`: of the first ranks that decide it, `above` or more are of
 * the `m`.
 * @param {number} m
 * @param {number} n
 */
function oneBelow(m, n) {
  const above = Math.ceil(rankInterval(m).high);
  const ranks = above + Math.floor(rankInterval(n).low) - 1;
  let ways = 0;
  for (let k = above; k <= Math.min(m, ranks); k++) ways += choose(m, k) * choose(n, ranks - k);
  return ways / choose(m + n, ranks);
}

/**
 * Which of so many ordered values the interval begins and ends with.
 * @param {number} n
 */
function rankInterval(n) {
  return medianInterval(Array.from({ length: n }, (_, i) => i + 1));
}

/**
 * @param {number} n
 * @param {number} k
 */
function choose(n, k) {
  let ways = k > n ? 0 : 1;
  for (let i = 1; i <= k; i++) ways = (ways * (n - k + i)) / i;
  return ways;
}

/**
 * @param {Float64Array} values
 * @param {number} index within them
 */
function at(values, index) {
  return /** @type {number} */ (values[index]);
}

/**
 * A small generator of good quality; the same numbers for the same seed.
 * @param {number} seed
 */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
