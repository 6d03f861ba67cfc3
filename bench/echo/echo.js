// The echo bench: our server and its peers under the same load, on one core each, in alternating rounds.

import { fileLimit } from '../harness/machine.js';
import { alternate } from '../harness/rounds.js';
import { figure } from '../harness/table.js';
import { measure, refusal, withYardstick } from './measure.js';
import { findServers } from './servers.js';
import { cellPlots, cellTable, growthTable, guestTable, summaryTable } from './tables.js';

/** @typedef {import('./measure.js').Sample} Sample */
/** @typedef {import('../harness/rounds.js').Outcome<Sample>} Outcome */
/** @typedef {{ connections: number, size: number, refused: string, outcomes: Map<string, Outcome[]> }} Cell */

const CONNECTIONS = [1, 50, 1000, 9000];

const SIZES = [128, 16384];

const CLOSED_LOOP = '0'; // no rate

const LARGE = 16_384; // bytes: what is above is large to a server that has a buffer for each connection

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'TCP echo: server CPU per request, throughput and latency, against C epoll and other servers',
  async run(context) {
    const { options } = context;
    const sizes = options.sizes ?? SIZES;
    const { cells, notes } = await measureCells(context, sizes, options.connections ?? CONNECTIONS, { guest: true });
    const tables = sizes.flatMap((size) => {
      const chosen = cells.filter((cell) => cell.size === size);
      const table = { ...cellTable(size, chosen, options, notes), plots: cellPlots(size, chosen) };
      return [table, ...growthTable(size, chosen)];
    });
    return [...tables, summaryTable(cells, 'echo-cpu-ratio'), guestTable(cells)];
  },
};

/**
 * Every server with every size and number of connections.
 * @param {import('../main.js').Context} context
 * @param {number[]} sizes
 * @param {number[]} connectionCounts
 * @param {{ guest?: boolean }} [which] of our servers
 * @returns {Promise<{ cells: Cell[], notes: string[] }>}
 */
export async function measureCells(context, sizes, connectionCounts, which = {}) {
  const { options, cpus, progress } = context;
  const { servers, notes } = await findServers(context, which);
  const limit = fileLimit();
  progress(`a process may hold ${limit} descriptors here`);
  if (cpus === undefined) {
    notes.push('Only one core: server and load share it, so throughput and latency say little. CPU per request holds.');
  }
  /** @type {Cell[]} */
  const cells = [];
  for (const size of sizes) {
    for (const connections of connectionCounts) {
      const refused = refusal(connections, limit, 2);
      const name = `echo ${size} B x ${connections}`;
      if (refused) progress(`${name}: ${refused}`);
      /** @type {Map<string, Outcome[]>} */
      const outcomes = refused
        ? new Map(servers.map((server) => [server.name, []]))
        : await withYardstick(context, (yardstick) =>
            alternate({
              contestants: servers,
              rounds: options.rounds,
              measure: ({ command, large = command }) =>
                measure('load', CLOSED_LOOP, size > LARGE ? large : command, connections, size, context, yardstick),
              report: (server, round, { value, error }) =>
                progress(
                  `${name}, round ${round + 1}/${options.rounds}, ${server.name}: ${value ? `${figure(value.cpuUs)} us/request, ${figure(value.perSecond)}/s` : error}`,
                ),
            }),
          );
      cells.push({ connections, size, refused, outcomes });
    }
  }
  return { cells, notes };
}
