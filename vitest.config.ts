import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const guestRunner = fileURLToPath(new URL('test/support/guest-runner.ts', import.meta.url));

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
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/watch.ts'],
    // One process per file: run() blocks its thread, and descriptor counts must be a file's own.
    pool: 'forks',
    execArgv: ['--expose-gc'],
    // Two at a time: most tests wait more than they compute.
    maxWorkers: 2,
    testTimeout: 30_000,
  },
});
