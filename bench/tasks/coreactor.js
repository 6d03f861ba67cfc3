// The task benches on Coreactor: node --expose-gc coreactor.js switch|spawn|timers|memory ARGUMENTS. See README.md.

import { callLater, createTask, park, run, sleep } from 'coreactor';
import { cpuNs, mustGo, printMemory, printResult } from './measure.js';

const [verb = '', ...args] = process.argv.slice(2);

/** @param {number} tasks */
function* switching(tasks) {
  let switches = 0;
  let running = true;
  function* worker() {
    while (running) {
      yield* sleep(0);
      switches++;
    }
  }
  for (let i = 1; i < tasks; i++) createTask(worker);
  yield* sleep(0); // all have begun
  gc?.();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const [from, begin] = [switches, cpuNs()];
    do {
      for (let i = 0; i < 10_000; i += tasks) {
        yield* sleep(0);
        switches++;
      }
    } while (go());
    if (measured) printResult(switches - from, cpuNs() - begin);
  }
  running = false;
}

function* spawning() {
  function* child() {
    return 1;
  }
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 1000; i++) count += yield* createTask(child);
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

/**
 * @param {string} kind
 * @param {number} count
 */
function* timing(kind, count) {
  for (const measured of [false, true]) {
    const handles = new Array(count).fill(null);
    let fired = 0;
    const fire = () => {
      fired++;
    };
    gc?.();
    const begin = cpuNs();
    if (kind === 'expire') {
      for (let i = 0; i < count; i++) callLater(1 + (i % 100), fire);
      while (fired < count) yield* sleep(10);
    } else if (kind === 'pairs') {
      for (let i = 0; i < count; i++) callLater(10_000 + (i % 1000), fire).cancel();
    } else {
      const delays = kind === 'one' ? 1 : 1000;
      for (let i = 0; i < count; i++) handles[i] = callLater(10_000 + (i % delays), fire);
      for (let i = 0; i < count; i++) handles[i].cancel();
    }
    if (measured) printResult(count, cpuNs() - begin);
    yield* sleep(0);
  }
}

/**
 * @param {string} kind
 * @param {number} count
 */
function* parking(kind, count) {
  const nothing = { next: () => park(nothing), return: () => ({ done: true, value: undefined }) };
  /** @type {import('coreactor').Operation<unknown>} */
  const bare = /** @type {any} */ ({ [Symbol.iterator]: () => nothing });
  const gate = createTask(function* () {
    yield* sleep(3_600_000);
  });
  const body = {
    *bare() {
      yield* bare;
    },
    *gate() {
      yield* gate;
    },
    *sleep() {
      yield* sleep(3_600_000);
    },
  }[kind];
  yield* sleep(0);
  const held = new Array(count).fill(null); // before the first look: it is ours, not the task's
  const print = printMemory(count);
  for (let i = 0; i < count; i++) held[i] = createTask(/** @type {any} */ (body));
  yield* sleep(0);
  yield* sleep(0);
  print(held);
  process.exit(); // nobody will wake them
}

/** @type {Record<string, () => Generator<any, void, any>>} */
const verbs = {
  switch: () => switching(Number(args[0])),
  spawn: spawning,
  timers: () => timing(String(args[0]), Number(args[1])),
  memory: () => parking(String(args[0]), Number(args[1])),
};
run(/** @type {any} */ (verbs[verb]));
