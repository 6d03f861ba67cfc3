// The files that --json writes: those of a new run, and the committed ones, as git has them, so that a run which was
// written over them can be compared too.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { UsageError } from '../harness/options.js';

/**
 * @typedef {object} Report
 * @property {string} file
 * @property {string} date
 * @property {string} command
 * @property {{ cpu: string, cores?: number, kernel?: string, commit: string, versions: Record<string, string> }} machine
 * @property {Partial<import('../harness/options.js').Options>} [options]
 * @property {Record<string, { title: string, data: any }[]>} results by bench
 */

const FOLDER = 'docs/bench';
const root = new URL('../../', import.meta.url);

/**
 * @param {string} file
 * @returns {Report[]} one for each bench in it
 */
export function readReports(file) {
  return parse(file, () => readFileSync(file, 'utf8'));
}

/**
 * The newest committed figures of each bench.
 * @returns {Report[]}
 */
export function committedReports() {
  const reports = git('ls-tree', '--name-only', 'HEAD', `${FOLDER}/`)
    .split('\n')
    .filter((path) => path.endsWith('.json'))
    .flatMap((path) => parse(path, () => git('show', `HEAD:${path}`)));
  const newest = (/** @type {string} */ bench) =>
    reports.filter(({ results }) => bench in results).sort((a, b) => (a.date < b.date ? 1 : -1))[0];
  return reports.filter((report) => Object.keys(report.results).some((bench) => newest(bench) === report));
}

/**
 * @param {string} file
 * @param {() => string} read
 * @returns {Report[]}
 */
function parse(file, read) {
  try {
    const { benches } = JSON.parse(read());
    if (typeof benches !== 'object') throw new Error('no benches in it');
    return Object.entries(benches).map(([bench, { tables, ...part }]) => ({
      ...part,
      file,
      results: { [bench]: tables },
    }));
  } catch (error) {
    throw new UsageError(`${file} is no file that --json has written: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string[]} args */
function git(...args) {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 });
  } catch {
    throw new UsageError('the committed figures are read through git: name others with --against');
  }
}
