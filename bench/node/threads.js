// Work and messages between two threads: node threads.js toThread|channel WHO [KIND]. See README.md.

import { MessageChannel, Worker, workerData } from 'node:worker_threads';
import { Channel, openReceiver, openSender, run, runPromise, toThread } from 'coreactor';
import { cpuNs, mustGo, printResult } from '../tasks/measure.js';

const [verb = '', who = '', kind = ''] = process.argv.slice(2);
const BATCH = 200;
/** So many go before those that are measured: until everything is compiled. */
const WARM_UP = 200_000;
/** As long as a tenth of a second for the quick ones, and no longer than that takes for bytes through a MessagePort. */
const MESSAGES = kind === 'bytes' ? 400_000 : 1_000_000;

/** @type {Record<string, unknown>} */
const messages = {
  bytes: Buffer.from('a message of some thirty bytes'),
  text: 'a message of some thirty bytes',
  object: { id: 5, name: 'a name', list: [1, 2, 3] },
};

/** One after the other, each awaited. */
function* calling() {
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < BATCH; i++) count += yield* toThread((/** @type {number} */ n) => n, 1);
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

async function callingPiscina() {
  const { Piscina } = await import('piscina');
  const pool = new Piscina({ filename: new URL('identity.js', import.meta.url).href, maxThreads: 2, minThreads: 2 });
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < BATCH; i++) count += await pool.run(1);
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
  await pool.destroy();
}

/**
 * Whether the sender may go on after the warm-up. A MessagePort takes all that it is given, and what was posted before the
 * clock starts would be in no figure.
 */
const go = new Int32Array(workerData?.go ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** A worker sends them all; measured from the last of the warm-up to the last of all, the sending too. */
function start(/** @type {unknown} */ end, /** @type {any[]} */ transferList = []) {
  return new Worker(new URL(import.meta.url), {
    argv: ['send', who, kind],
    workerData: { end, go: go.buffer },
    transferList,
  });
}

/** The warm-up is over. @returns {() => void} tells the figures of all, with the last */
function begun() {
  const [cpu, clock] = [cpuNs(), performance.now()];
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
  return () => {
    const seconds = (performance.now() - clock) / 1000;
    printResult(MESSAGES, cpuNs() - cpu, { perSecond: MESSAGES / seconds });
  };
}

/** @param {import('coreactor').ChannelReceiver} receiver @param {number} count */
function* take(receiver, count) {
  for (let i = 0; i < count; i++) if (receiver.tryReceive() === null) yield* receiver.receive();
}

function receiving() {
  const channel = new Channel();
  start(channel.sender);
  run(function* () {
    const receiver = openReceiver(channel.receiver);
    yield* take(receiver, WARM_UP);
    const told = begun();
    yield* take(receiver, MESSAGES);
    told();
    receiver.close();
  });
  channel.close();
}

function receivingByPort() {
  const { port1, port2 } = new MessageChannel();
  start(port2, [port2]);
  let told = () => {};
  let count = 0;
  port1.on('message', () => {
    count++;
    if (count === WARM_UP) told = begun();
    if (count < WARM_UP + MESSAGES) return;
    told();
    port1.close();
  });
}

function sending() {
  const message = messages[kind];
  if (who === 'MessagePort') {
    for (const count of [WARM_UP, MESSAGES]) {
      for (let i = 0; i < count; i++) workerData.end.postMessage(message);
      Atomics.wait(go, 0, 0);
    }
    return;
  }
  run(function* () {
    const sender = openSender(workerData.end);
    for (const count of [WARM_UP, MESSAGES]) {
      for (let i = 0; i < count; i++) if (!sender.trySend(message)) yield* sender.send(message);
      Atomics.wait(go, 0, 0);
    }
    sender.close();
  });
}

if (verb === 'send') sending();
else if (verb === 'channel') who === 'MessagePort' ? receivingByPort() : receiving();
else if (who === 'piscina') await callingPiscina();
else if (who === 'guest') await runPromise(calling);
else run(calling);
