// The scale bench on Coreactor: node --expose-gc coreactor.js tasks|timers|expiry COUNT. See README.md.

import { callLater, createTask, run, sleep } from 'coreactor';
import { median } from '../harness/statistics.js';
import { cpuNs, mustGo } from '../tasks/measure.js';
import { Collector, mean, Phases, passes, spin, TASKS_PER_LOOK, TIMES } from './phases.js';

const [verb = '', size = ''] = process.argv.slice(2);

/** @type {Record<string, number>} of the last pass */
let found = {};
let collector = new Collector();

/** @param {number} count */
function* tasking(count) {
  function* child() {
    yield* sleep(0);
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
        for (let i = 0; i < count; i++) tasks[i] = createTask(child);
        for (let i = 0; i < count; i++) done += yield* tasks[i];
      }
    } while (go());
    collector.stop();
    if (measured) found = { tasks: (cpuNs() - begin) / done };
  }
}

/** @param {number} size */
function* timing(size) {
  const fire = () => {};
  for (const { count, measured } of passes(size)) {
    const handles = new Array(count).fill(null);
    const phases = new Phases();
    gc?.();
    collector = new Collector();
    const go = mustGo(measured, TIMES);
    do {
      phases.begin();
      for (let i = 0; i < count; i++) handles[i] = callLater(10_000 + (i % 10), fire);
      phases.end('created', count);
      for (let i = 0; i < count; i++) handles[i].cancel();
      phases.end('cancelled', count);
    } while (go());
    collector.stop();
    if (measured) found = phases.figures(mean);
  }
}

/** @param {number} size */
function* expiring(size) {
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
      for (let i = 0; i < count; i++) callLater(1 + (i % 2), fire);
      spin();
      fired = 0;
      phases.begin();
      while (fired < count) yield* sleep(0);
      phases.end('expired', count);
    } while (go());
    collector.stop();
    if (measured) found = phases.figures(median);
  }
}

/** @type {Record<string, (size: number) => Generator<any, void, any>>} */
const verbs = { tasks: tasking, timers: timing, expiry: expiring };
run(() => /** @type {any} */ (verbs[verb]?.(Number(size))));
console.log(JSON.stringify({ ...found, collected: await collector.part() }));
