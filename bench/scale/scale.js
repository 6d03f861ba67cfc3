// bench scale: what one task and one timer cost as their number grows, ours beside async functions and setTimeout.

import { measureProgram } from '../harness/children.js';
import { alternate } from '../harness/rounds.js';
import { summarize } from '../harness/statistics.js';
import { figure } from '../harness/table.js';
import { findContestants } from '../tasks/contestants.js';
import { series, taskTable } from '../tasks/table.js';

/** @typedef {import('../tasks/table.js').Case & { size: number }} Case */
/** @typedef {{ name: string, who: string, size: number, command: string[] }} Sized a program and how many it makes */
/** @typedef {Map<string, import('../harness/rounds.js').Outcome<Record<string, number>>[]>} Outcomes */

const TASKS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
const TIMERS = [100, 1000, 10_000, 100_000, 1_000_000];
const TIMEOUT_MS = 60_000;

/** What each verb of the programs tells. */
const VERBS = { tasks: ['tasks'], timers: ['created', 'cancelled'], expiry: ['expired'] };

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'cost per task and per timer from one to a million, relative to few, as curves',
  async run(context) {
    const { tasks: wanted } = context.options;
    const [tasks, notes] = await measure(context, 'tasks', 'await', wanted ?? TASKS);
    const [timers, notesOfTimers] = await measure(context, 'timers', 'setTimeout', wanted ?? TIMERS);
    const [expiry, notesOfExpiry] = await measure(context, 'expiry', 'setTimeout', wanted ?? TIMERS);
    const together = [...new Set([...notesOfTimers, ...notesOfExpiry])];
    return [tasksTable(tasks, notes), timersTable({ ...timers, ...expiry }, together)];
  },
};

/**
 * Measures every size in every round, so that growth is a ratio within a round.
 * @param {import('../main.js').Context} context
 * @param {keyof typeof VERBS} verb
 * @param {string} javascript how the row of plain JavaScript is called
 * @param {number[]} sizes
 * @returns {Promise<[Record<string, Case[]>, string[]]>} cases by what is measured, and notes
 */
async function measure(context, verb, javascript, sizes) {
  const { options, cpus, progress } = context;
  const peers = (options.peers ?? ['node']).filter((name) => name === 'node');
  const file = (/** @type {string} */ name) => new URL(name, import.meta.url).pathname;
  const programs = { ours: file('coreactor.js'), node: [file('await.js')], python: '' };
  const { contestants, notes } = await findContestants(
    { ...context, options: { ...options, peers } },
    javascript,
    programs,
  );
  const sized = sizes.flatMap((size) =>
    contestants.map(({ name, command }) => ({
      name: `${name} x ${size}`,
      who: name,
      size,
      command: [...command, verb, String(size)],
    })),
  );
  /** @type {Outcomes} */
  const outcomes = await alternate({
    contestants: sized,
    rounds: options.rounds,
    patience: options.patience,
    measure: ({ command }) => measureProgram(command, { cpu: cpus?.server, timeoutMs: TIMEOUT_MS }),
    report: ({ name }, round, { value, error }) =>
      progress(
        `scale ${verb}, round ${round + 1}/${options.rounds}, ${name}: ${value ? Object.values(value).map(figure).join(', ') : error} ns`,
      ),
  });
  const cases = VERBS[verb].map((key) => [key, casesOf(key, sized, outcomes)]);
  return [Object.fromEntries(cases), [...notes, whyItBends(verb, sized, outcomes)]];
}

/**
 * How much of the time went into the collection of garbage, which grows where the curve bends.
 * @param {string} verb
 * @param {Sized[]} sized
 * @param {Outcomes} outcomes
 */
