// A TCP proxy: whoever connects is led to the target. Try it with: node examples/echo.js --port 7000, then nc 127.0.0.1 7001
//
//   node examples/proxy.js [--port 7001] [--target 127.0.0.1:7000] [--most 100] [--idle 30000]
//
// Limits: so many connections at once, the others wait in the backlog; the target must answer within a second; a
// connection on which nothing moves for --idle milliseconds is closed.

import { parseArgs } from 'node:util';
import { connect, createTask, listen, now, run, Semaphore, sleepUntil, taskGroup, timeout } from 'coreactor';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '7001' },
    target: { type: 'string', default: '127.0.0.1:7000' },
    most: { type: 'string', default: '100' },
    idle: { type: 'string', default: '30000' },
  },
});
const [host = '', port] = values.target.split(':');
const idle = Number(values.idle);

/** Bytes from one to the other, then the end of the stream. @param {any} from @param {any} to @param {() => void} moved */
function* pump(from, to, moved) {
  for (;;) {
    const bytes = yield* from.recvView(); // where the loop has received them: they cross without a copy of ours
    if (bytes.length === 0) break;
    yield* to.sendAll(bytes);
    moved();
  }
  to.shutdown('write'); // the other direction goes on
}

/** @param {import('coreactor').Socket} client */
function* lead(client) {
  const server = yield* timeout(1000, () => connect({ host, port: Number(port) }));
  try {
    yield* taskGroup(function* (group) {
      let deadline = now() + idle;
      const moved = () => {
        deadline = now() + idle;
      };
      const watch = group.createTask(function* () {
        while (now() < deadline) yield* sleepUntil(deadline);
        throw new Error(`nothing moved for ${idle} ms`);
      });
      const there = group.createTask(pump(client, server, moved));
      yield* pump(server, client, moved);
      yield* there;
      watch.cancel();
    });
  } finally {
    server.close();
  }
}

run(function* () {
  const listener = listen({ host: '127.0.0.1', port: Number(values.port) });
  console.log(`listening on ${listener.address.host}:${listener.address.port}, leads to ${values.target}`);
  const places = new Semaphore(Number(values.most));
  for (;;) {
    yield* places.acquire();
    const client = yield* listener.accept();
    createTask(function* () {
      try {
        yield* lead(client);
      } catch (error) {
        console.error(`lost a client: ${/** @type {Error} */ (error).message}`);
      } finally {
        client.close();
        places.release();
      }
    });
  }
});
