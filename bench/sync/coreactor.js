// The sync benches on Coreactor: node --expose-gc coreactor.js lock|queue|handoff|event|cancelled ARGUMENTS. See README.md.

import {
  Condition,
  createTask,
  Event,
  LifoQueue,
  Lock,
  moveOnAfter,
  PriorityQueue,
  Queue,
  run,
  Semaphore,
  sleep,
  TimeoutError,
  timeout,
} from 'coreactor';
import { cpuNs, mustAlternate, mustGo, printGrowth, printResult } from '../tasks/measure.js';

const [verb = '', ...args] = process.argv.slice(2);

/** Uses every kind, as a bigger program does before it comes to what is measured: the engine has then seen them all. */
function* usingAll() {
  const [lock, condition, semaphore, event] = [new Lock(), new Condition(), new Semaphore(2), new Event()];
  const queues = [new Queue(), new LifoQueue(), new PriorityQueue()];
  event.set();
  for (let i = 0; i < 10_000; i++) {
    yield* event.wait();
    for (const holder of [lock, condition, semaphore]) {
      yield* holder.acquire();
      holder.release();
    }
    for (const queue of queues) {
      yield* queue.put(1);
      yield* queue.get();
    }
  }
}

function* locking() {
  const lock = new Lock();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 10_000; i++) {
        yield* lock.acquire();
        count++;
        lock.release();
      }
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

function* queueing() {
  const queue = new Queue();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 10_000; i++) {
        yield* queue.put(1);
        count += yield* queue.get();
      }
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

function* handingLock() {
  const lock = new Lock();
  let ours = 0;
  let others = 0;
  let running = true;
  function* other() {
    while (running) {
      yield* lock.acquire();
      others++;
      lock.release();
    }
  }
  yield* lock.acquire();
  createTask(other);
  yield* sleep(0); // it waits: from now on each release is a hand-off
  lock.release();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const [from, begin] = [ours, cpuNs()];
    do {
      for (let i = 0; i < 10_000; i++) {
        yield* lock.acquire();
        ours++;
        lock.release();
      }
    } while (go());
    if (measured) printResult(2 * (ours - from), cpuNs() - begin);
  }
  mustAlternate(ours, others);
  running = false;
}

function* handingQueue() {
  const [there, back] = [new Queue(), new Queue()];
  createTask(function* () {
    for (;;) yield* back.put(yield* there.get());
  });
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 10_000; i++) {
        yield* there.put(2);
        count += yield* back.get(); // two hand-offs
      }
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

/** @param {number} tasks */
function* waking(tasks) {
  for (const measured of [false, true]) {
    const event = new Event();
    let woken = 0;
    function* waiter() {
      yield* event.wait();
      woken++;
    }
    gc?.();
    const begin = cpuNs();
    for (let i = 0; i < tasks; i++) createTask(waiter);
    yield* sleep(0); // all wait
    const waiting = cpuNs();
    event.set();
    while (woken < tasks) yield* sleep(0);
    const end = cpuNs();
    if (measured) printResult(tasks, end - begin, { wakeNs: (end - waiting) / tasks });
  }
}

const BATCH = 1000;

/**
 * @param {string} how
 * @param {number} count
 */
function* cancelling(how, count) {
  const [queue, lock, event] = [new Queue(), new Lock(), new Event()];
  yield* lock.acquire();
  const waits = [() => queue.get(), () => lock.acquire(), () => event.wait()];
  /** @type {Record<string, (wait: any) => Generator<any, void, any>>} */
  const bodies = {
    *cancel(wait) {
      yield* wait();
    },
    *timeout(wait) {
      try {
        yield* timeout(1, wait);
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
      }
    },
    *moveOnAfter(wait) {
      yield* moveOnAfter(1, wait);
    },
  };
  const body = /** @type {(wait: any) => Generator<any, void, any>} */ (bodies[how]);
  /** @param {number} waits_ */
  function* some(waits_) {
    for (let left = waits_; left > 0; left -= BATCH) {
      const tasks = Array.from({ length: BATCH }, (_, i) => createTask(body(waits[i % waits.length])));
      yield* sleep(0); // all wait
      if (how === 'cancel') for (const task of tasks) task.cancel();
      while (!tasks.every((task) => task.done)) yield* sleep(how === 'cancel' ? 0 : 1);
    }
  }
  yield* some(20 * BATCH);
  const print = printGrowth(count);
  yield* some(count);
  print([queue, lock, event]);
}

/** @type {Record<string, () => Generator<any, void, any>>} */
const verbs = {
  *lock() {
    if (args[0] === 'all') yield* usingAll();
    yield* locking();
  },
  *queue() {
    if (args[0] === 'all') yield* usingAll();
    yield* queueing();
  },
  handoff: () => (args[0] === 'lock' ? handingLock() : handingQueue()),
  event: () => waking(Number(args[0])),
  cancelled: () => cancelling(String(args[0]), Number(args[1])),
};
run(/** @type {any} */ (verbs[verb]));