function whyItBends(verb, sized, outcomes) {
  const parts = [...new Set(sized.map(({ who }) => who))].map((who) => {
    const shares = sized
      .filter((one) => one.who === who)
      .map(({ name, size }) => {
        const share = summarize((outcomes.get(name) ?? []).map(({ value }) => value?.collected))?.median;
        return `${size.toLocaleString('en-US')}: ${share === undefined ? '-' : `${Math.round(share * 100)} %`}`;
      });
    return `${who} ${shares.join(', ')}`;
  });
  return (
    `Where "${verb}" bends: what lives when the young generation is full is copied, and what lives long is copied twice and` +
    ` then marked. Pauses of the collector, as part of the time${verb === 'expiry' ? ' (with creation, and until all are due)' : ''}:` +
    ` ${parts.join('; ')}. What is left of the growth is, in shares that are not measured, what the collector does beside the` +
    ' program, memory that the kernel gives and clears page by page, and memory that is in no cache any more.'
  );
}

/**
 * @param {string} key
 * @param {Sized[]} sized
 * @param {Outcomes} outcomes
 * @returns {Case[]}
 */
function casesOf(key, sized, outcomes) {
  return [...new Set(sized.map(({ size }) => size))].map((size) => ({
    label: size.toLocaleString('en-US'),
    size,
    outcomes: new Map(
      sized
        .filter((one) => one.size === size)
        .map(({ name, who }) => [who, grown(key, name, fewest(sized, who), outcomes)]),
    ),
  }));
}

/**
 * @param {Sized[]} sized
 * @param {string} who
 */
function fewest(sized, who) {
  return /** @type {Sized} */ (sized.find((one) => one.who === who)).name;
}

/**
 * The cost of each round, and what multiple it is of the cost of few in the same round.
 * @param {string} key
 * @param {string} name
 * @param {string} few
 * @param {Outcomes} outcomes
 */
function grown(key, name, few, outcomes) {
  return (outcomes.get(name) ?? []).map(({ value, error }, round) => {
    const ns = value?.[key];
    if (ns === undefined) return { error: error ?? 'no figure' };
    const base = outcomes.get(few)?.[round]?.value?.[key];
    return { value: { ns, ...(base !== undefined && { growth: ns / base }) } };
  });
}

/**
 * @param {Record<string, Case[]>} measured
 * @param {string[]} notes
 */
function tasksTable({ tasks = [] }, notes) {
  return taskTable({
    title: 'Tasks by their number',
    method:
      'CPU time per task: so many are created, each gives way once (sleep(0), `await null`) and returns 1, and each result is' +
      ` waited for. "x ${tasks[0]?.label}": the multiple of the cost at ${tasks[0]?.label} in the same round.`,
    caseName: 'tasks',
    figures: { ns: 'CPU ns/task', growth: `x ${tasks[0]?.label}` },
    compared: ['ns'],
    cases: tasks,
    notes,
    plots: curve('scale-tasks', 'Tasks by their number', 'task', tasks),
  });
}

/**
 * @param {Record<string, Case[]>} measured by what becomes of them
 * @param {string[]} notes
 */
function timersTable(measured, notes) {
  const few = Object.values(measured)[0]?.[0]?.label;
  return taskTable({
    title: 'Timers by their number',
    method:
      'CPU time per timer: so many are created 10 s ahead with ten different delays, then all cancelled in that order; others' +
      ' are created 1 or 2 ms ahead and, when all are due, the loop runs them. callLater, setTimeout.' +
      ` "x ${few}": the multiple of the cost at ${few} in the same round.`,
    caseName: 'timers',
    figures: { ns: 'CPU ns/timer', growth: `x ${few}` },
    compared: ['ns'],
    cases: Object.entries(measured).flatMap(([kind, cases]) =>
      cases.map((one) => ({ ...one, label: `${one.label} ${kind}` })),
    ),
    notes,
    plots: Object.entries(measured).flatMap(([kind, cases]) =>
      curve(`scale-${kind}`, `Timers ${kind}, by their number`, 'timer', cases),
    ),
  });
}

/**
 * @param {string} file
 * @param {string} title
 * @param {string} what
 * @param {Case[]} cases
 * @returns {import('../harness/plot.js').Plot[]} none of a single size
 */
function curve(file, title, what, cases) {
  const values = cases.map(({ size }) => size);
  const y = { label: `CPU nanoseconds per ${what} (log)`, log: true };
  const plot = { file, title, x: { label: `${what}s (log)`, values }, y, series: series(cases, 'ns') };
  return cases.length > 1 ? [{ ...plot, kind: 'lines' }] : [];
}
