import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const guestRunner = fileURLToPath(new URL('test/support/guest-runner.ts', import.meta.url));

// What runs on simulated selectors only (or on none), and so is the same whatever the real one. It is held to that: here
// nobody gets a real one.
const simulated = ['kernel', 'sync', 'compose', 'testing', 'bench'].map((layer) => `test/${layer}/**/*.test.ts`);

export default defineConfig({
  plugins: [
    {
      name: 'run() as a guest',
      resolveId(source, importer) {
        const wanted = process.env.COREACTOR_TEST_HOST === 'guest' && importer?.endsWith('/src/index.ts');
        return wanted && source === './hosts/runner.ts' ? guestRunner : null;
      },
    },
  ],
  test: {
    setupFiles: ['test/support/watch.ts'],
    // One process per file: run() blocks its thread, and descriptor counts must be a file's own.
    pool: 'forks',
    execArgv: ['--expose-gc'],
    // Two at a time: most tests wait more than they compute.
    maxWorkers: 2,
    testTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'simulated', include: simulated, env: { COREACTOR_SELECTOR: 'none' } } },
      { extends: true, test: { name: 'real', include: ['test/**/*.test.ts'], exclude: simulated } },
    ],
  },
});
