// What the workers of the tests run: they answer with who they are, or do what a line tells them to.

import { existsSync, readlinkSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { clusterWorker, run, sleep } from 'coreactor';

/** Where the system shows this thread for as long as it is there. */
const thread = () => (existsSync('/proc/thread-self') ? `/proc/${readlinkSync('/proc/thread-self')}` : undefined);

run(function* () {
  const worker = clusterWorker();
  const { index, workers } = worker;
  /** In shared memory: who is to fail, how many handlers have ended, how many things have begun. @type {{ greeting?: string, broken?: Int32Array, ended?: Int32Array, begun?: Int32Array, maxConnections?: number }} */
  const { greeting, broken, ended, begun, maxConnections } = worker.data ?? {};
  if (broken && Atomics.load(broken, index) === 1) throw new RangeError(`no ${index} today`);
  const options = maxConnections ? { maxConnections } : {};
  yield* worker.serve(function* (socket, server) {
    const reader = socket.reader();
    /** @param {string} text */
    const say = (text) => socket.sendAll(Buffer.from(`${text}\n`));
    for (;;) {
      const line = yield* server.whileIdle(() => reader.readLine());
      if (line === undefined || line === null) return;
      const [word, number] = line.split(' ');
      if (number && begun) Atomics.add(begun, 0, 1);
      if (word === 'who') yield* say(JSON.stringify({ index, workers, threadId, greeting, thread: thread() }));
      else if (word === 'exit') process.exit(3);
      else if (word === 'freeze' && begun) Atomics.wait(begun, Number(number), 0);
      else if (word === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(number));
      else if (word === 'sleep' || word === 'hold') {
        try {
          if (word === 'sleep') yield* sleep(Number(number));
          else while (begun && Atomics.load(begun, Number(number)) === 0) yield* sleep(5);
          yield* say('slept');
        } finally {
          if (ended) Atomics.add(ended, 0, 1);
        }
      }
    }
  }, options);
});
