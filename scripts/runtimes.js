// One addon in every runtime: the smoke suite in Node 20 to 26, Bun and Deno, each from its npm package.
//
//   npm run test:runtimes [-- node22 bun ...]
//
// The runtimes are kept in .cache/runtimes. The README's table must have a column for each.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';

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
const readme = readFileSync('README.md', 'utf8');
let failed = 0;
for (const [name, { packages, command, title }] of Object.entries(RUNTIMES)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n== ${title}`);
  const folder = `.cache/runtimes/${name}`;
  const program = `${folder}/node_modules/.bin/${command[0]}`;
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    call('npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', '--silent', packages);
  }
  const { status } = call(program, ...command.slice(1), 'test/runtimes/smoke.js');
  if (status !== 0) failed++;
  if (!readme.includes(`| ${title} `)) {
    console.error(`the README's table says nothing of ${title}`);
    failed++;
  }
}
process.exit(failed === 0 ? 0 : 1);

/** @param {string} command @param {string[]} args */
function call(command, ...args) {
  return spawnSync(command, args, { stdio: 'inherit', timeout: 120_000, killSignal: 'SIGKILL' });
}
