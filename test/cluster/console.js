// A program that ends by itself: a cluster under run(), whose worker writes more to console than a stream takes at once.

import { isMainThread } from 'node:worker_threads';
import { cluster, clusterWorker, connect, run } from 'coreactor';

run(isMainThread ? main : worker);

/** @returns {import('coreactor').Coroutine<void>} */
function* main() {
  const entry = new URL(import.meta.url);
  const servers = yield* cluster({ entry, workers: 1, accept: 'handoff', host: '127.0.0.1', port: 0 });
  const socket = yield* connect(/** @type {{ host: string, port: number }} */ (servers.address));
  yield* socket.reader().readLine();
  socket.close();
  yield* servers.close();
  console.log('closed');
}

/** @returns {import('coreactor').Coroutine<void>} */
function* worker() {
  yield* clusterWorker().serve(function* () {
    for (let i = 0; i < 100; i++) console.log(`${i}`.padEnd(1000, '.'));
    console.error('said');
  });
}
