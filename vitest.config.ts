import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Who asks for guests gets a run() that makes one, wherever the package's index.ts names it.
const guestRunner = fileURLToPath(new URL('test/support/guest-runner.ts', import.meta.url));
const asGuest = process.env.COREACTOR_TEST_HOST === 'guest';
const alias = asGuest ? [{ find: /^\.\/hosts\/runner\.ts$/, replacement: guestRunner }] : [];

// What runs on simulated selectors only (or on none), and so is the same whatever the real one. It is held to that: here
// nobody gets a real one.
const files = (...folders: string[]): string[] => folders.map((folder) => `test/${folder}/**/*.test.ts`);
const simulated = [...files('kernel', 'sync', 'compose', 'testing', 'bench'), 'test/threads/shared-ring.test.ts'];
// What is made of the whole, and looks for itself what it runs on.
const packed = files('package', 'runtimes');

export default defineConfig({
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
      { extends: true, test: { name: 'packed', include: packed } },
      {
        extends: true,
        resolve: { alias },
        test: { name: 'real', include: ['test/**/*.test.ts'], exclude: [...simulated, ...packed] },
      },
    ],
  },
});
