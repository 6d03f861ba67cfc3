// Compiles what the benches need (C programs in native/, Go programs) into bench/.build, once per change of the source.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { UsageError } from './options.js';

const run = promisify(execFile);
const bench = new URL('../', import.meta.url);
const folder = new URL('.build/', bench);

export const C_COMPILER = process.env.CC || 'cc';
export const C_FLAGS = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror'];

/** @type {Map<string, Promise<string>>} one build per program and run */
const builds = new Map();

/**
 * Compiles native/NAME.c and gives the path of the program.
 * @param {string} name
 * @param {{ libraries?: string[], onFailure?: string }} [options]  onFailure: what to do, for the error
 */
export function compile(name, { libraries = [], onFailure = '' } = {}) {
  return once(`c-${name}`, async () => {
    const source = new URL(`native/${name}.c`, bench).pathname;
    const headers = (await readdir(new URL('native/', bench))).filter((file) => file.endsWith('.h'));
    const sources = [source, ...headers.map((file) => new URL(`native/${file}`, bench).pathname)];
    const flags = [...C_FLAGS, ...libraries];
    return cached(name, sources, [C_COMPILER, ...flags], onFailure, (program) => [
      C_COMPILER,
      ...C_FLAGS,
      '-o',
      program,
      source,
      ...libraries,
    ]);
  });
}

/**
 * Compiles one Go file and gives the path of the program.
 * @param {string} go the go command
 * @param {URL} source
 */
export function compileGo(go, source) {
  const name = `go-${source.pathname.split('/').at(-1)?.replace('.go', '')}`;
  return once(name, () =>
    cached(name, [source.pathname], [go, 'build'], '', (program) => [go, 'build', '-o', program, source.pathname]),
  );
}

/**
 * @param {string} key
 * @param {() => Promise<string>} build
 */
function once(key, build) {
  const running = builds.get(key) ?? build();
  builds.set(key, running);
  return running;
}

/**
 * @param {string} name
 * @param {string[]} sources
 * @param {string[]} recipe what else the program depends on
 * @param {string} onFailure
 * @param {(program: string) => string[]} command
 */
async function cached(name, sources, recipe, onFailure, command) {
  const hash = createHash('sha256').update(recipe.join(' '));
  for (const source of sources) hash.update(await readFile(source));
  const program = new URL(`${name}-${hash.digest('hex').slice(0, 12)}`, folder).pathname;
  if (await exists(program)) return program;
  await mkdir(folder, { recursive: true });
  const fresh = `${program}.${process.pid}`; // two harnesses at once must not see half a program
  const [file, ...args] = command(fresh);
  try {
    await run(/** @type {string} */ (file), args, { timeout: 120_000 });
  } catch (error) {
    const { stderr, message } = /** @type {any} */ (error);
    throw new UsageError(`${name} could not be compiled${onFailure && `: ${onFailure}`}\n${stderr || message}`);
  }
  await rename(fresh, program);
  return program;
}

/** @param {string} path */
async function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}
