// The echo bench: our server and its peers under the same load, on one core each, in alternating rounds.

import { compile } from '../harness/build.js';
import { measureProgram, startServer } from '../harness/children.js';
import { fileLimit, localPorts } from '../harness/machine.js';
import { alternate } from '../harness/rounds.js';
import { figure } from '../harness/table.js';
import { findServers } from './servers.js';
import { cellPlots, cellTable, summaryTable } from './tables.js';

/**
 * @typedef {object} Sample one window of one server
 * @property {number} cpuUs server CPU time per request, all threads
 * @property {number} perSecond requests
 * @property {number} p50Us
 * @property {number} p99Us
 * @property {number} p999Us
 * @property {number} maxUs
 * @property {number} busy part of the window in which the server had a CPU; the same for the load
 * @property {number} loadBusy
 * @property {number} waited part of the window in which the load was runnable and another process ran
 * @property {number} requests
 */
/** @typedef {import('../harness/rounds.js').Outcome<Sample>} Outcome */
/** @typedef {{ connections: number, size: number, refused: string, outcomes: Map<string, Outcome[]> }} Cell */

const SPARE_FILES = 64; // what a runtime holds open besides its connections
const PATIENCE_MS = 60_000; // opening and draining have 20 s each in the load generator

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'TCP echo: server CPU per request, throughput and latency, against C epoll and other servers',
  async run(context) {
    const { options, cpus, progress } = context;
    const { servers, notes } = await findServers(context);
    const limit = fileLimit();
    progress(`a process may hold ${limit} descriptors here`);
    if (cpus === undefined) {
      notes.push(
        'Only one core: server and load share it, so throughput and latency say little. CPU per request holds.',
      );
    }
    /** @type {Cell[]} */
    const cells = [];
    for (const size of options.sizes) {
      for (const connections of options.connections) {
        const refused = refusal(connections, limit);
        const name = `echo ${size} B x ${connections}`;
        if (refused) progress(`${name}: ${refused}`);
        /** @type {Map<string, Outcome[]>} */
        const outcomes = refused
          ? new Map(servers.map((server) => [server.name, []]))
          : await alternate({
              contestants: servers,
              rounds: options.rounds,
              measure: ({ command }) => measure(command, connections, size, context),
              report: (server, round, { value, error }) =>
                progress(
                  `${name}, round ${round + 1}/${options.rounds}, ${server.name}: ${value ? `${figure(value.cpuUs)} us/request, ${figure(value.perSecond)}/s` : error}`,
                ),
            });
        cells.push({ connections, size, refused, outcomes });
      }
    }
    const tables = options.sizes.map((size) => {
      const chosen = cells.filter((cell) => cell.size === size);
      return { ...cellTable(size, chosen, options, notes), plots: cellPlots(size, chosen) };
    });
    return [...tables, summaryTable(cells)];
  },
};

/**
 * Why this machine cannot hold a cell, or ''.
 * @param {number} connections
 * @param {number} limit
 */
function refusal(connections, limit) {
  if (connections + SPARE_FILES > limit) {
    return `refused: ${connections} connections need ${connections + SPARE_FILES} descriptors, ulimit -n is ${limit}`;
  }
  if (connections > localPorts()) return `refused: there are only ${localPorts()} local ports`;
  return '';
}

/**
 * A fresh server, one load, one sample.
 * @param {string[]} command
 * @param {number} connections
 * @param {number} size
 * @param {import('../main.js').Context} context
 * @returns {Promise<Sample>}
 */
async function measure(command, connections, size, { options, cpus }) {
  const load = await compile('load');
  const server = await startServer(command, { cpu: cpus?.server, timeoutMs: 20_000 });
  try {
    const { warmup, seconds } = options;
    const args = [server.port, server.pid, connections, size, warmup * 1000, seconds * 1000].map(String);
    const timeoutMs = PATIENCE_MS + (warmup + seconds) * 1000;
    const result = await measureProgram([load, ...args], { cpu: cpus?.load, timeoutMs });
    return {
      cpuUs: result.serverCpuNs / result.requests / 1000,
      perSecond: (result.requests / result.windowNs) * 1e9,
      p50Us: result.p50Ns / 1000,
      p99Us: result.p99Ns / 1000,
      p999Us: result.p999Ns / 1000,
      maxUs: result.maxNs / 1000,
      busy: result.serverCpuNs / result.windowNs,
      loadBusy: result.loadCpuNs / result.windowNs,
      waited: result.loadWaitNs / result.windowNs,
      requests: result.requests,
    };
  } catch (error) {
    const words = server.words();
    throw new Error(`${/** @type {Error} */ (error).message}${words && ` [server: ${words}]`}`);
  } finally {
    await server.stop();
  }
}
