// The programs of the task benches: ours, and the same in JavaScript's own means, asyncio, uvloop and Go.

import { compileGo } from '../harness/build.js';
import { measureProgram } from '../harness/children.js';
import { UsageError } from '../harness/options.js';
import { isBuilt, NOT_BUILT } from '../harness/ours.js';
import { alternate } from '../harness/rounds.js';
import { figure } from '../harness/table.js';

/** @typedef {{ name: string, command: string[], separateHeap?: boolean }} Contestant */

export const OURS = 'coreactor';
const TIMEOUT_MS = 180_000;

/** @param {string} name */
function file(name) {
  return new URL(name, import.meta.url).pathname;
}

/** How Node is started: the programs collect garbage before they look at the clock or the heap. */
export const NODE = [process.execPath, '--expose-gc'];
const PROGRAMS = { ours: file('coreactor.js'), node: [file('await.js')], python: file('loop.py') };

/**
 * @param {import('../main.js').Context} context
 * @param {string} javascript how the row of plain JavaScript is called
 * @param {{ ours: string, node: string[], python: string }} [programs] Go has one for all
 * @returns {Promise<{ contestants: Contestant[], notes: string[] }>}
 */
export async function findContestants({ options, runtimes: { found } }, javascript, programs = PROGRAMS) {
  const { python, uvloop, go } = found;
  /** @type {Record<string, () => Promise<Contestant | undefined> | Contestant | undefined>} by the name in --peers */
  const peers = {
    node: () => ({ name: javascript, command: [...NODE, ...programs.node] }),
    asyncio: () =>
      python && { name: 'asyncio', command: [python.path, programs.python, 'asyncio'], separateHeap: true },
    uvloop: () => uvloop && { name: 'uvloop', command: [uvloop.path, programs.python, 'uvloop'], separateHeap: true },
    go: async () => go && { name: 'Go', command: [await compileGo(go.path, new URL('tasks.go', import.meta.url))] },
  };
  /** @type {Contestant[]} */
  const contestants = isBuilt() ? [{ name: OURS, command: [...NODE, programs.ours] }] : [];
  for (const name of options.peers ?? Object.keys(peers)) {
    if (!Object.hasOwn(peers, name)) continue; // a peer of the echo bench
    const contestant = await peers[name]?.();
    if (contestant !== undefined) contestants.push(contestant);
  }
  if (contestants.length === 0) throw new UsageError(`nothing to measure: peers here are ${Object.keys(peers)}`);
  return { contestants, notes: isBuilt() ? [] : [NOT_BUILT] };
}

/**
 * Runs one program on the core that servers have in the echo bench, and gives what it printed, times per operation.
 * @param {import('../main.js').Context} context
 * @param {string[]} command
 * @returns {Promise<Record<string, number> & { ns: number }>}
 */
export async function measureCpu({ cpus }, command) {
  const { cpuNs, count, ...more } = await measureProgram(command, { cpu: cpus?.server, timeoutMs: TIMEOUT_MS });
  return { ns: cpuNs / count, ...more };
}

/**
 * Runs every contestant with the same arguments.
 * @template {Contestant} C
 * @param {import('../main.js').Context} context
 * @param {C[]} contestants
 * @param {string[]} args
 * @param {(contestant: C, sample: Record<string, number> & { ns: number }) => Promise<Record<string, number>>} [extend]
 *   measures more of the same contestant in the same round
 */
export function compareCpu(context, contestants, args, extend = async (_contestant, sample) => sample) {
  const { options, progress } = context;
  return alternate({
    contestants,
    rounds: options.rounds,
    patience: options.patience,
    measure: async (contestant) => extend(contestant, await measureCpu(context, [...contestant.command, ...args])),
    report: ({ name }, round, { value, error }) =>
      progress(
        `${args.join(' ')}, round ${round + 1}/${options.rounds}, ${name}: ${value ? `${figure(value.ns)} ns` : (error ?? 'left out')}`,
      ),
  });
}

/**
 * The same for memory, where some need a second run to see their heap.
 * @param {import('../main.js').Context} context
 * @param {Contestant[]} contestants
 * @param {string[]} args
 */
export function compareMemory({ options, cpus, progress }, contestants, args) {
  return alternate({
    contestants,
    rounds: options.rounds,
    patience: options.patience,
    measure: async ({ command, separateHeap }) => {
      const sample = { heap: 0, rss: 0 };
      for (const mode of separateHeap ? ['heap', 'rss'] : ['both']) {
        const run = await measureProgram([...command, ...args, mode], { cpu: cpus?.server, timeoutMs: TIMEOUT_MS });
        sample.heap = run.heapBytes ?? sample.heap;
        sample.rss = run.rssBytes ?? sample.rss;
      }
      return sample;
    },
    report: ({ name }, round, { value, error }) =>
      progress(
        `${args.join(' ')}, round ${round + 1}/${options.rounds}, ${name}: ${value ? `${figure(value.heap)} B heap, ${figure(value.rss)} B resident` : (error ?? 'left out')}`,
      ),
  });
}
