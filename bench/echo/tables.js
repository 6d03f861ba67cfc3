// What the echo bench shows: a table per message size, its plots, and the CPU ratios of all cells at one glance.

import { failures } from '../harness/rounds.js';
import { summarize, summarizeRatio } from '../harness/statistics.js';
import { figure, ratio, spread } from '../harness/table.js';
import { YARDSTICK } from './servers.js';

/** @typedef {import('./echo.js').Cell} Cell */
/** @typedef {import('./echo.js').Sample} Sample */
/** @typedef {Exclude<keyof Sample, 'requests'>} Key */

/** @type {Key[]} */
const COMPARED = ['cpuUs', 'perSecond', 'p50Us', 'p99Us', 'p999Us'];
/** @type {Key[]} */
const PLAIN = ['busy', 'loadBusy', 'waited', 'maxUs'];
const CROWDED = 0.05;

/** @param {number} bytes */
function sizeName(bytes) {
  return bytes >= 1024 && bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

/**
 * Medians, spreads and ratios of one server in one cell.
 * @param {Cell} cell
 * @param {string} name
 */
function digest({ outcomes }, name) {
  const pick = (/** @type {string} */ server, /** @type {Key} */ key) =>
    (outcomes.get(server) ?? []).map(({ value }) => value?.[key]);
  const of = (/** @type {Key} */ key) => ({
    ...(summarize(pick(name, key)) ?? {}),
    ratio: summarizeRatio(pick(name, key), pick(YARDSTICK, key)),
  });
  return /** @type {Record<Key, Partial<import('../harness/statistics.js').Summary> & { ratio?: import('../harness/statistics.js').Summary }>} */ (
    Object.fromEntries([...COMPARED, ...PLAIN].map((key) => [key, of(key)]))
  );
}

/**
 * @param {number} size
 * @param {Cell[]} cells
 * @param {import('../harness/options.js').Options} options
 * @param {string[]} notes
 * @returns {import('../harness/table.js').Table}
 */
export function cellTable(size, cells, { rounds, seconds, warmup }, notes) {
  const header = ['connections', 'server', 'CPU us/request', 'min–max', 'x C epoll', 'requests/s', 'x C epoll'];
  for (const name of ['p50 us', 'p99 us', 'p99.9 us']) header.push(name, 'x C epoll');
  header.push('server busy', 'load busy');
  const rows = [];
  const remarks = [...notes];
  const crowded = [];
  for (const cell of cells) {
    for (const [name, outcomes] of cell.outcomes) {
      const { cpuUs, perSecond, p50Us, p99Us, p999Us, busy, loadBusy, waited } = digest(cell, name);
      const row = [figure(cpuUs.median), cpuUs.median === undefined ? '-' : spread(/** @type {any} */ (cpuUs))];
      row.push(ratio(cpuUs.ratio?.median));
      for (const column of [perSecond, p50Us, p99Us, p999Us]) {
        row.push(figure(column.median), ratio(column.ratio?.median));
      }
      row.push(percent(busy.median), percent(loadBusy.median));
      rows.push([String(cell.connections), name, ...row]);
      const failed = failures(outcomes);
      if (failed) remarks.push(`${name} at ${cell.connections} connections ${failed}.`);
      if ((waited.median ?? 0) > CROWDED) crowded.push(`${name} x ${cell.connections} (${percent(waited.median)})`);
    }
    if (cell.refused) remarks.push(`${cell.connections} connections ${cell.refused}.`);
  }
  if (crowded.length > 0) {
    remarks.push(
      `Other processes of this machine held up the load, so throughput and latency are off: ${crowded.join(', ')}.`,
    );
  }
  return {
    title: `Echo, ${sizeName(size)}`,
    method:
      `Median of ${rounds} alternating rounds, each with a fresh server: ${seconds} s of closed-loop load after ${warmup} s of` +
      ' warm-up, one message in flight per connection, every byte compared. CPU is that of the whole server process,' +
      ' user and system. Ratios are medians of the ratios to C epoll in the same round.',
    header,
    rows,
    notes: remarks,
    data: cells.map(({ connections, outcomes, refused }) => ({
      connections,
      bytes: size,
      refused: refused || undefined,
      servers: [...outcomes].map(([name, rounds]) => ({
        name,
        summary: digest({ connections, size, refused, outcomes }, name),
        rounds,
      })),
    })),
  };
}

/** @param {number | undefined} part */
function percent(part) {
  return part === undefined ? '-' : `${Math.round(part * 100)}%`;
}

/**
 * @param {Cell[]} cells
 * @returns {import('../harness/table.js').Table}
 */
export function summaryTable(cells) {
  const servers = [...(cells[0]?.outcomes.keys() ?? [])];
  const values = servers.map((name) => cells.map((cell) => digest(cell, name).cpuUs.ratio?.median));
  const columns = cells.map(({ size, connections }) => `${sizeName(size)} x ${connections}`);
  return {
    title: 'Echo: server CPU per request, as a multiple of C epoll',
    method: 'The main figure of the tables above: message size x connections, median of per-round ratios.',
    header: ['server', ...columns],
    rows: servers.map((name, i) => [name, .../** @type {number[]} */ (values[i]).map(ratio)]),
    data: servers.map((name, i) => ({ name, ratios: Object.fromEntries(columns.map((c, j) => [c, values[i]?.[j]])) })),
    plots: [
      {
        file: 'echo-cpu-ratio',
        kind: 'bars',
        title: 'Echo: server CPU per request, as a multiple of C epoll',
        x: { label: 'message size x connections', categories: columns },
        y: { label: 'CPU per request / C epoll' },
        baseline: 1,
        series: servers.map((name, i) => ({ name, values: values[i] ?? [] })),
      },
    ],
  };
}

/**
 * @param {number} size
 * @param {Cell[]} cells
 * @returns {import('../harness/plot.js').Plot[]}
 */
export function cellPlots(size, cells) {
  const servers = [...(cells[0]?.outcomes.keys() ?? [])];
  const plot = (
    /** @type {string} */ file,
    /** @type {Key} */ key,
    /** @type {string} */ title,
    /** @type {string} */ label,
    /** @type {boolean} */ log,
  ) => ({
    file: `echo-${size}-${file}`,
    kind: /** @type {const} */ ('bars'),
    title: `Echo, ${sizeName(size)}: ${title}`,
    x: { label: 'connections', categories: cells.map(({ connections }) => connections.toLocaleString('en-US')) },
    y: { label, log },
    series: servers.map((name) => {
      const digests = cells.map((cell) => digest(cell, name)[key]);
      return {
        name,
        values: digests.map(({ median }) => median),
        low: digests.map(({ min }) => min),
        high: digests.map(({ max }) => max),
      };
    }),
  });
  return [
    plot('cpu', 'cpuUs', 'server CPU per request', 'microseconds', false),
    plot('throughput', 'perSecond', 'throughput', 'requests per second', false),
    plot('latency', 'p99Us', 'latency, 99th percentile', 'microseconds (log)', true),
  ];
}
