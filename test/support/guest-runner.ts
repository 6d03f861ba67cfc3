// run() as a guest, for the whole suite (COREACTOR_TEST_HOST=guest): everything of runPromise(), on the loop of Node
// itself, whose passes are made from here until the end, since run() returns only then. So promises do not settle
// meanwhile. COREACTOR_HOST=thread has its meaning here too.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GuestLoop } from '../../src/hosts/guest-loop.ts';
import { type Host, runtimeHost } from '../../src/hosts/host.ts';
import { loopOptions, openSelector, type RunOptions } from '../../src/hosts/options.ts';
import { run as runBlocking } from '../../src/hosts/runner.ts';
import { here } from '../../src/kernel/here.ts';
import type { Main } from '../../src/kernel/operation.ts';

export { Runner } from '../../src/hosts/runner.ts';

const pass = compilePass();

/** Makes one pass of this thread's loop: see pass.c. */
function compilePass(): (waits: boolean) => void {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-pass-'));
  const library = join(folder, 'pass.node');
  const source = fileURLToPath(new URL('pass.c', import.meta.url));
  const module = { exports: {} };
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-o', library, source]);
    process.dlopen(module, library, constants.dlopen.RTLD_NOW);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return module.exports as (waits: boolean) => void;
}

export function run<T>(main: Main<T>, options: RunOptions = {}): T {
  if (here.kernel !== null) return runBlocking(main, options); // which refuses it
  const selector = openSelector(main, options);
  // The test runner keeps this process busy for ever, so that it is idle must be seen here: a pass has found nothing.
  let idle: (() => void) | null = null;
  const host: Host = {
    ...runtimeHost,
    whenIdle: (fn) => {
      idle = fn;
      return () => {
        idle = null;
      };
    },
  };
  let over = false;
  let failure: unknown;
  let loop: GuestLoop<T>;
  try {
    loop = new GuestLoop(host, selector, loopOptions(options), main, options.name, (error) => {
      over = true;
      failure = error;
    });
  } catch (error) {
    selector.close();
    throw error;
  }
  while (!over) {
    pass(idle === null);
    (idle as (() => void) | null)?.();
  }
  if (failure !== undefined) throw failure;
  return loop.task.result();
}
