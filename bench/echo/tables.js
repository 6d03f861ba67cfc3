// What the echo bench shows: a table per message size, its plots, and the CPU ratios of all cells at one glance.

import { failures } from '../harness/rounds.js';
import { coverage, medianInterval, summarize, summarizeRatio } from '../harness/statistics.js';
import { figure, ratio, span, spread } from '../harness/table.js';
import { CROWDED, crowdedNote, digest, percent, starvedNotes } from './digest.js';
import { relative } from './measure.js';

/** @typedef {import('./echo.js').Cell} Cell */

const DISTRIBUTED = 50; // connections
const PARTS = ['50 %', '90 %', '99 %', '99.9 %']; // at 1 / (1 - part)
const ENOUGH_ROUNDS = 6; // for an interval that holds the median with 95 %

/** @param {number} bytes */
function sizeName(bytes) {
  return bytes >= 1024 && bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

/**
 * Where the median of the main figure lies: CPU per request as a multiple of C epoll.
 * @param {import('./echo.js').Outcome[]} outcomes
 */
function interval(outcomes) {
  const values = outcomes.flatMap(({ value }) => relative(value, 'cpuUs') ?? []);
  return values.length === 0 ? undefined : medianInterval(values);
}

/**
 * @param {number} size
 * @param {Cell[]} cells
 * @param {import('../harness/options.js').Options} options
 * @param {string[]} notes
 * @returns {import('../harness/table.js').Table}
 */
export function cellTable(size, cells, { rounds, seconds, warmup }, notes) {
  const range = rounds < ENOUGH_ROUNDS ? 'min–max' : '95 % CI';
  const header = ['connections', 'server', 'CPU us/request', 'x C epoll', range, 'requests/s', 'x C epoll'];
  for (const name of ['p50 us', 'p99 us', 'p99.9 us']) header.push(name, 'x C epoll');
  header.push('server busy', 'load busy');
  const rows = [];
  const remarks = [...notes];
  const crowded = [];
  if (rounds < ENOUGH_ROUNDS) {
    const held = percent(coverage(rounds));
    remarks.push(`From the least to the greatest of ${rounds} rounds holds the median with ${held}.`);
  }
  for (const cell of cells) {
    for (const [name, outcomes] of cell.outcomes) {
      const { cpuUs, perSecond, p50Us, p99Us, p999Us, busy, loadBusy, waited } = digest(cell.outcomes, name);
      const row = [figure(cpuUs.median), ratio(cpuUs.ratio?.median), span(interval(outcomes))];
      for (const column of [perSecond, p50Us, p99Us, p999Us]) {
        row.push(figure(column.median), ratio(column.ratio?.median));
      }
      row.push(percent(busy.median), percent(loadBusy.median));
      rows.push([String(cell.connections), name, ...row]);
      const failed = failures(outcomes);
      if (failed) remarks.push(`${name} at ${cell.connections} connections ${failed}.`);
      if ((waited.median ?? 0) > CROWDED) crowded.push(`${name} x ${cell.connections} (${percent(waited.median)})`);
    }
    remarks.push(...starvedNotes(cell.outcomes, cell.connections));
    if (cell.refused) remarks.push(`${cell.connections} connections ${cell.refused}.`);
  }
  if (crowded.length > 0) remarks.push(crowdedNote(crowded));
  return {
    title: `Echo, ${sizeName(size)}`,
    method:
      `Median of ${rounds} alternating rounds, each with a fresh server: ${seconds} s of closed-loop load after ${warmup} s of` +
      ' warm-up, one message in flight per connection, every byte compared. CPU is that of the whole server process,' +
      ' user and system. The window is cut into slices, and between them the same load goes to C epoll for half as long: a' +
      ' ratio is to that, so that it holds whatever the speed of the machine is in this second. The row of C epoll is' +
      ' another process of it, which shows how well. Where "load busy" is near 100 %, throughput and latency are those of' +
      ' the load: a slower server, which lets it take more at once, may then have more of them than C epoll. CPU is less free' +
      ' of that than it looks, too: see "the limit" in the method.',
    header,
    rows,
    notes: remarks,
    data: cells.map(({ connections, outcomes, refused }) => ({
      connections,
      bytes: size,
      refused: refused || undefined,
      servers: [...outcomes].map(([name, rounds]) => ({
        name,
        summary: digest(outcomes, name),
        rounds,
      })),
    })),
  };
}

/**
 * @param {Cell[]} cells
 * @param {string} file of the plot
 * @returns {import('../harness/table.js').Table}
 */
export function summaryTable(cells, file) {
  const servers = [...(cells[0]?.outcomes.keys() ?? [])];
  const values = servers.map((name) => cells.map((cell) => digest(cell.outcomes, name).cpuUs.ratio?.median));
  const intervals = servers.map((name) => cells.map((cell) => interval(cell.outcomes.get(name) ?? [])));
  const columns = cells.map(({ size, connections }) => `${sizeName(size)} x ${connections}`);
  return {
    title: 'Echo: server CPU per request, as a multiple of C epoll',
    method:
      'The main figure of the tables above: message size x connections, median of per-round ratios; in brackets what' +
      ' stands beside it there.',
    header: ['server', ...columns],
    rows: servers.map((name, i) => [
      name,
      ...columns.map((_, j) => `${ratio(values[i]?.[j])} (${span(intervals[i]?.[j])})`),
    ]),
    data: servers.map((name, i) => ({ name, ratios: Object.fromEntries(columns.map((c, j) => [c, values[i]?.[j]])) })),
    plots: [
      {
        file,
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
 * What being a guest costs, and what it gains over Node's own sockets in the same loop.
 * @param {Cell[]} cells
 * @returns {import('../harness/table.js').Table}
 */
export function guestTable(cells) {
  const compare = (/** @type {Cell} */ { outcomes }, /** @type {string} */ a, /** @type {string} */ b) => {
    const pick = (/** @type {string} */ name) =>
      (outcomes.get(name) ?? []).map(({ value }) => relative(value, 'cpuUs'));
    return summarizeRatio(pick(a), pick(b));
  };
  const data = cells.map((cell) => ({
    bytes: cell.size,
    connections: cell.connections,
    guestByBlocking: compare(cell, 'coreactor (guest)', 'coreactor'),
    nodeByGuest: compare(cell, 'node:net', 'coreactor (guest)'),
  }));
  return {
    title: 'Echo: a guest of libuv',
    method:
      'Of the multiples of C epoll in the tables above, medians over the rounds: runPromise() to run(), both on the default' +
      ' selector, and node:net to runPromise().',
    header: ['message', 'connections', 'guest / blocking', 'min–max', 'node:net / guest', 'min–max'],
    rows: data.map(({ bytes, connections, guestByBlocking, nodeByGuest }) => [
      sizeName(bytes),
      String(connections),
      ...[guestByBlocking, nodeByGuest].flatMap((summary) => [ratio(summary?.median), spread(summary)]),
    ]),
    data,
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
    /** @type {import('./digest.js').Key} */ key,
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
      const digests = cells.map((cell) => digest(cell.outcomes, name)[key]);
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
    ...cells.filter(({ connections }) => connections === DISTRIBUTED).map((cell) => distribution(size, cell)),
  ];
}

/**
 * What a request costs by round: the multiple of the yardstick in the same second, times what that took in the whole of the
 * round. For numbers of connections are minutes apart, and the moment at which a server was measured says more than they.
 * @param {string} name
 * @param {Cell} cell
 */
function costs(name, { outcomes }) {
  return (outcomes.get(name) ?? []).map(({ value }, round) => {
    const base = summarize([...outcomes.values()].map((rounds) => rounds[round]?.value?.reference?.cpuUs))?.median;
    const multiple = relative(value, 'cpuUs');
    return base === undefined || multiple === undefined ? undefined : multiple * base;
  });
}

/**
 * What a request costs as the connections become more, and why.
 * @param {number} size
 * @param {Cell[]} cells
 * @returns {import('../harness/table.js').Table[]} none for a single number of connections
 */
export function growthTable(size, cells) {
  const chosen = cells.filter((cell) => cell.refused === '' && cell.connections >= DISTRIBUTED);
  const [few, ...more] = chosen;
  if (few === undefined || more.length === 0) return [];
  const servers = [...few.outcomes.keys()];
  const grown = (/** @type {string} */ name, /** @type {Cell} */ cell) =>
    summarizeRatio(costs(name, cell), costs(name, few));
  const title = `Echo, ${sizeName(size)}: CPU per request by the number of connections`;
  return [
    {
      title,
      method:
        `Multiples of the CPU per request at ${few.connections} connections, in the same run; medians over the rounds. CPU is here` +
        ' the multiple of C epoll in the same second, times what C epoll took in the middle of the round: what lies minutes' +
        ' apart has met a machine of another speed. At one connection the server sleeps before each message, which is' +
        ' another thing, so it is left out.',
      header: ['server', ...more.flatMap(({ connections }) => [`x ${few.connections} at ${connections}`, 'min–max'])],
      rows: servers.map((name) => [
        name,
        ...more.flatMap((cell) => {
          const growth = grown(name, cell);
          return [ratio(growth?.median), spread(growth)];
        }),
      ]),
      notes: [
        'Where it bends: a server in C that keeps nothing for a connection grows as well, by what the kernel has to fetch for' +
          ' each of its sockets once they are in no cache any more. Who grows by more has a record of each connection to fetch' +
          ' besides. Who grows by less is dearer at few connections, so that the same adds a smaller part, or serves some' +
          ' connections many times before it looks at the others.',
      ],
      data: servers.map((name) => ({ name, growth: more.map((cell) => grown(name, cell)) })),
      plots: [
        {
          file: `echo-${size}-growth`,
          kind: 'lines',
          title,
          x: { label: 'connections (log)', values: chosen.map(({ connections }) => connections) },
          y: { label: 'CPU microseconds per request (log)', log: true },
          series: servers.map((name) => {
            const summaries = chosen.map((cell) => summarize(costs(name, cell)));
            return {
              name,
              values: summaries.map((summary) => summary?.median),
              low: summaries.map((summary) => summary?.min),
              high: summaries.map((summary) => summary?.max),
            };
          }),
        },
      ],
    },
  ];
}

/**
 * How long which part of the requests took: by the rarity of the slowest, as in an HDR histogram.
 * @param {number} size
 * @param {Cell} cell
 * @returns {import('../harness/plot.js').Plot}
 */
function distribution(size, { connections, outcomes }) {
  const series = [...outcomes.keys()].map((name) => {
    const { p50Us, p90Us, p99Us, p999Us } = digest(outcomes, name);
    const points = [p50Us, p90Us, p99Us, p999Us];
    return {
      name,
      values: points.map(({ median }) => median),
      low: points.map(({ min }) => min),
      high: points.map(({ max }) => max),
    };
  });
  return {
    file: `echo-${size}-distribution`,
    kind: 'lines',
    title: `Echo, ${sizeName(size)}, ${connections} connections: distribution of latency`,
    x: { label: 'part of the requests that took no longer', values: [2, 10, 100, 1000], categories: PARTS },
    y: { label: 'microseconds (log)', log: true },
    series,
  };
}
