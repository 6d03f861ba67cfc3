// The latency bench: the echo servers, all with the same load, which is what each of them can bear: so many messages a
// second, sent when they are due, whether the one before was answered or not.

import { fileLimit } from '../harness/machine.js';
import { alternate, failures } from '../harness/rounds.js';
import { figure, ratio, spread } from '../harness/table.js';
import { CROWDED, crowdedNote, digest, percent, starvedNotes } from './digest.js';
import { measure, refusal, withYardstick } from './measure.js';
import { findServers } from './servers.js';

/** A tenth of what C epoll can do with small messages, and less of large ones: what everybody can bear. */
const LOADS = [
  { size: 128, connections: 50, rate: 20_000 },
  { size: 128, connections: 1000, rate: 20_000 },
  { size: 16_384, connections: 50, rate: 8000 },
];
const WARMUPS = 3;
/** Who answers less of what is sent does not bear the rate. */
const BORNE = 0.95;
const LATENCIES = /** @type {const} */ (['p50Us', 'p99OfSliceUs', 'p99Us', 'p999Us']);
const MAIN = 'p99OfSliceUs';

/** @typedef {typeof LOADS[number] & { refused: string, outcomes: import('./digest.js').Outcomes }} Cell */

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'TCP echo: latency at equal load, messages sent at a fixed rate, against C epoll and other servers',
  async run(context) {
    const { options, progress } = context;
    const { servers, notes } = await findServers(context, { guest: true });
    // So few messages take longer until everything is compiled.
    const patient = { ...context, options: { ...options, warmup: WARMUPS * options.warmup } };
    /** @type {Cell[]} */
    const cells = [];
    for (const load of LOADS) {
      const { size, connections, rate } = load;
      const name = `latency ${size} B x ${connections}, ${rate}/s`;
      const refused = refusal(connections, fileLimit(), 2);
      const outcomes = await withYardstick(context, (yardstick) =>
        alternate({
          contestants: refused ? [] : servers,
          rounds: options.rounds,
          measure: ({ command }) => measure('load', String(rate), command, connections, size, patient, yardstick),
          report: (server, round, { value, error }) =>
            progress(
              `${name}, round ${round + 1}/${options.rounds}, ${server.name}: ${value ? `p99 ${figure(value.p99Us)} us` : error}`,
            ),
        }),
      );
      cells.push({ ...load, refused, outcomes });
    }
    return [latencyTable(cells, options, notes)];
  },
};

/**
 * @param {Cell[]} cells
 * @param {import('../harness/options.js').Options} options
 * @param {string[]} notes
 * @returns {import('../harness/table.js').Table}
 */
function latencyTable(cells, { rounds, seconds, warmup }, notes) {
  const remarks = [...notes];
  /** @type {string[]} */
  const crowded = [];
  const rows = cells.flatMap(({ size, connections, rate, refused, outcomes }) => {
    if (refused) remarks.push(`${connections} connections ${refused}.`);
    remarks.push(...starvedNotes(outcomes, connections));
    return [...outcomes].map(([name, rounds]) => {
      const figures = digest(outcomes, name);
      const failed = failures(rounds);
      if (failed) remarks.push(`${name}, ${size} B x ${connections}: ${failed}.`);
      const { median: answered = rate } = figures.perSecond;
      const { median: waited = 0 } = figures.waited;
      if (waited > CROWDED) {
        crowded.push(`${name}, ${size} B x ${connections} (${percent(waited)})`);
      } else if (answered < BORNE * rate) {
        remarks.push(
          `${name}, ${size} B x ${connections}: it had ${figure(answered)} answers a second for ${rate.toLocaleString('en-US')}` +
            ' messages, so its latencies are those of a queue that grows to the end of each slice, and say how long that is.',
        );
      }
      return [
        `${size} B x ${connections}`,
        rate.toLocaleString('en-US'),
        name,
        ...LATENCIES.flatMap((key) => {
          const { median, ratio: multiple } = figures[key];
          const both = [figure(median), ratio(multiple?.median)];
          return key === MAIN ? [...both, spread(multiple)] : both;
        }),
        figure(figures.cpuUs.median),
        percent(figures.busy.median),
      ];
    });
  });
  if (crowded.length > 0) remarks.push(crowdedNote(crowded));
  return {
    title: 'Echo: latency at equal load',
    method:
      `Median of ${rounds} alternating rounds of ${seconds} s after ${figure(WARMUPS * warmup)} s of warm-up: so many messages` +
      ' a second over all connections, each timed from when it was due. Ratios are to C epoll between the slices of the' +
      ' same window, see above. "p99 of a slice": each slice of 0.1 s (of C epoll: half as long) has its 99th percentile,' +
      ' and this is the one in the middle of them. A pause of the machine holds up so many messages that it is most of the' +
      ' p99 of a window, but it is in few slices. So is a pause of the server (a collector, a compiler) that comes in less' +
      ' than every second slice: this figure hides it, and p99 and p99.9 of all messages, beside it, have it. CPU per' +
      ' request is higher than at full load, since the server sleeps between messages.',
    header: [
      'load',
      'messages/s',
      'server',
      ...['p50 us', 'x C epoll', 'p99 of a slice us', 'x C epoll', 'min–max'],
      ...['p99 us', 'x C epoll', 'p99.9 us', 'x C epoll'],
    ].concat('CPU us/request', 'server busy'),
    rows,
    notes: remarks,
    data: cells.map(({ size, connections, rate, refused, outcomes }) => ({
      connections,
      bytes: size,
      rate,
      refused: refused || undefined,
      servers: [...outcomes].map(([name, rounds]) => ({ name, summary: digest(outcomes, name), rounds })),
    })),
    plots: [
      {
        file: 'latency',
        kind: 'bars',
        title: 'Echo: latency at equal load, p99 of a slice',
        x: { label: 'load', categories: cells.map(({ size, connections }) => `${size} B x ${connections}`) },
        y: { label: 'microseconds (log)', log: true },
        series: [...(cells[0]?.outcomes.keys() ?? [])].map((name) => {
          const digests = cells.map(({ outcomes }) => digest(outcomes, name)[MAIN]);
          return {
            name,
            values: digests.map(({ median }) => median),
            low: digests.map(({ min }) => min),
            high: digests.map(({ max }) => max),
          };
        }),
      },
    ],
  };
}
