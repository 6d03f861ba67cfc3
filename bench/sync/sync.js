// bench sync: what locks, queues and events cost, alone and between two tasks, and what waits that were cancelled leave.

import { compareCpu, measureCpu } from '../tasks/contestants.js';
import { bars, taskTable } from '../tasks/table.js';
import { findPeers } from './peers.js';

/**
 * @typedef {(verb: string, args?: string[], extend?: Parameters<typeof compareCpu<import('./peers.js').Peer>>[3],
 *   without?: string) => ReturnType<typeof compareCpu>} Compare `without` that one of those who have it
 */

const MILLION = 1_000_000;
/** Above this without asyncio, whose tasks cost as much at any number, and a million of them half a minute. */
const FEW = 100_000;
const CANCELLED = 200_000;

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'lock, queue and event: uncontended, handed over, many woken, many waits cancelled',
  async run(context) {
    const { peers, notes } = await findPeers(context);
    const [given] = context.options.tasks ?? [];
    /** @type {Compare} */
    const compare = (verb, args = [], extend = undefined, without = undefined) =>
      compareCpu(
        context,
        peers.filter(({ name, does }) => does.includes(verb) && name !== without),
        [...verb.split(' '), ...args],
        extend,
      );
    return [
      await uncontended(compare, notes),
      await handedOver(compare, context, notes),
      await woken(compare, given === undefined ? [FEW, MILLION] : [given], notes),
      await cancelled(compare, context, given ?? CANCELLED, notes),
    ];
  },
};

/**
 * @param {Compare} compare
 * @param {string[]} notes
 */
async function uncontended(compare, notes) {
  const cases = [
    { label: 'lock', outcomes: await compare('lock') },
    { label: 'queue', outcomes: await compare('queue') },
    { label: 'lock, all kinds in use', outcomes: await compare('lock all') },
    { label: 'queue, all kinds in use', outcomes: await compare('queue all') },
  ];
  return taskTable({
    title: 'A lock and a queue that nobody else wants',
    method:
      'CPU time of acquire + release of a free lock, and of put + get of an unbounded queue (Go: a channel with room), in one' +
      ' task. "All kinds in use": after 10,000 uses each of every other primitive. Collection of the garbage is in it.',
    caseName: 'what',
    figures: { ns: 'CPU ns/pair' },
    cases,
    notes: [
      ...notes,
      'coreactor, asyncio, uvloop, Go and effection go on at once when they can (coreactor gives way once in 128' +
        ' operations); an `await` suspends each time. What `put` of await and effection does is no wait: it never suspends.',
    ],
    plots: [
      bars({
        file: 'sync-uncontended',
        title: 'A lock and a queue that nobody else wants',
        xLabel: '',
        yLabel: 'CPU nanoseconds per pair (log)',
        log: true,
        key: 'ns',
        cases,
      }),
    ],
  });
}

/**
 * @param {Compare} compare
 * @param {import('../main.js').Context} context
 * @param {string[]} notes
 */
async function handedOver(compare, context, notes) {
  /** @type {NonNullable<Parameters<Compare>[2]>} */
  const inSwitches = async (peer, { ns }) =>
    peer.switch === undefined ? { ns } : { ns, switches: ns / (await measureCpu(context, peer.switch)).ns };
  const cases = [
    { label: 'lock', outcomes: await compare('handoff lock', [], inSwitches) },
    { label: 'queue', outcomes: await compare('handoff queue', [], inSwitches) },
  ];
  return taskTable({
    title: 'A hand-off between two tasks',
    method:
      'CPU time per hand-off. "lock": two tasks acquire and release one lock in a loop, each release with the other one' +
      ' waiting. "queue": ping-pong over two queues, two hand-offs per round. "Own switches": divided by the CPU time of' +
      " the same runtime's switch (`switch 2`) in the same round.",
    caseName: 'what',
    figures: { ns: 'CPU ns/hand-off', switches: 'own switches' },
    compared: ['ns'],
    cases,
    notes,
    plots: [
      bars({
        file: 'sync-handoff',
        title: 'A hand-off between two tasks',
        xLabel: '',
        yLabel: 'CPU nanoseconds per hand-off (log)',
        log: true,
        key: 'ns',
        cases,
      }),
    ],
  });
}

/**
 * @param {Compare} compare
 * @param {number[]} counts
 * @param {string[]} notes
 */
async function woken(compare, counts, notes) {
  const cases = [];
  for (const count of counts) {
    const outcomes = await compare('event', [String(count)], undefined, count > FEW ? 'asyncio' : undefined);
    cases.push({ label: count.toLocaleString('en-US'), outcomes });
  }
  return taskTable({
    title: 'Many tasks that wait for one event',
    method:
      'CPU time per task: Event, a promise, asyncio.Event, a channel that is closed. "All": from the creation of the first' +
      ' task to the end of the last; "wake": from set() on. Once as warm-up, once measured.',
    caseName: 'tasks',
    figures: { ns: 'all, CPU ns/task', wakeNs: 'wake, CPU ns/task' },
    cases,
    notes: counts.some((count) => count > FEW)
      ? [...notes, `asyncio up to ${FEW.toLocaleString('en-US')} only, where a task costs what it costs at a million.`]
      : notes,
    plots: [
      bars({
        file: 'sync-event',
        title: 'Many tasks that wait for one event',
        xLabel: 'tasks',
        yLabel: 'CPU nanoseconds per task (log)',
        log: true,
        key: 'ns',
        cases,
      }),
    ],
  });
}

const HOW = { cancel: 'the task is cancelled', timeout: 'timeout()', moveOnAfter: 'moveOnAfter()' };

/**
 * @param {Compare} compare
 * @param {import('../main.js').Context} context
 * @param {number} count
 * @param {string[]} notes
 */
async function cancelled(compare, context, count, notes) {
  const cases = [];
  for (const [how, label] of Object.entries(HOW)) {
    const args = ['cancelled', how, String(count)];
    const outcomes = await compare(`cancelled ${how}`, [String(count), 'cpu'], async (peer, sample) =>
      peer.separateHeap ? { ...sample, ...(await heapOf(context, [...peer.command, ...args, 'heap'])) } : sample,
    );
    cases.push({ label, outcomes });
  }
  return taskTable({
    title: `${count.toLocaleString('en-US')} cancelled waits`,
    method:
      'Growth of the heap, all in all, after full collections, by so many waits that were cancelled: a third each of' +
      ' queue gets, lock acquires and event waits, on one queue, lock and event, by 1,000 tasks at a time that end with' +
      ' their wait. V8 heapUsed + external; tracemalloc, in a run of its own. 20,000 waits go before.',
    caseName: 'cancelled by',
    figures: { heapBytes: 'heap B, in all', ns: 'CPU ns/wait' },
    compared: ['ns'],
    cases,
    notes,
    plots: [
      bars({
        file: 'sync-cancelled',
        title: 'A cancelled wait',
        xLabel: 'cancelled by',
        yLabel: 'CPU nanoseconds (log)',
        log: true,
        key: 'ns',
        cases,
      }),
    ],
  });
}

/**
 * @param {import('../main.js').Context} context
 * @param {string[]} command
 */
async function heapOf(context, command) {
  const { heapBytes = 0 } = await measureCpu(context, command);
  return { heapBytes };
}
