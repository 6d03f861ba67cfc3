// The page of figures: everything the benches have measured on one machine, in one Markdown file beside the raw figures
// and the plots. A bench that is run again replaces its own part and leaves the others.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { machineLine } from '../harness/machine.js';
import { draw } from '../harness/plot.js';
import { format } from '../harness/table.js';
import { leads } from './leads.js';
import { peersTable } from './peers.js';

/**
 * @typedef {object} Part what one run of one bench has given
 * @property {string} date
 * @property {string} command
 * @property {ReturnType<typeof import('../harness/machine.js').describeMachine>} machine
 * @property {string[]} notFound
 * @property {import('../harness/options.js').Options} options
 * @property {number} [seconds] how long it took
 * @property {import('../harness/table.js').Table[]} tables
 */
/** @typedef {Record<string, Part>} Figures by the name of the bench */

const FIGURES = 'bench/figures.json';

/** @param {string} file @returns {Promise<Figures>} */
export async function readFigures(file) {
  return JSON.parse(await readFile(file, 'utf8')).benches ?? {};
}

/**
 * Adds the parts to those in the folder and writes figures, plots and the page.
 * @param {string} folder
 * @param {Figures} parts
 * @param {string[]} order names of all benches, as they are to stand on the page
 */
export async function publish(folder, parts, order) {
  await mkdir(join(folder, 'bench'), { recursive: true });
  const before = await readFigures(join(folder, FIGURES)).catch(() => ({}));
  /** @type {Figures} */
  const all = { ...before, ...parts };
  await writeFile(join(folder, FIGURES), `${JSON.stringify({ benches: all })}\n`);
  await writeFile(join(folder, 'bench.md'), compose(all, order));
  for (const { machine, date, tables } of Object.values(parts))
    await drawAll(tables, machine, date, join(folder, 'bench'));
}

/**
 * @param {import('../harness/table.js').Table[]} tables
 * @param {Part['machine']} machine
 * @param {string} date
 * @param {string} folder
 */
export async function drawAll(tables, machine, date, folder) {
  await mkdir(folder, { recursive: true });
  const caption = `${machineLine(machine)}; ${date.slice(0, 10)}; commit ${machine.commit}`;
  for (const plot of tables.flatMap(({ plots = [] }) => plots)) {
    await writeFile(join(folder, `${plot.file}.svg`), draw(plot, caption));
  }
}

/**
 * @param {Figures} figures
 * @param {string[]} order
 */
function compose(figures, order) {
  const names = order.filter((name) => figures[name] !== undefined);
  const parts = names.map((name) => /** @type {const} */ ([name, /** @type {Part} */ (figures[name])]));
  return [
    '# Figures of one machine',
    '',
    'Made by `npm run bench -- all --docs docs`: the tables and plots from what it has measured, with the command, the machine',
    'and the versions of each part; the sentences are those of the tool. The figures of every round are in',
    '[figures.json](bench/figures.json), the method and its limits in [bench/README.md](../bench/README.md). Every ratio',
    'compares with peers measured in the same run,',
    'alternating, each round begun by another one; "min–max" is the spread over the rounds. Repeat it on your machine, and',
    'let `npm run bench -- compare` say what differs beyond noise.',
    '',
    howLong(parts.map(([, part]) => part)),
    '',
    '## Who is ahead of us',
    '',
    ...leads(parts),
    '',
    '## The contestants',
    '',
    peersTable(),
    '',
    ...parts.flatMap(([name, part]) => section(name, part)),
  ].join('\n');
}

/** @param {Part[]} parts */
function howLong(parts) {
  const runs = new Set(parts.map(({ date }) => date)).size;
  const minutes = (parts.reduce((sum, { seconds = 0 }) => sum + seconds, 0) / 60).toFixed(1);
  return runs === 1
    ? `All of it is from one run, which took ${minutes} minutes.`
    : `Its parts are from ${runs} runs, as their dates and commits tell.`;
}

/**
 * @param {string} name
 * @param {Part} part
 */
function section(name, { date, command, machine, notFound, seconds, tables }) {
  const versions = Object.entries(machine.versions)
    .map(([who, version]) => `${who} ${version}`)
    .join('; ');
  return [
    `## ${name}`,
    '',
    `${machineLine(machine)}. ${date.slice(0, 10)}, commit ${machine.commit}${seconds === undefined ? '' : `, ${seconds} s`}.`,
    `${versions}.${notFound.length > 0 ? ` Not found: ${notFound.join('; ')}.` : ''}`,
    '',
    `    ${command}`,
    '',
    ...tables.flatMap((table) => [
      format(table),
      ...(table.plots ?? []).flatMap(({ file, title }) => [`![${title}](bench/${file}.svg)`, '']),
    ]),
  ];
}
