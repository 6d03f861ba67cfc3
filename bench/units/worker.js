// The units bench on Node's worker threads: node --expose-gc worker.js create|switch|memory COUNT. See units.c.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { cpuNs, mustGo, printResult } from '../tasks/measure.js';

const [verb = '', ...args] = process.argv.slice(2);
const MOST = 20;
const WARMUP = 4;
const ECHO = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (message) => parentPort.postMessage(message));
  parentPort.postMessage('ready');`;

async function creating() {
  for (const count of [WARMUP, MOST]) {
    const begin = cpuNs();
    for (let i = 0; i < count; i++) await once(new Worker('', { eval: true }), 'exit');
    if (count === MOST) printResult(count, cpuNs() - begin);
  }
}

async function switching() {
  const worker = await start();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      await new Promise((resolve) => {
        let left = 100;
        worker.on('message', (message) => {
          count += 2;
          if (--left > 0) worker.postMessage(message);
          else resolve(worker.removeAllListeners('message'));
        });
        worker.postMessage(1);
      });
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
  await worker.terminate();
}

/** @param {number} count */
async function parking(count) {
  const workers = [];
  const before = await look();
  for (let i = 0; i < count; i++) workers.push(await start());
  const after = await look();
  for (const worker of workers) await worker.terminate();
  console.log(
    JSON.stringify({
      userBytes: (after.user - before.user) / count,
      kernelBytes: (after.kernel - before.kernel) / count,
    }),
  );
}

async function start() {
  const worker = new Worker(ECHO, { eval: true });
  await once(worker, 'message');
  return worker;
}

/** What the process and the kernel hold; the kernel adds up its counters once a second only. */
async function look() {
  gc?.();
  await sleep(1200);
  const kernel = kilobytes('/proc/meminfo', ['KernelStack', 'Slab']) + kilobytes('/proc/self/status', ['VmPTE']);
  return { user: kilobytes('/proc/self/smaps_rollup', ['Pss']), kernel };
}

/**
 * The sum of the lines NAME: N kB, in bytes.
 * @param {string} path
 * @param {string[]} names
 */
function kilobytes(path, names) {
  const lines = readFileSync(path, 'utf8').split('\n');
  const found = names.map((name) => lines.find((line) => line.startsWith(`${name}:`))?.match(/\d+/)?.[0]);
  return found.reduce((sum, digits) => sum + Number(digits) * 1024, 0);
}

/** @type {Record<string, () => Promise<void>>} */
const verbs = { create: creating, switch: switching, memory: () => parking(Math.min(Number(args[0]), MOST)) };
await verbs[verb]?.();
