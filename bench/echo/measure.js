// One window of one echo server: start it, load it, end it.

import { compile } from '../harness/build.js';
import { measureProgram, startServer } from '../harness/children.js';
import { localPorts } from '../harness/machine.js';

/**
 * @typedef {object} Sample one window of one server
 * @property {number} cpuUs server CPU time per request, all threads
 * @property {number} perSecond requests
 * @property {number} p50Us
 * @property {number} p90Us
 * @property {number} p99Us
 * @property {number} p999Us
 * @property {number} maxUs
 * @property {number} busy part of the window in which the server had a CPU; the same for the load
 * @property {number} loadBusy
 * @property {number} waited part of the window in which the load was runnable and another process ran
 * @property {number} requests
 * @property {number} starved connections that had no answer in the whole window
 */

const SPARE_FILES = 64; // what a runtime holds open besides its connections
const PATIENCE_MS = 60_000; // opening and draining have 20 s each in the load generators

/**
 * Why this machine cannot hold so many connections, or ''.
 * @param {number} connections
 * @param {number} limit descriptors of one process
 */
export function refusal(connections, limit) {
  if (connections + SPARE_FILES > limit) {
    return `refused: ${connections} connections need ${connections + SPARE_FILES} descriptors, ulimit -n is ${limit}`;
  }
  if (connections > localPorts()) return `refused: there are only ${localPorts()} local ports`;
  return '';
}

/**
 * A fresh server for the time of a function; what it said is added to a failure.
 * @template T
 * @param {string[]} command
 * @param {import('../main.js').Context} context
 * @param {(server: { port: number, pid: number }) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withServer(command, { cpus }, use) {
  const server = await startServer(command, { cpu: cpus?.server, timeoutMs: 20_000 });
  try {
    return await use(server);
  } catch (error) {
    const words = server.words();
    throw new Error(`${/** @type {Error} */ (error).message}${words && ` [server: ${words}]`}`);
  } finally {
    await server.stop();
  }
}

/**
 * A fresh server, one load, one sample.
 * @param {'load' | 'connect'} program
 * @param {string[]} more arguments of it
 * @param {string[]} command
 * @param {number} connections
 * @param {number} size
 * @param {import('../main.js').Context} context
 * @returns {Promise<Sample>}
 */
export async function measure(program, more, command, connections, size, context) {
  const load = await compile(program);
  return withServer(command, context, async (server) => {
    const { warmup, seconds } = context.options;
    const args = [server.port, server.pid, connections, size, warmup * 1000, seconds * 1000, ...more].map(String);
    const timeoutMs = PATIENCE_MS + (warmup + seconds) * 1000;
    const result = await measureProgram([load, ...args], { cpu: context.cpus?.load, timeoutMs });
    return {
      cpuUs: result.serverCpuNs / result.requests / 1000,
      perSecond: (result.requests / result.windowNs) * 1e9,
      p50Us: result.p50Ns / 1000,
      p90Us: result.p90Ns / 1000,
      p99Us: result.p99Ns / 1000,
      p999Us: result.p999Ns / 1000,
      maxUs: result.maxNs / 1000,
      busy: result.serverCpuNs / result.windowNs,
      loadBusy: result.loadCpuNs / result.windowNs,
      waited: result.loadWaitNs / result.windowNs,
      requests: result.requests,
      starved: result.starved,
    };
  });
}
