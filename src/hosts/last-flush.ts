// What lies in a loop's outbox when its process or worker exits, sent then: send() has said already that it is on its way,
// and whoever heard it may end the program.

import type { Kernel } from '../kernel/kernel.ts';
import { SharedListener } from './shared-listener.ts';

const exit = new SharedListener('exit');

/** Gives a function that ends it, to be called before the loop's selector is closed. */
export function flushAtExit(kernel: Kernel): () => void {
  return exit.add(() => kernel.poller.flush());
}
