// node:worker_threads, loaded when it is first needed: it brings much that most programs do not use.

import type * as WorkerThreads from 'node:worker_threads';

export function workerThreads(): typeof WorkerThreads {
  return process.getBuiltinModule('node:worker_threads') as typeof WorkerThreads;
}
