// One window of one echo server: start it, load it, end it; and the windows of the yardstick that lie between its slices.

import { compile } from '../harness/build.js';
import { measureProgram, startServer } from '../harness/children.js';
import { localPorts } from '../harness/machine.js';

/**
 * @typedef {object} Figures of one window of one server
 * @property {number} cpuUs server CPU time per request, all threads
 * @property {number} perSecond requests
 * @property {number} p50Us
 * @property {number} p90Us
 * @property {number} p99Us
 * @property {number} p999Us
 * @property {number} p99OfSliceUs p99 of the slice in the middle: the machine's pauses are in others
 * @property {number} maxUs
 * @property {number} busy part of the window in which the server had a CPU; the same for the load
 * @property {number} loadBusy
 * @property {number} waited part of the window in which the load was runnable and another process ran
 * @property {number} requests
 * @property {number} starved connections that had no answer in a whole slice of it
 */
/** @typedef {Figures & { reference: Figures }} Sample of one server, and of the yardstick in the same second */
/** @typedef {{ port: number, pid: number }} Running a server */

const SPARE_FILES = 64; // what a runtime holds open besides its connections
const PATIENCE_MS = 60_000; // opening and draining have 20 s each in the load generators

/**
 * Why this machine cannot hold so many connections, or ''.
 * @param {number} connections
 * @param {number} limit descriptors of one process
 * @param {number} [servers] to which one load has so many at once
 */
export function refusal(connections, limit, servers = 1) {
  const needed = servers * connections + SPARE_FILES;
  if (needed > limit) return `refused: ${connections} connections need ${needed} descriptors, ulimit -n is ${limit}`;
  if (connections > localPorts()) return `refused: there are only ${localPorts()} local ports`;
  return '';
}

/**
 * A fresh server for the time of a function; what it said is added to a failure.
 * @template T
 * @param {string[]} command
 * @param {import('../main.js').Context} context
 * @param {(server: Running) => Promise<T>} use
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
 * The yardstick for the time of a function: one process for all that are compared with it.
 * @template T
 * @param {import('../main.js').Context} context
 * @param {(yardstick: Running) => Promise<T>} use
 */
export async function withYardstick(context, use) {
  return withServer([await compile('epoll')], context, use);
}

/**
 * A fresh server, one load, one sample.
 * @param {'load' | 'connect'} program
 * @param {string} manner the argument of the program that is its own
 * @param {string[]} command
 * @param {number} connections
 * @param {number} size
 * @param {import('../main.js').Context} context
 * @param {Running} yardstick
 * @returns {Promise<Sample>}
 */
export async function measure(program, manner, command, connections, size, context, yardstick) {
  const load = await compile(program);
  return withServer(command, context, async (server) => {
    const { warmup, seconds } = context.options;
    const measured = [server.port, server.pid, connections, size, warmup * 1000, seconds * 1000, manner];
    const args = [...measured, yardstick.port, yardstick.pid].map(String);
    const timeoutMs = 2 * PATIENCE_MS + (warmup + 2 * seconds) * 1000;
    const result = await measureProgram([load, ...args], { cpu: context.cpus?.load, timeoutMs });
    return { ...figures(result), reference: figures(result.reference) };
  });
}

/**
 * @param {any} result of a load generator
 * @returns {Figures}
 */
function figures(result) {
  return {
    cpuUs: result.serverCpuNs / result.requests / 1000,
    perSecond: (result.requests / result.windowNs) * 1e9,
    p50Us: result.p50Ns / 1000,
    p90Us: result.p90Ns / 1000,
    p99Us: result.p99Ns / 1000,
    p999Us: result.p999Ns / 1000,
    p99OfSliceUs: result.p99OfSliceNs / 1000,
    maxUs: result.maxNs / 1000,
    busy: result.serverCpuNs / result.windowNs,
    loadBusy: result.loadCpuNs / result.windowNs,
    waited: result.loadWaitNs / result.windowNs,
    requests: result.requests,
    starved: result.starved,
  };
}

/**
 * A figure of a sample as a multiple of the yardstick's in the same second.
 * @param {Sample | undefined} sample
 * @param {Exclude<keyof Figures, 'requests'>} key
 */
export function relative(sample, key) {
  const [value, base] = [sample?.[key], sample?.reference?.[key]]; // older figures have none
  return value === undefined || base === undefined || base === 0 ? undefined : value / base;
}
