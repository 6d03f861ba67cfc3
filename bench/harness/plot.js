// Draws a plot as SVG: grouped bars with whiskers from the least to the greatest round, or lines on logarithmic axes.
// White ground of its own, so that it reads the same on light and dark pages.

import { linear, logarithmic, tickLabel } from './scale.js';

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {(number | undefined)[]} values one for each category or x value; undefined where there is none
 * @property {(number | undefined)[]} [low]
 * @property {(number | undefined)[]} [high]
 */
/**
 * @typedef {object} Plot
 * @property {string} file without extension
 * @property {'bars' | 'lines'} kind
 * @property {string} title
 * @property {{ label: string, categories?: string[], values?: number[] }} x categories for bars, values for lines; both if
 *   values are to be named
 * @property {{ label: string, log?: boolean }} y
 * @property {number} [baseline] a dashed line at this value
 * @property {Series[]} series
 */

const WIDTH = 960;
const HEIGHT = 500;
const LEFT = 80;
const RIGHT = WIDTH - 24;
const LEGEND_TOP = 58;
const BOTTOM = HEIGHT - 78;
const INK = '#24292f';
const FAINT = '#57606a';
const GRID = '#e4e7eb';

/** The same contestant has the same colour in every plot; ours stands out. */
const COLOURS = new Map(
  Object.entries({
    coreactor: '#d6336c',
    'C epoll': '#343a40',
    'C io_uring': '#8d6e63',
    'C libuv': '#909aa3',
    'thread (C)': '#343a40',
    'process (C)': '#909aa3',
    'worker (Node)': '#5c940d',
    'node:net': '#5c940d',
    await: '#5c940d',
    setTimeout: '#5c940d',
    Bun: '#e8a33d',
    Deno: '#2f6fde',
    asyncio: '#2f6fde',
    uvloop: '#8a63d2',
    Go: '#12a3b8',
  }),
);
const OTHERS = ['#f08c9f', '#a3123f', '#f5c2d0', '#7a5c3a', '#b0b7bd'];

