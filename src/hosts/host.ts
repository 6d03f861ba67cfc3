// What a guest needs of the loop that it is a guest of, and how the runtimes' own loops give it.

import type { HostWatchObject } from '../native/addon.ts';
import type { NativeSelector } from '../native/native-selector.ts';
import { later, soon } from './host-timers.ts';

export { LONGEST } from './host-timers.ts';

export interface Host {
  /** Calls once in the coming pass of the host's loop. */
  soon(fn: () => void): void;
  /** Calls once, `ms` milliseconds from now, unless the function that it gives is called before. */
  later(ms: number, fn: () => void): () => void;
  /** Calls once when nothing is left that keeps the process alive, unless the function that it gives is called before. */
  whenIdle(fn: () => void): () => void;
  /** Calls each time that somebody asks what the program does (SIGUSR2), until the function that it gives is called. */
  whenAsked(fn: () => void): () => void;
  /** Calls whenever the selector has something to say. */
  watch(selector: NativeSelector, fn: () => void): HostWatchObject;
}

/** Bun has no libuv, and Deno's knows a descriptor for one event only. */
const FOREIGN = process.versions.bun !== undefined || 'deno' in process.versions;

/** Who wants to know when the process has nothing to do. One listener tells them all: of eleven, Node would warn. */
const idle = new Set<() => void>();

/** Whether the process was idle before, and nothing has kept it going since but a pass that we had asked for. */
let sure = false;
/** Comes only if somebody else keeps the loop going after that pass. */
let doubt: NodeJS.Immediate | undefined;

function tellIdle(): void {
  clearImmediate(doubt);
  // Another pass, after which Node asks again whether there is anything to do.
  setImmediate(() => {
    doubt = setImmediate(() => (sure = false)).unref();
  });
  // Other listeners may begin something now, of which a task may be waiting for the end. (In Bun and Deno nobody can tell.)
  if (!sure && !FOREIGN) {
    sure = true;
    return;
  }
  process.off('beforeExit', tellIdle);
  const told = [...idle];
  idle.clear();
  for (const fn of told) fn();
}

/** Who is to answer a SIGUSR2: likewise. */
const asked = new Set<() => void>();

function tellAsked(): void {
  if (process.listenerCount('SIGUSR2') > 1) return; // the program listens to it itself
  for (const fn of asked) fn();
}

/** The loop of Node, Bun or Deno. */
export const runtimeHost: Host = {
  soon,
  later,
  whenIdle: (fn) => {
    const tell = (): void => fn(); // who is told twice is there twice
    if (idle.size === 0) {
      sure = false;
      process.on('beforeExit', tellIdle);
    }
    idle.add(tell);
    return () => {
      if (idle.delete(tell) && idle.size === 0) process.off('beforeExit', tellIdle);
    };
  },
  whenAsked: (fn) => {
    // As the first, since a once() of the program's is no listener any more when it has been called.
    if (asked.size === 0) process.prependListener('SIGUSR2', tellAsked);
    asked.add(fn);
    return () => {
      if (asked.delete(fn) && asked.size === 0) process.off('SIGUSR2', tellAsked);
    };
  },
  // By a thread where libuv cannot poll; COREACTOR_HOST=thread is to try that where it could.
  watch: (selector, fn) => {
    const threaded = FOREIGN || selector.fd < 0 || process.env.COREACTOR_HOST === 'thread';
    return selector.watch(fn, threaded);
  },
};
