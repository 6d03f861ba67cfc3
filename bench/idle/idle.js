// The idle bench: what a connection that is open and silent costs the servers of the echo bench in memory.

import { refusal, withServer } from '../echo/measure.js';
import { findServers } from '../echo/servers.js';
import { compile } from '../harness/build.js';
import { measureProgram } from '../harness/children.js';
import { fileLimit } from '../harness/machine.js';
import { alternate } from '../harness/rounds.js';
import { figure } from '../harness/table.js';
import { bars, digest, taskTable } from '../tasks/table.js';

const CONNECTIONS = [1000, 9000];
const BYTES = 128;
/** What a program has freed after its start takes longer to be given back than what it has to hold takes to be there. */
const SETTLE_MS = 1000;
const SILENT_MS = 500;
const TIMEOUT_MS = 120_000;
const MIB = 2 ** 20;

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'TCP: bytes of memory per idle connection, against C epoll and other servers',
  async run(context) {
    const { options, progress } = context;
    const { servers, notes } = await findServers(context);
    const cases = [];
    for (const connections of options.connections ?? CONNECTIONS) {
      const name = `idle x ${connections}`;
      const refused = refusal(connections, fileLimit());
      if (refused) {
        progress(`${name}: ${refused}`);
        notes.push(`${connections} connections ${refused}.`);
        continue;
      }
      const outcomes = await alternate({
        contestants: servers,
        rounds: options.rounds,
        measure: ({ command }) => measure(command, connections, context),
        report: (server, round, { value, error }) =>
          progress(
            `${name}, round ${round + 1}/${options.rounds}, ${server.name}: ${value ? `${figure(value.own)} B/connection` : error}`,
          ),
      });
      const one = { label: connections.toLocaleString('en-US'), outcomes };
      const none = servers.filter((server) => (digest(one, server.name, 'own').summary?.median ?? 1) <= 0);
      if (none.length > 0) {
        notes.push(`No growth at ${one.label}, so × in the plot: ${none.map((server) => server.name).join(', ')}.`);
      }
      cases.push(one);
    }
    return [
      taskTable({
        title: 'An idle connection',
        method:
          `Growth of the server's memory per connection, median of ${options.rounds} alternating rounds, each with a fresh` +
          ` server: every connection has had one message of ${BYTES} B and has then been silent for ${SILENT_MS / 1000} s.` +
          ' Memory of its own is all but the pages of files; resident has those that were touched meanwhile. What the' +
          ' kernel holds (sockets, descriptors, selectors) is in neither. Collectors are not asked to collect.',
        caseName: 'connections',
        contestant: 'server',
        figures: { own: 'own B/connection', rss: 'resident B/connection', total: 'resident MiB with all' },
        compared: ['own'],
        cases,
        notes,
        plots: [
          bars({
            file: 'idle',
            title: 'An idle connection, bytes of memory',
            xLabel: 'connections',
            yLabel: 'bytes per connection (log)',
            log: true,
            key: 'own',
            cases,
          }),
        ],
      }),
    ];
  },
};

/**
 * A fresh server that gets connections and is left alone with them.
 * @param {string[]} command
 * @param {number} connections
 * @param {import('../main.js').Context} context
 */
async function measure(command, connections, context) {
  const hold = await compile('hold');
  return withServer(command, context, async ({ port, pid }) => {
    const args = [port, pid, connections, BYTES, SETTLE_MS, SILENT_MS].map(String);
    const { before, after } = await measureProgram([hold, ...args], { cpu: context.cpus?.load, timeoutMs: TIMEOUT_MS });
    const each = (/** @type {'own' | 'rss' | 'pss'} */ kind) => (after[kind] - before[kind]) / connections;
    return { own: each('own'), rss: each('rss'), pss: each('pss'), before: before.rss / MIB, total: after.rss / MIB };
  });
}