/** @param {Plot} plot */
function colours({ series }) {
  let other = 0;
  return series.map(({ name }) => COLOURS.get(name) ?? /** @type {string} */ (OTHERS[other++ % OTHERS.length]));
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** @param {number} value */
function px(value) {
  return String(Math.round(value * 10) / 10);
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {string} [attributes]
 */
function text(x, y, content, attributes = '') {
  return `<text x="${px(x)}" y="${px(y)}" ${attributes}>${escaped(content)}</text>`;
}

/**
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 * @param {string} attributes
 */
function line(x1, y1, x2, y2, attributes) {
  return `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" ${attributes}/>`;
}

/**
 * @param {Plot} plot
 * @param {string} caption the machine and the date, in small print below
 */
export function draw(plot, caption) {
  const paint = colours(plot);
  const legend = drawLegend(plot, paint);
  const top = LEGEND_TOP + legend.rows * 22 + 14;
  const values = plot.series.flatMap(({ values, high = [], low = [] }) => [...values, ...high, ...low]);
  const shown = values.flatMap((value) => (value !== undefined && value > 0 ? [value] : []));
  const reach = [...shown, ...(plot.baseline === undefined ? [] : [plot.baseline])];
  if (reach.length === 0) reach.push(1);
  const max = Math.max(...reach);
  const y = plot.y.log ? logarithmic(Math.min(...reach), max, BOTTOM, top) : linear(max, BOTTOM, top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`,
    ` font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="13" fill="${INK}" role="img">`,
    `<title>${escaped(plot.title)}</title><rect width="100%" height="100%" fill="#ffffff"/>`,
    text(LEFT, 34, plot.title, 'font-size="18" font-weight="600"'),
    legend.svg,
    ...y.ticks.flatMap((tick) => [
      line(LEFT, y.at(tick), RIGHT, y.at(tick), `stroke="${GRID}"`),
      text(LEFT - 8, y.at(tick) + 4.5, tickLabel(tick), `text-anchor="end" fill="${FAINT}"`),
    ]),
    plot.kind === 'bars' ? drawBars(plot, y, paint) : drawLines(plot, y, paint),
    plot.baseline === undefined
      ? ''
      : line(LEFT, y.at(plot.baseline), RIGHT, y.at(plot.baseline), `stroke="${INK}" stroke-dasharray="5 4"`),
    line(LEFT, BOTTOM, RIGHT, BOTTOM, `stroke="${INK}"`),
    text((LEFT + RIGHT) / 2, BOTTOM + 44, plot.x.label, 'text-anchor="middle"'),
    text(0, 0, plot.y.label, `text-anchor="middle" transform="translate(22 ${px((top + BOTTOM) / 2)}) rotate(-90)"`),
    text(LEFT, HEIGHT - 10, caption, `font-size="11" fill="${FAINT}"`),
    '</svg>',
  ];
  return `${parts.filter(Boolean).join('\n')}\n`;
}

/**
 * @param {Plot} plot
 * @param {string[]} paint
 */
function drawLegend({ kind, series }, paint) {
  let x = LEFT;
  let rows = 1;
  const parts = series.map(({ name }, i) => {
    const width = 30 + name.length * 7.6;
    if (x + width > RIGHT) {
      x = LEFT;
      rows++;
    }
    const baseline = LEGEND_TOP + (rows - 1) * 22 + 11;
    const part = `<rect x="${px(x)}" y="${baseline - 11}" width="13" height="13" rx="2" fill="${paint[i]}"/>${text(x + 19, baseline, name)}`;
    x += width + 8;
    return part;
  });
  const failed = kind === 'bars' && series.some(({ values }) => values.includes(undefined));
  if (failed)
    parts.push(text(RIGHT, 34, '× no figure: see the notes of the table', `text-anchor="end" fill="${FAINT}"`));
  return { svg: parts.join('\n'), rows };
}

/**
 * @param {Plot} plot
 * @param {import('./scale.js').Scale} y
 * @param {string[]} paint
 */
function drawBars({ x: { categories = [] }, series }, y, paint) {
  const group = (RIGHT - LEFT) / categories.length;
  const width = Math.min(56, (group * 0.84) / series.length);
  const roomy = width >= 26; // enough for the figure above each bar
  const parts = categories.map((name, i) => text(LEFT + (i + 0.5) * group, BOTTOM + 20, name, 'text-anchor="middle"'));
  series.forEach(({ values, low = [], high = [] }, j) => {
    values.forEach((value, i) => {
      const left = LEFT + (i + 0.5) * group + (j - series.length / 2) * width;
      const middle = left + width / 2;
      if (value === undefined || !(value > 0)) {
        parts.push(text(middle, BOTTOM - 5, '×', `text-anchor="middle" fill="${paint[j]}" font-weight="700"`));
        return;
      }
      const top = y.at(value);
      parts.push(
        `<rect x="${px(left + 1)}" y="${px(top)}" width="${px(width - 2)}" height="${px(BOTTOM - top)}" rx="1" fill="${paint[j]}"/>`,
      );
      const [from, to] = [low[i], high[i]];
      const whisker = from !== undefined && to !== undefined && from > 0 && to > from;
      if (whisker) parts.push(line(middle, y.at(from), middle, y.at(to), `stroke="${INK}" stroke-opacity="0.55"`));
      if (roomy) {
        const above = whisker ? y.at(to) : top;
        parts.push(
          text(middle, above - 5, tickLabel(Number(value.toPrecision(3))), 'text-anchor="middle" font-size="11"'),
        );
      }
    });
  });
  return parts.join('\n');
}

/**
 * @param {Plot} plot
 * @param {import('./scale.js').Scale} y
 * @param {string[]} paint
 */
function drawLines({ x: { values: xs = [], categories }, series }, y, paint) {
  const x = logarithmic(Math.min(...xs), Math.max(...xs), LEFT + 12, RIGHT - 12);
  const ticks = categories ? xs : x.ticks;
  const name = (/** @type {number} */ tick, /** @type {number} */ i) => categories?.[i] ?? tickLabel(tick);
  const parts = ticks.map((tick, i) => text(x.at(tick), BOTTOM + 20, name(tick, i), 'text-anchor="middle"'));
  series.forEach(({ values, low = [], high = [] }, j) => {
    const points = xs.flatMap((value, i) => {
      const height = values[i];
      return height === undefined ? [] : [{ left: x.at(value), top: y.at(height), low: low[i], high: high[i] }];
    });
    const path = points.map(({ left, top }) => `${px(left)},${px(top)}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${paint[j]}" stroke-width="2.5"/>`);
    for (const { left, top, low: from, high: to } of points) {
      if (from !== undefined && to !== undefined && from > 0) {
        parts.push(line(left, y.at(from), left, y.at(to), `stroke="${paint[j]}" stroke-opacity="0.6"`));
      }
      parts.push(`<circle cx="${px(left)}" cy="${px(top)}" r="3.5" fill="${paint[j]}"/>`);
    }
  });
  return parts.join('\n');
}
