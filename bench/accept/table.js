// What the accept bench shows: one row per server, its plots.

import { CROWDED, crowdedNote, digest, percent, starvedNotes } from '../echo/digest.js';
import { failures } from '../harness/rounds.js';
import { figure, ratio, spread } from '../harness/table.js';

/** @typedef {import('./accept.js').Cell} Cell */

/**
 * @param {Cell[]} cells
 * @param {number} bytes
 * @param {import('../harness/options.js').Options} options
 * @param {string[]} notes
 * @returns {import('../harness/table.js').Table}
 */
export function acceptTable(cells, bytes, { rounds, seconds, warmup }, notes) {
  const rows = [];
  const remarks = [...notes];
  const crowded = [];
  for (const { inFlight, end, refused, outcomes } of cells) {
    for (const [name, results] of outcomes) {
      const { cpuUs, perSecond, p50Us, p99Us, busy, loadBusy, waited } = digest(outcomes, name);
      rows.push([
        end,
        String(inFlight),
        name,
        figure(cpuUs.median),
        ratio(cpuUs.ratio?.median),
        spread(cpuUs.ratio),
        figure(perSecond.median),
        ratio(perSecond.ratio?.median),
        figure(p50Us.median),
        figure(p99Us.median),
        percent(busy.median),
        percent(loadBusy.median),
      ]);
      const failed = failures(results);
      if (failed) remarks.push(`${name} at ${inFlight} at a time, ${end}, ${failed}.`);
      if ((waited.median ?? 0) > CROWDED) crowded.push(`${name} x ${inFlight}, ${end} (${percent(waited.median)})`);
    }
    remarks.push(...starvedNotes(outcomes, inFlight).map((note) => `${end}, ${note}`));
    if (refused) remarks.push(`${inFlight} at a time, ${end}: ${refused}.`);
  }
  if (crowded.length > 0) remarks.push(crowdedNote(crowded));
  return {
    title: 'Accept, echo once, close',
    method:
      `Median of ${rounds} alternating rounds, each with a fresh server: ${seconds} s after ${warmup} s of warm-up, in which so` +
      ` many connections exist at a time. Each has one message of ${bytes} B and is ended by the client: by RST, or by FIN and` +
      ' the wait for that of the server. CPU is that of the whole server process, user and system; most of the handshake' +
      ' runs in the client. Ratios are to C epoll between the slices of the same window, as for the echo. Where "load busy" is' +
      ' near 100 %, rate and latency are those of the load, which takes more at once the longer the server lets it wait: more' +
      ' than 1.00x there is no merit of a server, and CPU is the figure to compare.',
    header: [
      ...['end', 'at a time', 'server', 'CPU us/connection', 'x C epoll', 'min–max', 'connections/s', 'x C epoll'],
      ...['p50 us', 'p99 us', 'server busy', 'load busy'],
    ],
    rows,
    notes: remarks,
    data: cells.map(({ inFlight, end, refused, outcomes }) => ({
      end,
      inFlight,
      bytes,
      refused: refused || undefined,
      servers: [...outcomes].map(([name, rounds]) => ({ name, summary: digest(outcomes, name), rounds })),
    })),
    plots: [
      plot(cells, 'accept-cpu', 'cpuUs', 'server CPU per connection', 'microseconds'),
      plot(cells, 'accept-rate', 'perSecond', 'rate', 'connections per second'),
    ],
  };
}

/**
 * @param {Cell[]} cells
 * @param {string} file
 * @param {import('../echo/digest.js').Key} key
 * @param {string} title
 * @param {string} label
 * @returns {import('../harness/plot.js').Plot}
 */
function plot(cells, file, key, title, label) {
  const servers = new Set(cells.flatMap(({ outcomes }) => [...outcomes.keys()]));
  return {
    file,
    kind: 'bars',
    title: `Accept, echo once, close: ${title}`,
    x: {
      label: 'connections at a time, end',
      categories: cells.map(({ inFlight, end }) => `${inFlight.toLocaleString('en-US')}, ${end}`),
    },
    y: { label },
    series: [...servers].map((name) => {
      const digests = cells.map(({ outcomes }) => digest(outcomes, name)[key]);
      return {
        name,
        values: digests.map(({ median }) => median),
        low: digests.map(({ min }) => min),
        high: digests.map(({ max }) => max),
      };
    }),
  };
}
