// Runs the tests that use a real selector once for each that this machine has.

import { spawnSync } from 'node:child_process';
import { Selector } from 'coreactor';

for (const name of Selector.available) {
  console.log(`\nselector: ${name}`);
  const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'real'], {
    stdio: 'inherit',
    env: { ...process.env, COREACTOR_SELECTOR: name },
    timeout: 600_000,
  });
  if (status !== 0) process.exit(status ?? 1);
}
