// What lies in a loop's outbox when the process exits, sent then: the callback of a write may have been called already, and it
// may end the program, as with node:net. One for each thread.

import type { Kernel } from '../kernel/kernel.ts';

/** How many streams each loop has. */
const streams = new Map<Kernel, number>();

function flush(): void {
  for (const kernel of streams.keys()) kernel.poller.flush();
}

export function flushAtExit(kernel: Kernel): void {
  if (streams.size === 0) process.on('exit', flush);
  streams.set(kernel, (streams.get(kernel) ?? 0) + 1);
}

/** Once for each call of flushAtExit(), before the loop's selector is closed. */
export function flushNoMore(kernel: Kernel): void {
  const left = (streams.get(kernel) ?? 0) - 1;
  if (left > 0) streams.set(kernel, left);
  else streams.delete(kernel);
  if (streams.size === 0) process.off('exit', flush);
}
