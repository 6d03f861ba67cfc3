// The accept bench: connections that bring one message and end, on the servers of the echo bench.

import { measure, refusal, withYardstick } from '../echo/measure.js';
import { findServers } from '../echo/servers.js';
import { fileLimit, reusesPorts } from '../harness/machine.js';
import { alternate } from '../harness/rounds.js';
import { figure } from '../harness/table.js';
import { acceptTable } from './table.js';

/** @typedef {{ inFlight: number, end: string, refused: string, outcomes: import('../echo/digest.js').Outcomes }} Cell */

const IN_FLIGHT = [64];
const BYTES = 128;
const ENDS = ['reset', 'fin'];
const NO_PORTS =
  'refused: net.ipv4.tcp_tw_reuse is 0, so the ports of ended connections are not to be had for a minute';

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'TCP connections: server CPU to accept, echo one message and close, against C epoll and other servers',
  async run(context) {
    const { options, progress } = context;
    const { servers, notes } = await findServers(context);
    /** @type {Cell[]} */
    const cells = [];
    for (const end of ENDS) {
      for (const inFlight of options.connections ?? IN_FLIGHT) {
        const refused = end === 'fin' && !reusesPorts() ? NO_PORTS : refusal(inFlight, fileLimit());
        const name = `accept x ${inFlight}, ${end}`;
        if (refused) progress(`${name}: ${refused}`);
        const outcomes = await withYardstick(context, (yardstick) =>
          alternate({
            contestants: refused ? [] : servers,
            rounds: options.rounds,
            measure: ({ command }) => measure('connect', end, command, inFlight, BYTES, context, yardstick),
            report: (server, round, { value, error }) =>
              progress(
                `${name}, round ${round + 1}/${options.rounds}, ${server.name}: ${value ? `${figure(value.cpuUs)} us/connection, ${figure(value.perSecond)}/s` : error}`,
              ),
          }),
        );
        cells.push({ inFlight, end, refused, outcomes });
      }
    }
    return [acceptTable(cells, BYTES, options, notes)];
  },
};
