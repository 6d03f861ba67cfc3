// A test that blocks its thread for ever would block the whole suite: vitest's own limit needs that thread. Another one
// looks on, says which test it is, and ends the process.

import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach } from 'vitest';

const GRACE = 30_000; // milliseconds; vitest's limit comes first wherever it can
const LONGEST = 1024; // bytes of a title

const memory = new SharedArrayBuffer(8 + LONGEST);
const due = new Float64Array(memory, 0, 1); // 0: no test runs
const title = new Uint8Array(memory, 8);

const worker = new Worker(
  `const { writeSync } = require('node:fs');
  const { parentPort, workerData: memory } = require('node:worker_threads');
  const due = new Float64Array(memory, 0, 1);
  setInterval(() => {
    if (due[0] === 0 || Date.now() < due[0]) return;
    const title = Buffer.from(new Uint8Array(memory, 8)).toString().replace(/\\0+$/, '');
    writeSync(2, '\\nError: a test blocks its thread for ever; its process is ended: ' + title + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 1000);
  parentPort.postMessage('looks on');`,
  { eval: true, workerData: memory },
);
await new Promise((resolve) => worker.once('message', resolve)); // its descriptors are here before those of a test
worker.unref();

beforeEach(({ task }) => {
  title.fill(0);
  new TextEncoder().encodeInto(`${task.file.name} > ${task.name}`, title);
  due[0] = Date.now() + task.timeout + GRACE;
});

afterEach(() => {
  due[0] = 0;
});
