// npm run bench -- NAMES...: runs the named benches, prints their tables, and writes JSON and plots if asked.
// npm run bench -- page: the page of figures anew, from figures.json.
// npm run bench -- compare [FILE...]: what such JSON has changed against the committed one; without one, what "all" says now.

import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench as accept } from './accept/accept.js';
import { compare, SUMMARY } from './compare/compare.js';
import { bench as echo } from './echo/echo.js';
import { bench as latency } from './echo/latency.js';
import { bench as sizes } from './echo/sizes.js';
import { chooseCpus, describeMachine, machineLine } from './harness/machine.js';
import { help, parseOptions, UsageError } from './harness/options.js';
import { findRuntimes } from './harness/runtimes.js';
import { format } from './harness/table.js';

import { bench as idle } from './idle/idle.js';

import { bench as node } from './node/node.js';
import { drawAll, publish } from './page/page.js';

import { bench as scale } from './scale/scale.js';
import { bench as start } from './start/start.js';
import { bench as sync } from './sync/sync.js';
import { bench as memory } from './tasks/memory.js';
import { bench as spawn } from './tasks/spawn.js';
import { bench as switching } from './tasks/switch.js';
import { bench as timers } from './tasks/timers.js';
import { bench as units } from './units/units.js';

/**
 * @typedef {object} Context what every bench is given
 * @property {import('./harness/options.js').Options} options
 * @property {import('./harness/runtimes.js').Runtimes} runtimes
 * @property {{ server: number, load: number } | undefined} cpus
 * @property {(line: string) => void} progress
 */
/** @typedef {{ summary: string, run(context: Context): Promise<import('./harness/table.js').Table[]> }} Bench */

/** @type {Record<string, Bench>} */
const benches = {
  echo,
  latency,
  sizes,
  accept,
  idle,
  switch: switching,
  spawn,
  timers,
  memory,
  sync,
  scale,
  units,
  start,
  node,
};

/** @param {string} line */
function progress(line) {
  process.stderr.write(`${line}\n`);
}

/** @param {string[]} argv */
async function main(argv) {
  const { names, help: wanted, options } = parseOptions(argv);
  if (wanted || names.length === 0)
    return console.log(
      help(benches, { 'compare [FILE...]': SUMMARY, page: 'writes the page anew from the figures that are there' }),
    );
  if (names[0] === 'compare') {
    if (names.length > 1) return console.log(compare(names.slice(1), options));
    return measureAndCompare(argv.filter((argument) => argument !== 'compare'), options); // biome-ignore format: one call
  }
  if (names[0] === 'page') return publish(options.docs ?? 'docs', {}, Object.keys(benches));
  const chosen = names.includes('all') ? Object.keys(benches) : names;
  const unknown = chosen.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0) throw new UsageError(`no bench "${unknown[0]}": ${Object.keys(benches).join(', ')}, or all`);

  if (process.platform !== 'linux') throw new UsageError('the benches pin, measure and compare with epoll: Linux only');

  const date = new Date().toISOString();
  const runtimes = await findRuntimes(options);
  const machine = describeMachine(runtimes.versions);
  const command = `npm run bench -- ${argv.join(' ')}`;
  const cpus = chooseCpus();
  console.log(`${machineLine(machine)}\n\n    ${command}\n`);
  if (runtimes.missing.length > 0) console.log(`Not found: ${runtimes.missing.join('; ')}.\n`);

  /** @type {import('./page/page.js').Figures} */
  const parts = {};
  for (const name of chosen) {
    const begun = performance.now();
    const tables = await /** @type {Bench} */ (benches[name]).run({ options, runtimes, cpus, progress });
    for (const table of tables) console.log(format(table));
    const seconds = Math.round((performance.now() - begun) / 1000);
    parts[name] = { date, command, machine, notFound: runtimes.missing, options, seconds, tables };
    await save(name, tables); // after each bench: a long run that is broken off keeps what it had
  }

  /**
   * @param {string} name
   * @param {import('./harness/table.js').Table[]} tables
   */
  async function save(name, tables) {
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify({ benches: parts })}\n`);
    if (options.plot !== undefined) await drawAll(tables, machine, date, options.plot);
    if (options.docs !== undefined) {
      await publish(options.docs, { [name]: /** @type {any} */ (parts[name]) }, Object.keys(benches));
    }
  }
}

/**
 * @param {string[]} argv
 * @param {import('./harness/options.js').Options} options
 */
async function measureAndCompare(argv, options) {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-bench-'));
  try {
    const file = options.json ?? join(folder, 'all.json');
    await main(['all', ...argv, ...(options.json === undefined ? ['--json', file] : [])]);
    console.log(compare([file], options));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\nTry: npm run bench -- --help` : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
