// npm run bench -- NAMES...: runs the named benches, prints their tables, and writes JSON and plots if asked.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bench as echo } from './echo/echo.js';
import { chooseCpus, describeMachine, machineLine } from './harness/machine.js';
import { help, parseOptions, UsageError } from './harness/options.js';
import { draw } from './harness/plot.js';
import { findRuntimes } from './harness/runtimes.js';
import { format } from './harness/table.js';
import { bench as start } from './start/start.js';
import { bench as sync } from './sync/sync.js';
import { bench as memory } from './tasks/memory.js';
import { bench as spawn } from './tasks/spawn.js';
import { bench as switching } from './tasks/switch.js';
import { bench as timers } from './tasks/timers.js';

/**
 * @typedef {object} Context what every bench is given
 * @property {import('./harness/options.js').Options} options
 * @property {import('./harness/runtimes.js').Runtimes} runtimes
 * @property {{ server: number, load: number } | undefined} cpus
 * @property {(line: string) => void} progress
 */
/** @typedef {{ summary: string, run(context: Context): Promise<import('./harness/table.js').Table[]> }} Bench */

/** @type {Record<string, Bench>} */
const benches = { echo, switch: switching, spawn, timers, memory, sync, start };

/** @param {string} line */
function progress(line) {
  process.stderr.write(`${line}\n`);
}

/** @param {string[]} argv */
async function main(argv) {
  const { names, help: wanted, options } = parseOptions(argv);
  if (wanted || names.length === 0) return console.log(help(benches));
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

  /** @type {Record<string, import('./harness/table.js').Table[]>} */
  const results = {};
  for (const name of chosen) {
    const tables = await /** @type {Bench} */ (benches[name]).run({ options, runtimes, cpus, progress });
    for (const table of tables) console.log(format(table));
    results[name] = tables;
    await save(); // after each bench: a long run that is broken off keeps what it had
  }

  async function save() {
    if (options.json !== undefined) {
      const report = { date, command, machine, notFound: runtimes.missing, cpus, options, results: forJson(results) };
      await writeFile(options.json, `${JSON.stringify(report, null, 1)}\n`);
    }
    if (options.plot !== undefined) {
      await mkdir(options.plot, { recursive: true });
      const caption = `${machineLine(machine)}; ${date.slice(0, 10)}; commit ${machine.commit}`;
      for (const plot of Object.values(results).flatMap((tables) => tables.flatMap(({ plots = [] }) => plots))) {
        await writeFile(join(options.plot, `${plot.file}.svg`), draw(plot, caption));
      }
    }
  }
}

/** @param {Record<string, import('./harness/table.js').Table[]>} results */
function forJson(results) {
  return Object.fromEntries(
    Object.entries(results).map(([name, tables]) => [
      name,
      tables.map(({ title, method, header, rows, notes, data }) => ({ title, method, header, rows, notes, data })),
    ]),
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\nTry: npm run bench -- --help` : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
