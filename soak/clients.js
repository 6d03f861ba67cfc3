// What clients do to the server of the soak: each kind is a coroutine that throws if a byte is lost, changed or doubled.

import { connect, createTask, sleep, taskGroup } from 'coreactor';

/**
 * The bytes that a connection sends: a stream that any position of can be made again.
 * @param {Buffer} into @param {number} seed @param {number} at @param {number} length
 */
function fill(into, seed, at, length) {
  for (let i = 0; i < length; i++) into[i] = ((at + i) * 167 + ((at + i) >> 8) * 13 + seed) & 0xff;
}

/** @typedef {{ port: number, random: (n: number) => number, killed: () => void }} Context */

/** Whether this is how a connection ends that the other side has broken off. @param {unknown} error */
const broken = (error) => ['ECONNRESET', 'EPIPE'].includes(/** @type {any} */ (error).code);

/** @param {Context} context */
function* dial({ port }) {
  const socket = yield* connect({ host: '127.0.0.1', port });
  socket.trySend(Buffer.from('e')); // there is room; and whoever is cancelled has the socket or has not
  return socket;
}

/** @param {import('coreactor').Socket} socket @param {number} seed @param {number} total @param {Context} context */
function* sendStream(socket, seed, total, { random }) {
  const buffer = Buffer.alloc(65_536);
  for (let at = 0; at < total; ) {
    const length = Math.min(total - at, 1 + random(random(10) === 0 ? 65_536 : 2000));
    fill(buffer, seed, at, length);
    yield* socket.sendAll(buffer, 0, length);
    at += length;
  }
}

/** Sends until it is cancelled or broken off. @param {import('coreactor').Socket} socket @param {number} total @param {Context} context */
function* sendInVain(socket, total, context) {
  try {
    yield* sendStream(socket, 1, total, context);
  } catch (error) {
    if (!broken(error)) throw error;
  }
}

/** Reads to the end, or `total` bytes, and gives how many. @param {any} socket @param {number} seed @param {number} total @param {number} pause */
function* check(socket, seed, total, pause) {
  const buffer = Buffer.alloc(pause > 0 ? 4096 : 65_536);
  const expected = Buffer.alloc(buffer.length);
  let at = 0;
  while (at < total) {
    const length = yield* socket.recvInto(buffer);
    if (length === 0) break;
    fill(expected, seed, at, length);
    if (buffer.compare(expected, 0, length, 0, length) !== 0) throw new Error(`a byte after ${at} was changed`);
    at += length;
    if (pause > 0) yield* sleep(pause);
  }
  return at;
}

/**
 * Sends, ends its stream, and gets all back.
 * @param {Context} context @param {number} total @param {number} pause between reads, in milliseconds
 */
function* whole(context, total, pause) {
  const seed = context.random(256);
  const socket = yield* dial(context);
  let got = 0;
  try {
    yield* taskGroup(function* (group) {
      group.createTask(function* () {
        yield* sendStream(socket, seed, total, context);
        socket.shutdown('write');
      });
      got = yield* check(socket, seed, total, pause);
    });
  } catch (error) {
    const failures = /** @type {any} */ (error).errors ?? [error];
    if (!failures.every(broken)) throw error;
  } finally {
    socket.close();
  }
  if (got < total) context.killed(); // by the server's own cancels: their number is checked at the end
}

/** @type {Record<string, (context: Context) => import('coreactor').Coroutine<void>>} */
export const kinds = {
  quick: (context) => whole(context, 1 + context.random(20_000), 0),
  large: (context) => whole(context, 200_000 + context.random(2_000_000), 0),
  /** Reads slowly: the server must wait for it, and for it alone. */
  slow: (context) => whole(context, 100_000 + context.random(200_000), 5),

  /** Breaks off by a reset in the middle of everything. */
  *reset(context) {
    const socket = yield* dial(context);
    const sending = createTask(sendInVain(socket, 1_000_000, context));
    yield* sleep(context.random(30));
    sending.cancel();
    socket.reset();
  },

  /** Says something and then nothing: the server lets it go after a while. */
  *halfOpen(context) {
    const socket = yield* dial(context);
    try {
      const seed = context.random(256);
      yield* sendStream(socket, seed, 100, context);
      yield* check(socket, seed, 1_000_000, 0); // until the server ends it
    } catch (error) {
      if (!broken(error)) throw error;
    } finally {
      socket.close();
    }
  },

  /** Sends and never reads, until nothing moves; then it goes. */
  *stalled(context) {
    const socket = yield* dial(context);
    const sending = createTask(sendInVain(socket, 100_000_000, context));
    yield* sleep(500 + context.random(2500));
    sending.cancel();
    socket.close();
  },

  /** Is cancelled at any moment. */
  *cancelled(context) {
    const task = createTask(whole(context, 500_000, 0));
    yield* sleep(context.random(20));
    task.cancel();
    yield* sleep(0);
  },

  /** Goes before it is accepted. */
  *fleeting(context) {
    const sockets = [];
    for (let i = 0; i < 20; i++) sockets.push(yield* connect({ host: '127.0.0.1', port: context.port }));
    for (const socket of sockets) socket.reset();
  },
};
