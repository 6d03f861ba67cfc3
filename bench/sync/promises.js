// The sync benches on promises: the same programs as coreactor.js, line by line, on one of packages.js:
// node --expose-gc promises.js NAME VERB ARGUMENTS.

import { cpuNs, mustAlternate, mustGo, printResult } from '../tasks/measure.js';
import { PACKAGES } from './packages.js';

const [name = '', verb = '', ...args] = process.argv.slice(2);

async function locking() {
  const lock = await newLock();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 10_000; i++) {
        await lock.acquire();
        count++;
        lock.release();
      }
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

async function queueing() {
  const queue = await newQueue();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 10_000; i++) {
        await queue.put(1);
        count += await queue.get();
      }
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

async function handingLock() {
  const lock = await newLock();
  let ours = 0;
  let others = 0;
  let running = true;
  async function other() {
    while (running) {
      await lock.acquire();
      others++;
      lock.release();
    }
  }
  await lock.acquire();
  other();
  lock.release();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const [from, begin] = [ours, cpuNs()];
    do {
      for (let i = 0; i < 10_000; i++) {
        await lock.acquire();
        ours++;
        lock.release();
      }
    } while (go());
    if (measured) printResult(2 * (ours - from), cpuNs() - begin);
  }
  mustAlternate(ours, others);
  running = false;
}

async function handingQueue() {
  const [there, back] = [await newQueue(), await newQueue()];
  (async () => {
    for (;;) await back.put(await there.get());
  })();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 10_000; i++) {
        await there.put(2);
        count += await back.get();
      }
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

/** @param {number} tasks */
async function waking(tasks) {
  for (const measured of [false, true]) {
    let set = () => {};
    /** @type {Promise<void>} */
    const event = new Promise((resolve) => {
      set = resolve;
    });
    let woken = 0;
    async function waiter() {
      await event;
      woken++;
    }
    gc?.();
    const begin = cpuNs();
    for (let i = 0; i < tasks; i++) waiter();
    await null;
    const waiting = cpuNs();
    set();
    while (woken < tasks) await null;
    const end = cpuNs();
    if (measured) printResult(tasks, end - begin, { wakeNs: (end - waiting) / tasks });
  }
}

async function newLock() {
  return /** @type {import('./packages.js').PromiseLock} */ ((await PACKAGES[name]?.lock?.())?.());
}

/** @type {Promise<() => import('./packages.js').PromiseQueue> | undefined} */
let queues;

async function newQueue() {
  queues ??= PACKAGES[name]?.queue?.();
  return /** @type {import('./packages.js').PromiseQueue} */ ((await queues)?.());
}

/** @type {Record<string, () => Promise<void>>} */
const verbs = {
  lock: locking,
  queue: queueing,
  handoff: () => (args[0] === 'lock' ? handingLock() : handingQueue()),
  event: () => waking(Number(args[0])),
};
await verbs[verb]?.();
