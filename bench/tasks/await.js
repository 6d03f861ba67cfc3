// The task benches on async functions and Node's timers: the same programs as coreactor.js, line by line.

import { cpuNs, mustGo, printMemory, printResult } from './measure.js';

const [verb = '', ...args] = process.argv.slice(2);

/** @param {number} tasks */
async function switching(tasks) {
  let switches = 0;
  let running = true;
  async function worker() {
    while (running) {
      await null;
      switches++;
    }
  }
  for (let i = 1; i < tasks; i++) worker();
  await null;
  gc?.();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const [from, begin] = [switches, cpuNs()];
    do {
      for (let i = 0; i < 10_000; i += tasks) {
        await null;
        switches++;
      }
    } while (go());
    if (measured) printResult(switches - from, cpuNs() - begin);
  }
  running = false;
}

async function spawning() {
  async function child() {
    return 1;
  }
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 1000; i++) count += await child();
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

/**
 * @param {string} kind
 * @param {number} count
 */
async function timing(kind, count) {
  for (const measured of [false, true]) {
    const handles = new Array(count).fill(null);
    let fired = 0;
    const fire = () => {
      fired++;
    };
    gc?.();
    const begin = cpuNs();
    if (kind === 'expire') {
      for (let i = 0; i < count; i++) setTimeout(fire, 1 + (i % 100));
      while (fired < count) await new Promise((resolve) => setTimeout(resolve, 10));
    } else if (kind === 'pairs') {
      for (let i = 0; i < count; i++) clearTimeout(setTimeout(fire, 10_000 + (i % 1000)));
    } else {
      const delays = kind === 'one' ? 1 : 1000;
      for (let i = 0; i < count; i++) handles[i] = setTimeout(fire, 10_000 + (i % delays));
      for (let i = 0; i < count; i++) clearTimeout(handles[i]);
    }
    if (measured) printResult(count, cpuNs() - begin);
    await null;
  }
}

/**
 * @param {string} kind
 * @param {number} count
 */
async function parking(kind, count) {
  const held = new Array(count).fill(null);
  const gate = new Promise(() => {});
  const body = {
    async bare() {
      const nothing = new Promise(() => {});
      held[index] = nothing; // or it all could be collected
      await nothing;
    },
    async gate() {
      await gate;
    },
    async sleep() {
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    },
  }[kind];
  let index = 0;
  const print = printMemory(count);
  for (; index < count; index++) {
    const task = /** @type {any} */ (body)();
    held[index] ??= task;
  }
  await null;
  print([held, gate]);
  process.exit();
}

/** @type {Record<string, () => Promise<void>>} */
const verbs = {
  switch: () => switching(Number(args[0])),
  spawn: spawning,
  timers: () => timing(String(args[0]), Number(args[1])),
  memory: () => parking(String(args[0]), Number(args[1])),
};
await verbs[verb]?.();
