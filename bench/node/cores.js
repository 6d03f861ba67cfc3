// A server on many threads whose every answer costs some work: node cores.js WHO WORKERS. A byte comes, a byte goes back.

import cluster from 'node:cluster';
import net from 'node:net';
import { isMainThread } from 'node:worker_threads';
import * as coreactor from 'coreactor';

const [who = '', workers = '1'] = process.argv.slice(2);

/** A third of a millisecond on the machine of docs/bench.md. */
function work() {
  let x = 1;
  for (let i = 0; i < 60_000; i++) x = (x * 1103515245 + 12345) & 0x7fffffff;
  return x & 1;
}

/** @param {number} port */
const say = (port) => console.log(`listening on 127.0.0.1:${port} (${who}, pid ${process.pid})`);

function serveInProcess() {
  const server = net.createServer((socket) => {
    socket.setNoDelay();
    socket.on('data', () => socket.write(Buffer.of(work())));
    socket.on('error', () => {});
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
}

if (!isMainThread) {
  coreactor.run(function* () {
    yield* coreactor.clusterWorker().serve(function* (socket) {
      while ((yield* socket.recv(1)).length > 0) yield* socket.sendAll(Buffer.of(work()));
    });
  });
} else if (who !== 'node:cluster') {
  await coreactor.runPromise(function* () {
    const accept = who.includes('handoff') ? 'handoff' : 'reuseport';
    const servers = yield* coreactor.cluster({
      entry: import.meta.url,
      workers: Number(workers),
      accept,
      host: '127.0.0.1',
      port: 0,
    });
    say(/** @type {any} */ (servers.address).port);
    yield* servers.waitClosed();
  });
} else if (cluster.isPrimary) {
  let left = Number(workers);
  cluster.on('listening', (_, address) => {
    if (--left === 0) say(address.port);
  });
  for (let i = 0; i < Number(workers); i++) cluster.fork();
} else serveInProcess();
