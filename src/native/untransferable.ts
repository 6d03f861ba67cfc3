// Memory that no other thread may be given: native code has its address.

import { workerThreads } from './worker-threads.ts';

export function forbidTransfer(memory: ArrayBuffer): void {
  try {
    workerThreads().markAsUntransferable(memory);
  } catch {
    // A runtime that has only its name. A transfer is found out by NativeSelector then.
  }
}
