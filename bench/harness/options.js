// The command line of the benches: one table that parses and documents itself.

import { parseArgs } from 'node:util';

/**
 * What each option is: how its text becomes a value, the default, the default of "all" if that is another (so that it is
 * done within half an hour), and the help.
 */
const OPTIONS = {
  peers: {
    parse: names,
    initial: undefined,
    help: 'only these peers: c-uring,c-libuv,node,bun,deno,uvloop,asyncio,go,go-copy,npm or none',
  },
  selector: { parse: names, initial: undefined, help: 'selectors of ours, e.g. epoll,poll,select: a row for each' },
  connections: {
    parse: counts,
    initial: undefined,
    help: 'echo, idle: numbers of connections (default 1,50,1000,9000 and 1000,9000); accept: at a time (default 64)',
  },
  sizes: { parse: counts, initial: undefined, help: 'echo, sizes: message sizes in bytes' },
  rounds: { parse: count, initial: 5, ofAll: 3, help: 'rounds, each with every contestant (start: at least 20)' },
  seconds: { parse: positive, initial: 2, ofAll: 0.4, help: 'echo, accept: length of the measured window' },
  warmup: { parse: positive, initial: 1, ofAll: 0.4, help: 'echo, accept: load before the window, in seconds' },
  patience: {
    parse: positive,
    initial: undefined,
    ofAll: 5,
    help: 'task benches: who takes more seconds in one round of a case is left out of its further rounds',
  },
  tasks: {
    parse: counts,
    initial: undefined,
    help: 'switch, memory, scale: numbers of tasks; sync, timers: one number',
  },
  json: { parse: text, initial: undefined, help: 'write every figure to this file' },
  against: { parse: names, initial: undefined, help: 'compare: these files instead of the committed figures' },
  plot: { parse: text, initial: undefined, help: 'write an SVG of each table into this folder' },
  docs: {
    parse: text,
    initial: undefined,
    help: 'write the page of figures (FOLDER/bench.md) and what belongs to it into this folder',
  },
  bun: { parse: text, initial: undefined, help: 'path of bun, if it is not on PATH' },
  deno: { parse: text, initial: undefined, help: 'path of deno' },
  go: { parse: text, initial: undefined, help: 'path of go' },
  python: { parse: text, initial: undefined, help: 'path of a python3 (for asyncio, and uvloop if it has it)' },
};

/**
 * @typedef {object} Options
 * @property {string[] | undefined} peers
 * @property {string[] | undefined} selector
 * @property {number[] | undefined} connections
 * @property {number[] | undefined} sizes
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmup
 * @property {number | undefined} patience
 * @property {number[] | undefined} tasks
 * @property {string | undefined} json
 * @property {string[] | undefined} against
 * @property {string | undefined} plot
 * @property {string | undefined} docs
 * @property {string | undefined} bun
 * @property {string | undefined} deno
 * @property {string | undefined} go
 * @property {string | undefined} python
 */

/** An error that the user can mend: its message is all that is needed. */
export class UsageError extends Error {}

/** @param {string} value */
function text(value) {
  return value;
}

/** @param {string} value */
function names(value) {
  return value.split(',').map((name) => name.trim());
}

/**
 * @param {string} value
 * @param {string} option
 */
function positive(value, option) {
  const number = Number(value);
  if (!(number > 0 && number <= 3600)) throw new UsageError(`--${option} takes a number above 0, not "${value}"`);
  return number;
}

/**
 * @param {string} value '1000', '1k', '1M'
 * @param {string} option
 */
function count(value, option) {
  const [, digits, unit = ''] = /^(\d+)([kM]?)$/.exec(value) ?? [];
  const number = Number(digits) * ({ k: 1000, M: 1_000_000 }[unit] ?? 1);
  if (!(number >= 1)) throw new UsageError(`--${option} takes whole numbers above 0, not "${value}"`);
  return number;
}

/**
 * @param {string} value
 * @param {string} option
 */
function counts(value, option) {
  return names(value).map((item) => count(item, option));
}

/**
 * @param {string[]} argv
 * @returns {{ names: string[], help: boolean, options: Options }}
 */
export function parseOptions(argv) {
  /** @type {Record<string, { type: 'string' } | { type: 'boolean', short: string }>} */
  const table = { help: { type: 'boolean', short: 'h' } };
  for (const name of Object.keys(OPTIONS)) table[name] = { type: 'string' };
  let parsed;
  try {
    parsed = parseArgs({ args: argv, options: table, allowPositionals: true });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
  /** @type {Record<string, unknown>} */
  const options = {};
  const all = parsed.positionals.includes('all');
  for (const [name, { parse, initial, ...more }] of Object.entries(OPTIONS)) {
    const given = parsed.values[name];
    const byDefault = all && 'ofAll' in more ? more.ofAll : initial;
    options[name] = typeof given === 'string' ? parse(given, name) : byDefault;
  }
  return {
    names: parsed.positionals,
    help: parsed.values.help === true,
    options: /** @type {Options} */ (/** @type {unknown} */ (options)),
  };
}

/**
 * @param {Record<string, { summary: string }>} benches
 * @param {Record<string, string>} commands that are no bench
 */
export function help(benches, commands) {
  const line = (/** @type {string} */ name, /** @type {string} */ words) => `  ${name.padEnd(15)} ${words}`;
  return [
    'npm run bench -- NAMES... [OPTIONS]',
    '',
    'Benches (or "all"):',
    ...Object.entries(benches).map(([name, { summary }]) => line(name, summary)),
    '',
    'Instead of benches:',
    ...Object.entries(commands).map(([name, summary]) => line(name, summary)),
    '',
    'Options:',
    ...Object.entries(OPTIONS).map(([name, { help, initial, ...more }]) => {
      const ofAll = 'ofAll' in more ? `, ${more.ofAll} with "all"` : '';
      const byDefault = initial === undefined && ofAll === '' ? '' : ` (default ${initial ?? 'none'}${ofAll})`;
      return line(`--${name}`, help + byDefault);
    }),
    '',
    'Method: bench/README.md',
  ].join('\n');
}
