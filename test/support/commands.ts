// Which programs of the system a test may use. One that is missing makes the test a skipped one, with the reason in its title.

import { spawnSync } from 'node:child_process';
import { test } from 'vitest';

/** For programs that are not ours: without the runtime of a sanitizer, in which they may hang. */
export const foreign = { env: { ...process.env, LD_PRELOAD: '' } };

export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

/** As test(), but skipped where one of the programs is missing. */
export function testWith(commands: string[], title: string, body: () => Promise<void>, limitMs?: number): void {
  const missing = commands.filter((command) => !has(command));
  if (missing.length === 0) test(title, body, limitMs);
  else test.skip(`${title} [skipped: no ${missing.join(', no ')} on this machine]`, body);
}
