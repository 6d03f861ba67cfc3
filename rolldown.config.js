// Joins the modules that tsc has emitted into one file, and the test kit into a second one that imports the first: there
// must be one kernel only, since what runs right now is a variable of its. Loading thirty modules would cost a process
// more than starting Node does (a quarter of its CPU time); joined they are a tenth of that. And a variable of another
// file costs each step of a task more than one of its own. Comments are left out; the source maps lead to them.

import { defineConfig } from 'rolldown';

export default defineConfig({
  input: { coreactor: 'dist/index.js', testing: 'dist/testing/index.js' },
  platform: 'node',
  preserveEntrySignatures: 'allow-extension',
  output: {
    dir: 'dist/bundle',
    format: 'esm',
    entryFileNames: '[name].js',
    comments: false,
    sourcemap: true,
    codeSplitting: { groups: [{ name: 'coreactor', test: /dist.(?!testing)/ }] },
  },
});
