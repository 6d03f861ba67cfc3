// Names that are slow to look up, or have several addresses, on any machine: see names.c, which it compiles.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

/** What to put before a command that is to know such names. Removed when the tests of the file are over. */
export function knowingNames(): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-names-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const library = join(folder, 'names.so');
  const source = fileURLToPath(new URL('names.c', import.meta.url));
  execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-Werror', '-o', library, source, '-ldl']);
  const before = process.env.LD_PRELOAD; // a sanitizer's runtime, which must come first
  return ['env', `LD_PRELOAD=${before === undefined ? '' : `${before}:`}${library}`];
}
