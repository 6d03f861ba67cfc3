// The loop that a stream of Node's needs: one that is a guest of Node's own.

import { InvalidStateError } from '../kernel/errors.ts';
import { here } from '../kernel/here.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** The kernel whose turn runs; throws if there is none, or it is one of run(). `caller` names the public function. */
export function guestKernel(caller: string): Kernel {
  const { kernel } = here;
  if (kernel?.guest) return kernel;
  throw new InvalidStateError(
    `${caller} needs a loop that streams of Node flow beside: call it in a coroutine of runPromise(), to which a listener ` +
      'can hand the stream by a Queue',
  );
}
