// shield: work that goes on when the one who waits for it is cancelled.

import { made, taken } from '../kernel/made.ts';
import { Once } from '../kernel/once.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { adopt } from './adopt.ts';

/**
 * Runs `operation` as a task of its own and waits for it: a cancel ends the waiting and not the work. If the work fails
 * when nobody waits any more, that is reported as unhandled. The end of the run cancels it like everything else.
 * (asyncio: shield)
 * @example
 * yield* shield(saveState()); // the state is saved, whatever happens to this task
 */
export function shield<T>(operation: Operation<T>): Operation<T> {
  taken(operation);
  return made(new Once(attend(operation), 'shield()'), 'shield()');
}

function* attend<T>(operation: Operation<T>): Coroutine<T> {
  return yield* adopt(operation);
}
