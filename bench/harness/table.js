// Tables for the terminal that are Markdown at the same time, and the formatting of figures.

/**
 * @typedef {object} Table what a bench hands back: printed, written as JSON and plotted
 * @property {string} title
 * @property {string} method one sentence: what was measured
 * @property {string[]} header
 * @property {string[][]} rows
 * @property {string[]} [notes]
 * @property {unknown} data every figure, per round, for --json
 * @property {import('./plot.js').Plot[]} [plots]
 */

/**
 * Three or so significant digits, never an exponent.
 * @param {number | undefined} value
 */
export function figure(value) {
  if (value === undefined || !Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** @param {import('./statistics.js').Summary | undefined} summary */
export function spread(summary) {
  return summary === undefined ? '-' : `${figure(summary.min)}–${figure(summary.max)}`;
}

/** @param {import('./statistics.js').Interval | undefined} interval */
export function span(interval) {
  return interval === undefined ? '-' : `${figure(interval.low)}–${figure(interval.high)}`;
}

/** @param {number | undefined} value */
export function ratio(value) {
  if (value === undefined) return '-';
  return `${value >= 1000 ? figure(value) : value.toFixed(value >= 10 ? 1 : value >= 0.1 ? 2 : 3)}x`;
}

/**
 * First column to the left, figures to the right; the last column to the left if it holds words.
 * @param {Table} table
 */
export function format({ title, method, header, rows, notes = [] }) {
  const widths = header.map((name, i) => Math.max(3, name.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const wordy = header.map((_, i) => rows.every((row) => !/^[\d.]/.test(row[i] ?? '')));
  const line = (/** @type {string[]} */ cells) =>
    `| ${cells.map((cell, i) => (wordy[i] ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (wordy[i] ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [
    `### ${title}`,
    '',
    method,
    '',
    line(header),
    rule,
    ...rows.map(line),
    ...notes.map((note) => `\n${note}`),
    '',
  ].join('\n');
}
