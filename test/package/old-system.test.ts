// A release is built on an old system, and runs on new ones: there it must have all that they offer.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test.skipIf(process.platform !== 'linux')('io_uring is compiled in, whatever the headers know of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-headers-'));
  try {
    mkdirSync(join(folder, 'linux'));
    writeFileSync(join(folder, 'linux', 'io_uring.h'), '');
    const probe = join(folder, 'probe.cc');
    writeFileSync(probe, '#include "ring.h"\n#ifndef COREACTOR_HAVE_IO_URING\n#error io_uring is left out\n#endif\n');
    const files = [probe, 'native/ring.cc', 'native/selectors/requests.cc', 'native/selectors/io_uring.cc'];
    const options = ['-std=c++17', '-fsyntax-only', '-I', folder, '-I', 'native'];
    const { status, stderr } = spawnSync('c++', [...options, ...files], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('nothing is left out by the age of the C library: what it lacks is called by number, or looked up', () => {
  for (const file of readdirSync('native', { recursive: true, encoding: 'utf8' })) {
    if (!/\.(cc|h)$/.test(file) || /^(test|build)/.test(file)) continue;
    expect(readFileSync(`native/${file}`, 'utf8'), file).not.toMatch(/#\s*(ifdef|if.*defined).*(SYS_|__NR_|__GLIBC)/);
  }
});
