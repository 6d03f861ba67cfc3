// One addon in every runtime: the smoke suite in Node 20 to 26, Bun and Deno, each from its npm package.
//
//   npm run test:runtimes [-- node22 bun ...]
//
// The runtimes are kept in .cache/runtimes. The README's table must have a row for each, whose cells say what was seen.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { disagreements, readReport, readTable } from '../test/runtimes/table.js';

/** @type {Record<string, { packages: string, command: string[], title: string }>} */
const RUNTIMES = {
  node20: { packages: 'node@20', command: ['node'], title: 'Node 20' },
  node22: { packages: 'node@22', command: ['node'], title: 'Node 22' },
  node24: { packages: 'node@24', command: ['node'], title: 'Node 24' },
  node26: { packages: 'node@26', command: ['node'], title: 'Node 26' },
  bun: { packages: 'bun@1', command: ['bun'], title: 'Bun' },
  deno: { packages: 'deno@2', command: ['deno', 'run', '--allow-all', '--quiet'], title: 'Deno' },
};

const asked = process.argv.slice(2);
const table = readTable(readFileSync('README.md', 'utf8'));
const titles = Object.values(RUNTIMES).map(({ title }) => title);
/** @type {string[]} */
const wrong = [...table.keys()]
  .filter((title) => !titles.includes(title))
  .map((title) => `the README's table has a row for ${title}, in which nothing was tried`);
let seen = 0;
for (const [name, { packages, command, title }] of Object.entries(RUNTIMES)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n== ${title}`);
  const folder = `.cache/runtimes/${name}`;
  const program = `${folder}/node_modules/.bin/${command[0]}`;
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    call('npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', '--silent', packages);
  }
  const output = call(program, ...command.slice(1), 'test/runtimes/smoke.js');
  console.log(output);
  try {
    const report = readReport(output);
    for (const { passed, failed } of report.values()) seen += passed.length + failed.length;
    wrong.push(...disagreements(title, table, report));
  } catch (error) {
    wrong.push(`${title}: ${/** @type {Error} */ (error).message}`);
  }
}
for (const each of wrong) console.error(each);
// A case that fails where the table says so is as it should be.
console.log(
  `test cases: ${seen} | ${seen - wrong.length} passed | ${wrong.length} failed (as the README's table has it)`,
);
process.exit(wrong.length === 0 ? 0 : 1);

/** Gives what it prints. @param {string} command @param {string[]} args */
function call(command, ...args) {
  const settings = /** @type {const} */ ({ encoding: 'utf8', timeout: 120_000, killSignal: 'SIGKILL' });
  return spawnSync(command, args, { ...settings, stdio: ['inherit', 'pipe', 'inherit'] }).stdout ?? '';
}
