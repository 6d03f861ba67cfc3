// Runs the whole test suite once for each selector this machine has.

import { spawnSync } from 'node:child_process';
import { Selector } from 'coreactor';

for (const name of Selector.available) {
  console.log(`\nselector: ${name}`);
  const { status } = spawnSync('npx', ['vitest', 'run'], {
    stdio: 'inherit',
    env: { ...process.env, COREACTOR_SELECTOR: name },
    timeout: 600_000,
  });
  if (status !== 0) process.exit(status ?? 1);
}
