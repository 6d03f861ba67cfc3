// The scale bench on async functions and Node's timers: the same program as coreactor.js, line by line.

import { median } from '../harness/statistics.js';
import { cpuNs, mustGo } from '../tasks/measure.js';
import { Collector, mean, Phases, passes, spin, TASKS_PER_LOOK, TIMES } from './phases.js';

const [verb = '', size = ''] = process.argv.slice(2);

/** @type {Record<string, number>} of the last pass */
let found = {};
let collector = new Collector();

/** @param {number} count */
async function tasking(count) {
  async function child() {
    await null;
    return 1;
  }
  const tasks = new Array(count).fill(null);
  for (const measured of [false, true]) {
    gc?.();
    collector = new Collector();
    const go = mustGo(measured, TIMES);
    const begin = cpuNs();
    let done = 0;
    do {
      for (let all = 0; all < TASKS_PER_LOOK; all += count) {
        for (let i = 0; i < count; i++) tasks[i] = child();
        for (let i = 0; i < count; i++) done += await tasks[i];
      }
    } while (go());
    collector.stop();
    if (measured) found = { tasks: (cpuNs() - begin) / done };
  }
}

/** @param {number} size */
async function timing(size) {
  const fire = () => {};
  for (const { count, measured } of passes(size)) {
    const handles = new Array(count).fill(null);
    const phases = new Phases();
    gc?.();
    collector = new Collector();
    const go = mustGo(measured, TIMES);
    do {
      phases.begin();
      for (let i = 0; i < count; i++) handles[i] = setTimeout(fire, 10_000 + (i % 10));
      phases.end('created', count);
      for (let i = 0; i < count; i++) clearTimeout(handles[i]);
      phases.end('cancelled', count);
    } while (go());
    collector.stop();
    if (measured) found = phases.figures(mean);
  }
}

/** @param {number} size */
async function expiring(size) {
  let fired = 0;
  const fire = () => {
    fired++;
  };
  for (const { count, measured } of passes(size)) {
    const phases = new Phases();
    gc?.();
    collector = new Collector();
    const go = mustGo(measured, TIMES);
    do {
      for (let i = 0; i < count; i++) setTimeout(fire, 1 + (i % 2));
      spin();
      fired = 0;
      phases.begin();
      while (fired < count) await new Promise((resolve) => setImmediate(resolve));
      phases.end('expired', count);
    } while (go());
    collector.stop();
    if (measured) found = phases.figures(median);
  }
}

/** @type {Record<string, (size: number) => Promise<void>>} */
const verbs = { tasks: tasking, timers: timing, expiry: expiring };
await verbs[verb]?.(Number(size));
console.log(JSON.stringify({ ...found, collected: await collector.part() }));
