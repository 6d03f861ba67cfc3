// The server of the soak: echoes, and answers a connection that begins with '?' with its own state. See main.js.

import { readdirSync } from 'node:fs';
import { allTasks, createTask, currentTask, listen, run, runPromise, sleep, timeout } from 'coreactor';

const IDLE = 2000; // whoever is silent for so long is let go
const counts = { served: 0, idle: 0, broken: 0, cancelled: 0, exhausted: 0 };

/** @param {import('coreactor').Socket} socket */
function* echo(socket) {
  const buffer = Buffer.alloc(16_384);
  for (;;) {
    const length = yield* timeout(IDLE, () => socket.recvInto(buffer));
    if (length === 0) return;
    yield* timeout(IDLE, () => socket.sendAll(buffer, 0, length));
  }
}

function* state() {
  globalThis.gc?.();
  globalThis.gc?.();
  for (;;) {
    try {
      const { heapUsed, external, rss } = process.memoryUsage();
      const descriptors = readdirSync('/proc/self/fd').length - 1;
      return { ...counts, descriptors, tasks: allTasks().length, memory: heapUsed + external, rss };
    } catch (error) {
      // Both read files of /proc, and this is a server without descriptors.
      if (/** @type {any} */ (error).code !== 'EMFILE') throw error;
      yield* sleep(20);
    }
  }
}

/** @param {import('coreactor').Socket} socket */
function* handle(socket) {
  try {
    const mode = (yield* timeout(IDLE, () => socket.recv(1))).toString();
    if (mode === '?') yield* socket.sendAll(Buffer.from(JSON.stringify(yield* state())));
    else {
      // Not whoever asks for the state: he would be killed, and the murderer be counted among what is left.
      if (Math.random() < 0.02) createTask(murder(currentTask()));
      yield* echo(socket);
    }
    counts.served++;
  } catch (error) {
    const { code } = /** @type {any} */ (error);
    if (code === 'ERR_COREACTOR_TIMEOUT') counts.idle++;
    else if (['ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(code)) counts.broken++;
    else throw error;
  } finally {
    socket.close();
  }
}

function* main() {
  const listener = listen({ host: '127.0.0.1', port: 0 });
  console.log(`listening on ${listener.address.host}:${listener.address.port}`);
  for (;;) createTask(handle(yield* listener.accept()));
}

/** @param {import('coreactor').Task<unknown>} task */
function* murder(task) {
  yield* sleep(Math.random() * 200);
  if (task.cancel('by chance')) counts.cancelled++;
}

/** @type {import('coreactor').RunOptions} */
const options = {
  onUnhandled({ kind, error }) {
    const { code } = /** @type {any} */ (error);
    if (kind === 'warning' && code === 'EMFILE') counts.exhausted++;
    else {
      console.error(error);
      process.exitCode = 1;
    }
  },
};
if (process.argv[2] === 'guest') await runPromise(main, options);
else run(main, options);
