// bench units: a coroutine beside the units that the system has, a thread, a process and a worker of Node: what each
// costs to create, to switch and to keep.

import { compile } from '../harness/build.js';
import { measureProgram } from '../harness/children.js';
import { isBuilt, NOT_BUILT } from '../harness/ours.js';
import { alternate } from '../harness/rounds.js';
import { figure } from '../harness/table.js';
import { measureCpu, NODE, OURS } from '../tasks/contestants.js';
import { bars, taskTable } from '../tasks/table.js';
import { overview } from './overview.js';

/** @typedef {'create' | 'yield' | 'switch' | 'memory'} Verb */
/** @typedef {{ name: string, commands: Partial<Record<Verb, string[]>> }} Unit */

const TASKS = 100_000;
const THREADS = 1000;
const PROCESSES = 200;
const WORKERS = 20;

/** @type {Partial<Record<Verb, string>>} */
const CPU_CASES = { create: 'create and end', yield: 'give way', switch: 'hand over' };

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'a coroutine beside a thread, a process and a Node worker: creation, switch, memory',
  async run(context) {
    const units = await findUnits();
    const notes = isBuilt() ? [] : [NOT_BUILT];
    const cases = [];
    for (const [verb, label] of Object.entries(CPU_CASES)) {
      const outcomes = await compare(context, units, /** @type {Verb} */ (verb), (command) =>
        measureCpu(context, command),
      );
      cases.push({ label, outcomes });
    }
    const memory = {
      label: 'parked',
      outcomes: await compare(context, units, 'memory', (command) => measureMemory(context, command)),
    };
    return [overview(cases, memory), cpuTable(cases, notes), memoryTable(memory, notes)];
  },
};

/** @returns {Promise<Unit[]>} */
async function findUnits() {
  const units = await compile('units', { libraries: ['-pthread'] });
  const file = (/** @type {string} */ name) => new URL(name, import.meta.url).pathname;
  const tasks = [...NODE, file('../tasks/coreactor.js')];
  const worker = [...NODE, file('worker.js')];
  const system = (/** @type {string} */ unit, /** @type {number} */ count) => ({
    create: [units, unit, 'create'],
    yield: [units, unit, 'yield'],
    switch: [units, unit, 'switch'],
    memory: [units, unit, 'memory', String(count)],
  });
  const ours = {
    create: [...tasks, 'spawn'],
    yield: [...tasks, 'switch', '2'],
    switch: [...NODE, file('../sync/coreactor.js'), 'handoff', 'queue'],
    memory: [...tasks, 'memory', 'bare', String(TASKS)],
  };
  return [
    ...(isBuilt() ? [{ name: OURS, commands: ours }] : []),
    { name: 'thread (C)', commands: system('thread', THREADS) },
    { name: 'process (C)', commands: system('process', PROCESSES) },
    {
      name: 'worker (Node)',
      commands: {
        create: [...worker, 'create'],
        switch: [...worker, 'switch'],
        memory: [...worker, 'memory', String(WORKERS)],
      },
    },
  ];
}

/**
 * @template {Record<string, number>} T
 * @param {import('../main.js').Context} context
 * @param {Unit[]} units
 * @param {Verb} verb
 * @param {(command: string[]) => Promise<T>} measure
 */
function compare({ options: { rounds }, progress }, units, verb, measure) {
  return alternate({
    contestants: units.filter(({ commands }) => commands[verb] !== undefined),
    rounds,
    measure: ({ commands }) => measure(/** @type {string[]} */ (commands[verb])),
    report: ({ name }, round, { value, error }) =>
      progress(`units ${verb}, round ${round + 1}/${rounds}, ${name}: ${value ? words(value) : error}`),
  });
}

/** @param {Record<string, number>} sample */
function words({ ns, totalBytes }) {
  return ns === undefined ? `${figure(totalBytes)} B` : `${figure(ns)} ns`;
}

/**
 * @param {import('../main.js').Context} context
 * @param {string[]} command
 */
async function measureMemory({ cpus }, command) {
  const sample = await measureProgram(command, { cpu: cpus?.server, timeoutMs: 60_000 });
  const { userBytes = sample.rssBytes, kernelBytes = 0 } = sample; // a coroutine is nothing that the kernel knows
  return { userBytes, kernelBytes, totalBytes: userBytes + kernelBytes };
}

/**
 * @param {import('../tasks/table.js').Case[]} cases
 * @param {string[]} notes
 */
function cpuTable(cases, notes) {
  return taskTable({
    title: 'Units of execution: CPU',
    method:
      'CPU time of all that take part, user and system, on one core. "Create and end": create one that does nothing, wait' +
      ' for its end, free it; one at a time. "Give way": two in turn, sleep(0) and sched_yield. "Hand over": to the other,' +
      ' and wait: a queue each way, a futex, for the worker half a round trip by MessagePort.',
    caseName: 'what',
    figures: { ns: 'CPU ns' },
    compared: [], // the overview says it the other way round: how many coroutines it is worth
    cases,
    notes: [...notes, 'A worker cannot give way to another: they share nothing but messages.'],
    plots: [
      bars({
        file: 'units-cpu',
        title: 'Units of execution: CPU',
        xLabel: '',
        yLabel: 'CPU nanoseconds (log)',
        log: true,
        key: 'ns',
        cases,
      }),
    ],
  });
}

/**
 * @param {import('../tasks/table.js').Case} memory
 * @param {string[]} notes
 */
function memoryTable(memory, notes) {
  return taskTable({
    title: 'Units of execution: memory of one that waits',
    method:
      `Growth by ${TASKS.toLocaleString('en-US')} tasks, ${THREADS.toLocaleString('en-US')} threads, ${PROCESSES} processes` +
      ` and ${WORKERS} workers that wait, divided by their number. User: resident for tasks, else proportional set size` +
      ' (of all processes together). Kernel: stacks, page tables, slab.',
    caseName: 'what',
    figures: { userBytes: 'user B', kernelBytes: 'kernel B', totalBytes: 'together B' },
    compared: [],
    cases: [memory],
    notes,
    plots: [
      bars({
        file: 'units-memory',
        title: 'Units of execution: memory of one that waits',
        xLabel: '',
        yLabel: 'bytes, user and kernel (log)',
        log: true,
        key: 'totalBytes',
        cases: [memory],
      }),
    ],
  });
}
