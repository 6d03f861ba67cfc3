// Operations that were made and never awaited: the forgotten `yield*`. It compiles, it does nothing, and nobody says so
// but debug mode, to whom each function of the package that makes an operation tells it.

import { here } from './here.ts';

/**
 * @internal To be wrapped around what a public function returns: `return made(new Sleep(at), 'sleep()')`. Debug mode then
 * watches for the first `operation[Symbol.iterator]()`; nothing else has to be called. For operations that are reused
 * too. With debug mode off it costs one comparison.
 */
export function made<T extends object>(operation: T, caller: string): T {
  if (here.debug !== null) here.debug.made(operation, caller);
  return operation;
}

/** @internal For those who take an operation to await it later, as a task does: it counts as awaited from now on. */
export function taken<T extends object>(operation: T): T {
  if (here.debug !== null) here.debug.begun(operation);
  return operation;
}
