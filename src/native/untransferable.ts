// Memory that no other thread may be given: native code has its address. (node:worker_threads is loaded when it is first
// needed: it brings much that most programs do not use.)

let mark: ((memory: object) => void) | undefined;

export function forbidTransfer(memory: ArrayBuffer): void {
  mark ??= process.getBuiltinModule('node:worker_threads').markAsUntransferable;
  try {
    mark(memory);
  } catch {
    // A runtime that has only its name. A transfer is found out by NativeSelector then.
  }
}
