// What a guest needs of the loop that it is a guest of, and how the runtimes' own loops give it.

import type { HostWatchObject } from '../native/addon.ts';
import type { NativeSelector } from '../native/native-selector.ts';
import { later, soon } from './host-timers.ts';
import { SharedListener } from './shared-listener.ts';

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

/** Whether the process was idle before, and nothing has kept it going since but a pass that we had asked for. */
let sure = false;
/** Comes only if somebody else keeps the loop going after that pass. */
let doubt: NodeJS.Immediate | undefined;

function isSurelyIdle(): boolean {
  clearImmediate(doubt);
  // Another pass, after which Node asks again whether there is anything to do.
  setImmediate(() => {
    doubt = setImmediate(() => (sure = false)).unref();
  });
  // Other listeners may begin something now, of which a task may be waiting for the end. (In Bun and Deno nobody can tell.)
  const before = sure || FOREIGN;
  sure = true;
  return before;
}

const idle = new SharedListener('beforeExit', isSurelyIdle);
/** A program that listens to it itself answers it. */
const asked = new SharedListener('SIGUSR2', () => process.listenerCount('SIGUSR2') === 1, true);

/** The loop of Node, Bun or Deno. */
export const runtimeHost: Host = {
  soon,
  later,
  whenIdle: (fn) => {
    sure = false;
    const callOff = idle.add(() => {
      callOff();
      fn();
    });
    return callOff;
  },
  whenAsked: (fn) => asked.add(fn),
  // By a thread where libuv cannot poll; COREACTOR_HOST=thread is to try that where it could.
  watch: (selector, fn) => {
    const threaded = FOREIGN || selector.fd < 0 || process.env.COREACTOR_HOST === 'thread';
    return selector.watch(fn, threaded);
  },
};
