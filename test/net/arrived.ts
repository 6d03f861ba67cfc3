// What has come for a descriptor, as the system knows it: TCP may deliver later than the call that sent returns.

import { type Coroutine, sleep } from '../../src/index.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { addon } from '../../src/native/addon.ts';

/** Suspends until there is something to read, where the selector does not receive it: since nobody has waited for it. */
export function* arrived(fd: number): Coroutine<void> {
  for (let tries = 0; (addon.readyNow(fd) & READ) === 0; tries++) {
    if (tries === 5000) throw new Error(`nothing has come for fd ${fd}`);
    yield* sleep(1);
  }
}
