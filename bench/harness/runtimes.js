// Finds the runtimes of the peers and their versions. What is not found is said, not skipped in silence.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { C_COMPILER } from './build.js';

const run = promisify(execFile);

/** @typedef {{ path: string, version: string }} Runtime */
/** @typedef {'bun' | 'deno' | 'go' | 'python' | 'uvloop'} RuntimeName */
/** @typedef {{ found: Partial<Record<RuntimeName, Runtime>>, missing: string[], versions: Record<string, string> }} Runtimes */

/**
 * @param {string} path
 * @param {string[]} args
 */
async function ask(path, args) {
  try {
    const { stdout, stderr } = await run(path, args, { timeout: 20_000 });
    return (stdout || stderr).trim().split('\n')[0] ?? '';
  } catch {
    return undefined;
  }
}

/**
 * The first of the paths that answers.
 * @param {string[]} paths
 * @param {string[]} args
 * @returns {Promise<Runtime | undefined>}
 */
async function first(paths, args) {
  for (const path of paths) {
    const version = await ask(path, args);
    if (version !== undefined) return { path, version };
  }
  return undefined;
}

/**
 * The first interpreter that can run the statement, by its own path: `python3` may be a script that looks for one.
 * @param {string[]} paths
 * @param {string} statement sets `version`
 */
async function firstPython(paths, statement) {
  const answer = await first(paths, [
    '-c',
    `import sys; ${statement}; print(version + sys.version.split()[0], sys.executable)`,
  ]);
  const [, version = '', path = ''] = /^(.*) (\S+)$/.exec(answer?.version ?? '') ?? [];
  return path === '' ? undefined : { path, version };
}

/**
 * @param {Record<'bun' | 'deno' | 'go' | 'python', string | undefined>} paths  given by the user instead of PATH
 * @returns {Promise<Runtimes>}
 */
export async function findRuntimes(paths) {
  const pythons = paths.python ? [paths.python] : ['python3', '/usr/bin/python3'];
  const uvloop = await firstPython(pythons, 'import uvloop; version = f"uvloop {uvloop.__version__}, Python "');
  // asyncio and uvloop on the same interpreter, or their difference would be one of Python versions
  const python = await firstPython(uvloop ? [uvloop.path] : pythons, 'version = "Python "');
  const found = {
    bun: await first([paths.bun ?? 'bun'], ['--version']),
    deno: await first([paths.deno ?? 'deno'], ['--version']),
    go: await first([paths.go ?? 'go'], ['version']),
    python,
    uvloop,
  };
  const hints = {
    bun: 'Bun (no `bun` on PATH; --bun PATH names one)',
    deno: 'Deno (no `deno` on PATH; --deno PATH names one)',
    go: 'Go (no `go` on PATH; --go PATH names one)',
    python: 'Python (no `python3` on PATH; --python PATH names one)',
    uvloop: `uvloop (cannot be imported by ${pythons.join(' or ')}; --python PATH names another)`,
  };
  /** @type {Runtimes} */
  const result = { found: {}, missing: [], versions: { node: process.version, v8: process.versions.v8 ?? '' } };
  result.versions['libuv in node'] = process.versions.uv ?? '';
  result.versions[C_COMPILER] = (await ask(C_COMPILER, ['--version'])) ?? 'not found';
  for (const name of /** @type {RuntimeName[]} */ (Object.keys(hints))) {
    const runtime = found[name];
    if (runtime === undefined) {
      result.missing.push(hints[name]);
    } else {
      result.found[name] = runtime;
      result.versions[name] = runtime.version;
    }
  }
  return result;
}
