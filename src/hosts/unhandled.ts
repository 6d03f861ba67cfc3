// What happens to an error that nobody handles when the program gave no onUnhandled: it is printed, and the process will
// end with a non-zero code.

import type * as Util from 'node:util';
import type { Unhandled } from '../kernel/kernel.ts';

export function printUnhandled(report: Unhandled): void {
  const name = report.task === null ? 'no task' : report.task.name;
  const heading = {
    task: `coreactor: ${name} failed and nobody has asked for its error`,
    callback: `coreactor: a callback of ${name} threw`,
    warning: `coreactor: a warning in ${name}`,
  }[report.kind];
  const hint = report.kind === 'task' ? `\nCOREACTOR_DEBUG=1 shows where ${name} was created` : '';
  const where = report.createdAt === undefined ? hint : `\n${name} was created:\n${report.createdAt}`;
  const { formatWithOptions } = process.getBuiltinModule('node:util') as typeof Util;
  let error: string;
  try {
    error = formatWithOptions({ colors: process.stderr.isTTY }, report.error);
  } catch {
    error = 'an error that cannot be printed'; // its own inspection throws
  }
  process.stderr.write(`${heading}:\n${error}${where}\n`);
  if (report.kind !== 'warning') process.exitCode ||= 1;
}

/** The program's own handler; if that throws, both errors are printed. */
export function guarded(handler: (report: Unhandled) => void): (report: Unhandled) => void {
  return (report) => {
    try {
      handler(report);
    } catch (error) {
      printUnhandled(report);
      printUnhandled({ ...report, kind: 'callback', error });
    }
  };
}
