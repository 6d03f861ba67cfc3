// Random programs on sockets, through the public API: whatever two ends do to each other, each byte that was sent before
// a clean end arrives, in order, once. What fails is printed with its seed.
//   npm run fuzz -- --sockets [--seed S] [--programs N] [--guest]   the selector is COREACTOR_SELECTOR's

import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { connect, createTask, listen, moveOnAfter, run, runPromise, sleep, timeout } from 'coreactor';
import { seeded } from 'coreactor/testing';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, programs: { type: 'string' }, guest: { type: 'boolean' } },
});
const first = Number(values.seed ?? 1);
const programs = Number(values.programs ?? 200);

/**
 * @typedef {(n: number) => number} Random below `n`
 * @typedef {import('coreactor').Socket} Socket
 * @typedef {{ sent: number, got: number }} State of one direction
 */

/** The byte at a position of a stream: so each end knows what must come. @type {(key: number, position: number) => number} */
const byteAt = (key, position) => (Math.imul(position + key, 0x9e3779b1) >>> 24) & 255;

const SIZES = [1, 7, 100, 1000, 4096, 4097, 20_000, 200_000];

/** @param {Socket} socket @param {Random} random @param {number} key @param {State} state @returns {import('coreactor').Coroutine<void>} */
function* write(socket, random, key, state) {
  const messages = 1 + random(30);
  for (let i = 0; i < messages; i++) {
    const size = 1 + random(SIZES[random(SIZES.length)] ?? 1);
    const data = Buffer.alloc(size);
    for (let at = 0; at < size; at++) data[at] = byteAt(key, state.sent + at);
    const way = random(5);
    if (way === 0) state.sent += socket.trySend(data);
    else if (way === 1) state.sent += yield* socket.send(data);
    else if (way === 2) {
      // Cancelled half-way or not: `sent` says what goes out.
      const all = yield* moveOnAfter(random(3), () => socket.sendAll(data));
      state.sent += all ?? socket.sent;
    } else state.sent += yield* socket.sendAll(data);
    data.fill(0); // it is ours again
    if (random(100) < 20) yield* sleep(random(3));
  }
  socket.shutdown();
}

/** @param {Buffer} bytes @param {number} key @param {State} state */
function check(bytes, key, state) {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== byteAt(key, state.got + i)) assert.fail(`byte ${state.got + i} is another`);
  }
  state.got += bytes.length;
}

/** @param {Socket} socket @param {Random} random @param {number} key @param {State} state @returns {import('coreactor').Coroutine<void>} */
function* read(socket, random, key, state) {
  const buffer = Buffer.alloc(1 << 16);
  for (;;) {
    const length = 1 + random(SIZES[random(6)] ?? 1);
    const offset = random(100);
    let got;
    if (random(100) < 40) {
      const cancelled = random(100) < 30;
      const view = cancelled ? yield* moveOnAfter(random(2), () => socket.recvView()) : yield* socket.recvView();
      if (view === undefined) continue;
      if (view.length === 0) return;
      check(view, key, state);
      continue;
    }
    if (random(100) < 30) got = yield* moveOnAfter(random(2), () => socket.recvInto(buffer, offset, length));
    else got = yield* socket.recvInto(buffer, offset, length);
    if (got === undefined) continue; // cancelled: nothing is lost
    if (got === 0) return;
    check(buffer.subarray(offset, offset + got), key, state);
    if (random(100) < 5) yield* sleep(random(2));
  }
}

/** One connection: both directions at once; each end ends its stream by shutdown(), and closes when both are over. */
/** @param {Socket} a @param {Socket} b @param {Random} random @returns {import('coreactor').Coroutine<number>} */
function* talk(a, b, random) {
  const there = { sent: 0, got: 0 };
  const back = { sent: 0, got: 0 };
  const fork = () => seeded(random(2 ** 31));
  const tasks = [
    createTask(write(a, fork(), 1, there)),
    createTask(read(b, fork(), 1, there)),
    createTask(write(b, fork(), 2, back)),
    createTask(read(a, fork(), 2, back)),
  ];
  for (const task of tasks) yield* task;
  assert.equal(there.got, there.sent);
  assert.equal(back.got, back.sent);
  a.close();
  b.close();
  return there.sent + back.sent;
}

/** One direction of a connection by way of this process, from where it lies. */
/** @param {Socket} from @param {Socket} to @param {Random} random @returns {import('coreactor').Coroutine<void>} */
function* relay(from, to, random) {
  for (;;) {
    const view = yield* from.recvView();
    if (view.length === 0) break;
    let sent = 0;
    if (random(100) < 50) sent = to.trySend(view);
    if (sent < view.length && random(100) < 30) {
      const cut = sent + random(view.length - sent);
      const rest = Buffer.from(view.subarray(cut));
      yield* to.sendAll(view.subarray(sent, cut));
      yield* to.sendAll(rest);
    } else yield* to.sendAll(view, sent);
  }
  to.shutdown();
}

/** Cancelled and abandoned connections, among which the others live. */
/** @param {import('coreactor').Listener} listener @param {Random} random @returns {import('coreactor').Coroutine<void>} */
function* disturb(listener, random) {
  const task = createTask(connect(listener.address));
  if (random(100) < 50) yield* sleep(0);
  task.cancel();
}

/** @param {import('coreactor').Listener} listener @returns {import('coreactor').Coroutine<[Socket, Socket]>} */
function* pair(listener) {
  const connecting = createTask(connect(listener.address));
  const server = yield* listener.accept();
  return [yield* connecting, server];
}

/** @param {number} seed @returns {import('coreactor').Coroutine<number>} */
function* program(seed) {
  const random = seeded(seed);
  const listener = listen({ host: '127.0.0.1', port: 0 });
  const talks = [];
  for (let i = 1 + random(6); i > 0; i--) {
    const [client, server] = yield* pair(listener);
    const fork = () => seeded(random(2 ** 31));
    if (random(100) < 50) {
      talks.push(createTask(talk(client, server, fork())));
      continue;
    }
    const [near, far] = yield* pair(listener);
    const relays = [createTask(relay(server, near, fork())), createTask(relay(near, server, fork()))];
    talks.push(
      createTask(function* () {
        const bytes = yield* talk(client, far, fork());
        for (const each of relays) yield* each;
        server.close();
        near.close();
        return bytes;
      }),
    );
    if (random(100) < 30) yield* moveOnAfter(random(2), () => listener.accept());
  }
  let bytes = 0;
  for (const each of talks) bytes += yield* each;
  yield* disturb(listener, random);
  listener.close();
  return bytes;
}

let bytes = 0;
for (let seed = first; seed < first + programs; seed++) {
  try {
    const bounded = () => timeout(60_000, () => program(seed));
    bytes += values.guest ? await runPromise(bounded) : run(bounded);
  } catch (error) {
    console.error(error);
    console.error(`npm run fuzz -- --sockets --seed ${seed} --programs 1${values.guest ? ' --guest' : ''}`);
    process.exit(1);
  }
}
console.log(`sockets: ${programs} programs, ${bytes} bytes: each arrived, in order, once`);
