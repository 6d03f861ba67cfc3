// A worker that has a loop for what comes before, in which it asks what it was given, and a second one in which it serves.

import { clusterWorker, run } from 'coreactor';

run(function* () {
  const worker = clusterWorker();
  if (/** @type {{ listened: boolean }} */ (worker.data).listened) void worker.listener;
});
run(function* () {
  yield* clusterWorker().serve(function* (socket) {
    yield* socket.reader().readLine();
    yield* socket.sendAll(Buffer.from('the second\n'));
  });
});
