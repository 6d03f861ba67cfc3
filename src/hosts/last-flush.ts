// What lies in a loop's outbox when its process or worker exits, sent then: send() has said already that it is on its way,
// and whoever heard it may end the program. One listener for all loops of a thread.

import type { Kernel } from '../kernel/kernel.ts';

const kernels = new Set<Kernel>();

function flush(): void {
  for (const kernel of kernels) kernel.poller.flush();
}

/** Gives a function that ends it, to be called before the loop's selector is closed. */
export function flushAtExit(kernel: Kernel): () => void {
  if (kernels.size === 0) process.on('exit', flush);
  kernels.add(kernel);
  return () => {
    kernels.delete(kernel);
    if (kernels.size === 0) process.off('exit', flush);
  };
}
