// bench node: what stands beside Node's own: work in threads, messages between them, node:http on our sockets, many cores.

import { availableParallelism } from 'node:os';
import { measureProgram, startServer } from '../harness/children.js';
import { isBuilt, NOT_BUILT } from '../harness/ours.js';
import { alternate } from '../harness/rounds.js';
import { figure } from '../harness/table.js';
import { compareCpu, measureCpu } from '../tasks/contestants.js';
import { bars, taskTable } from '../tasks/table.js';

/** @typedef {{ name: string, command: string[] }} Contestant */

const TIMEOUT_MS = 60_000;
const CONNECTIONS = 50;
/** Where the system puts a connection is luck: many make it even. */
const SPREAD_CONNECTIONS = 64;

/** @param {string} name */
function file(name) {
  return new URL(name, import.meta.url).pathname;
}

/** @param {string} program @param {string[]} args */
function node(program, ...args) {
  return [process.execPath, '--expose-gc', file(program), ...args];
}

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'beside Node: toThread and piscina, Channel and MessagePort, node:http on our sockets, cluster',
  async run(context) {
    if (!isBuilt()) throw new Error(NOT_BUILT);
    return [await threads(context), await channels(context), await web(context), await cores(context)];
  },
};

/** @param {import('../main.js').Context} context */
async function threads(context) {
  const contestants = [
    { name: 'coreactor', command: node('threads.js', 'toThread', 'run') },
    { name: 'coreactor (guest)', command: node('threads.js', 'toThread', 'guest') },
    { name: 'piscina', command: node('threads.js', 'toThread', 'piscina') },
  ];
  const cases = [{ label: 'a call', outcomes: await compareCpu(context, contestants, []) }];
  return taskTable({
    title: 'A call in another thread',
    method:
      'CPU time of both threads per call of a function that returns its argument, one call after the other; piscina with two' +
      ' workers and its usual options. All threads have one core together, so this is the round trip, too. On two cores that' +
      ' takes 25 to 75 us of either, as the system places the threads, and no order of the two was seen.',
    caseName: 'what',
    figures: { ns: 'CPU ns/call' },
    cases,
    notes: ['"guest": under runPromise(), where two loops have to be woken.'],
    plots: [],
  });
}

/** @param {import('../main.js').Context} context */
async function channels(context) {
  const cases = [];
  for (const kind of ['bytes', 'text', 'object']) {
    const contestants = ['coreactor', 'MessagePort'].map((name) => ({
      name,
      command: node('threads.js', 'channel', name, kind),
    }));
    const outcomes = await compareCpu(context, contestants, [], async ({ command }, { ns }) => {
      const { perSecond } = await measureCpu({ ...context, cpus: undefined }, command);
      return { ns, ...(perSecond !== undefined && { perSecond }) };
    });
    cases.push({ label: kind, outcomes });
  }
  return taskTable({
    title: 'Messages from one thread to another',
    method:
      'Channel against MessagePort, 1,000,000 messages (bytes: 400,000) as fast as they can. "CPU": that of both threads, on one core;' +
      ' "messages/s", of which more is better: by the clock, the threads wherever the system puts them. "bytes" and "text": 30 of them; "object":' +
      ' three properties, one a list.',
    caseName: 'what',
    figures: { ns: 'CPU ns/message', perSecond: 'messages/s' },
    cases,
    notes: [
      'Small trees of plain objects and arrays go as bytes of our own; other values through v8.serialize(), which costs far more.',
    ],
    plots: [
      bars({
        file: 'node-channel',
        title: 'Messages from one thread to another',
        xLabel: '',
        yLabel: 'CPU nanoseconds per message (log)',
        log: true,
        key: 'ns',
        cases,
      }),
    ],
  });
}

/**
 * @param {import('../main.js').Context} context
 * @param {Contestant[]} contestants
 * @param {string[]} load its arguments after the port
 * @param {boolean} pinned
 */
function loaded({ options, cpus, progress }, contestants, load, pinned) {
  return alternate({
    contestants,
    rounds: options.rounds,
    async measure({ command }) {
      const server = await startServer(command, { cpu: pinned ? cpus?.server : undefined, timeoutMs: TIMEOUT_MS });
      try {
        const program = [process.execPath, file('load.js'), String(server.port), ...load];
        return await measureProgram(program, { cpu: pinned ? cpus?.load : undefined, timeoutMs: TIMEOUT_MS });
      } finally {
        await server.stop();
      }
    },
    report: ({ name }, round, { value, error }) =>
      progress(
        `${load.join(' ')}, round ${round + 1}/${options.rounds}, ${name}: ${value ? `${figure(value.us)} us/answer` : error}`,
      ),
  });
}

/** @param {import('../main.js').Context} context */
async function web(context) {
  const contestants = [
    { name: 'coreactor', command: node('http.js', 'coreactor') },
    { name: 'node:net', command: node('http.js', 'net') },
  ];
  const outcomes = await loaded(context, contestants, [String(CONNECTIONS), 'http'], true);
  return taskTable({
    title: 'node:http on our sockets',
    method:
      'CPU time of the server per request: a server of node:http on sockets of ours, by toDuplex() under runPromise(), and on' +
      " Node's own. 50 connections, each with one request in flight; server and load have a core each.",
    caseName: 'connections',
    contestant: 'node:http on',
    figures: { ns: 'CPU ns/request' },
    cases: [{ label: String(CONNECTIONS), outcomes }],
    notes: [],
    plots: [],
  });
}

/** @param {import('../main.js').Context} context */
async function cores(context) {
  const cases = [];
  for (const workers of [1, availableParallelism()]) {
    const contestants = ['coreactor', 'coreactor (handoff)', 'node:cluster'].map((name) => ({
      name,
      command: node('cores.js', name, String(workers)),
    }));
    const outcomes = await loaded(context, contestants, [String(SPREAD_CONNECTIONS), 'byte'], false);
    cases.push({ label: String(workers), outcomes });
  }
  return taskTable({
    title: 'Many cores',
    method:
      'Time per answer, by the clock, where each costs a third of a millisecond of work or so: cluster() and node:cluster with' +
      ' one worker, and with as many as there are cores. 64 connections; nothing is pinned, and the load needs its part of' +
      ' the cores, too.',
    caseName: 'workers',
    figures: { us: 'us/answer' },
    cases,
    notes: ['Where the load is on the same machine, two workers cannot be twice as fast as one.'],
    plots: [],
  });
}
