// A server on every core: this file is both sides, the thread that supervises and the workers that serve. Who answers is in
// the answer; send "die" and watch another take its place. Try it with: nc 127.0.0.1 7000
//
//   node examples/cluster.js [--port 7000] [--workers 2] [--accept handoff]

import { parseArgs } from 'node:util';
import { isMainThread, threadId } from 'node:worker_threads';
import { cluster, clusterWorker, run, runPromise, signal } from 'coreactor';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '7000' }, workers: { type: 'string' }, accept: { type: 'string' } },
});

function* supervise() {
  const servers = yield* cluster({
    entry: import.meta.url,
    host: '127.0.0.1',
    port: Number(values.port),
    ...(values.workers && { workers: Number(values.workers) }),
    ...(values.accept && { accept: /** @type {any} */ (values.accept) }),
  });
  const { host, port } = /** @type {import('coreactor').InternetAddress} */ (servers.address);
  console.log(`listening on ${host}:${port} (${servers.workers.length} workers)`);
  yield* signal('SIGINT');
  yield* servers.close({ drain: 1000 }); // who is at work may finish
  console.log('all workers have ended');
}

function* serve() {
  const worker = clusterWorker();
  yield* worker.serve(function* (socket, server) {
    const reader = socket.reader();
    for (;;) {
      const line = yield* server.whileIdle(() => reader.readLine()); // a client that says nothing keeps nobody
      if (line === undefined || line === null) return;
      if (line === 'die') process.exit(1);
      yield* socket.sendAll(Buffer.from(`worker ${worker.index}, thread ${threadId}: ${line}\n`));
    }
  });
}

if (isMainThread) await runPromise(supervise);
else run(serve);
