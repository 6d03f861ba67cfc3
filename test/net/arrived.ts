// What has come for a descriptor, as the system knows it: TCP may deliver later than the call that sent returns.

import { type Coroutine, sleep } from '../../src/index.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { addon } from '../../src/native/addon.ts';
import { checked } from '../../src/native/system-error.ts';

/**
 * Suspends until there is something to read, or a reset. What has come the selector may have received before, where somebody
 * has waited for it; a reset stays to be seen.
 */
export function* arrived(fd: number): Coroutine<void> {
  for (let tries = 0; (checked(addon.readyNow(fd), 'poll', { fd }) & READ) === 0; tries++) {
    if (tries === 5000) throw new Error(`nothing has come for fd ${fd}`);
    yield* sleep(1);
  }
}
