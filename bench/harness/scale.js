// Axes: where a value lies, and which ticks to draw.

/**
 * @typedef {object} Scale
 * @property {(value: number) => number} at the place of a value, in pixels
 * @property {number[]} ticks
 */

/**
 * A linear axis from 0 to a round number at or above `max`.
 * @param {number} max
 * @param {number} from pixels
 * @param {number} to pixels
 * @returns {Scale}
 */
export function linear(max, from, to) {
  const rough = Math.max(max, Number.MIN_VALUE) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * /** @type {number} */ ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough));
  const count = Math.ceil(max / step - 1e-9);
  return {
    at: (value) => from + ((to - from) * value) / (count * step),
    ticks: Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12))),
  };
}

/**
 * A logarithmic axis that covers the values; ticks at powers of ten, and at 2 and 5 between if there are few.
 * @param {number} min above 0
 * @param {number} max
 * @param {number} from pixels
 * @param {number} to pixels
 * @returns {Scale}
 */
export function logarithmic(min, max, from, to) {
  const wide = max / min > 1000;
  const steps = wide ? [1] : [1, 2, 5];
  const candidates = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++) {
    for (const step of steps) candidates.push(Number((step * 10 ** power).toPrecision(6)));
  }
  const low = candidates.filter((tick) => tick <= min * (1 + 1e-9)).at(-1) ?? min;
  const high = candidates.find((tick) => tick >= max * (1 - 1e-9) && tick > low) ?? max;
  return {
    at: (value) => from + ((to - from) * Math.log(value / low)) / Math.log(high / low),
    ticks: candidates.filter((tick) => tick >= low && tick <= high),
  };
}

/**
 * 1200 as '1,200', 2500000 as '2.5M'.
 * @param {number} value
 */
export function tickLabel(value) {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(4))}M`;
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(4))}k`;
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
}
