// Medians, spreads and ratios over rounds.

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
