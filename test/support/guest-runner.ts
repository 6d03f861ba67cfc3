// run() as a guest, for the whole suite (COREACTOR_TEST_HOST=guest): everything of runPromise() but the runtime's own loop,
// in whose place this one blocks, since that is what run() does.

import { GuestLoop } from '../../src/hosts/guest-loop.ts';
import type { Host } from '../../src/hosts/host.ts';
import { loopOptions, openSelector, type RunOptions } from '../../src/hosts/options.ts';
import { run as runBlocking } from '../../src/hosts/runner.ts';
import { here } from '../../src/kernel/here.ts';
import type { Main } from '../../src/kernel/operation.ts';
import { READ } from '../../src/kernel/selector-port.ts';
import { addon, type HostWatchObject } from '../../src/native/addon.ts';

export { Runner } from '../../src/hosts/runner.ts';

const NAP = 0.2; // milliseconds between two looks at the selector

class Pump implements Host {
  #soon: (() => void)[] = [];
  readonly #timers = new Map<() => void, number>();
  #idle: (() => void) | null = null;
  #ready = (): boolean => false;
  #tell = (): void => {};
  readonly #nap = new Int32Array(new SharedArrayBuffer(4));

  soon(fn: () => void): void {
    this.#soon.push(fn);
  }

  later(ms: number, fn: () => void): () => void {
    this.#timers.set(fn, performance.now() + Math.ceil(ms));
    return () => this.#timers.delete(fn);
  }

  whenIdle(fn: () => void): () => void {
    this.#idle = fn;
    return () => {
      this.#idle = null;
    };
  }

  watch(selector: { fd: number }, fn: () => void): HostWatchObject {
    const { fd } = selector;
    this.#ready = () => fd < 0 || (addon.readyNow(fd) & READ) !== 0;
    this.#tell = fn;
    return { error: 0, arm: () => {}, ref: () => {}, close: () => {} };
  }

  /** One pass, as a host's loop makes them. */
  pass(): void {
    const soon = this.#soon;
    this.#soon = [];
    for (const fn of soon) fn();
    const now = performance.now();
    for (const [fn, due] of this.#timers) {
      if (due > now || !this.#timers.delete(fn)) continue;
      fn();
    }
    if (this.#ready()) this.#tell();
    if (this.#soon.length > 0) return;
    if (this.#timers.size === 0 && this.#idle !== null) this.#idle();
    else Atomics.wait(this.#nap, 0, 0, NAP);
  }
}

export function run<T>(main: Main<T>, options: RunOptions = {}): T {
  if (here.kernel !== null) return runBlocking(main, options); // which refuses it
  const selector = openSelector(main, options);
  const host = new Pump();
  let over = false;
  let failure: unknown;
  let loop: GuestLoop<T>;
  try {
    loop = new GuestLoop(host, selector, loopOptions(options), main, options.name, (error) => {
      over = true;
      failure = error;
    });
  } catch (error) {
    selector.close();
    throw error;
  }
  while (!over) host.pass();
  if (failure !== undefined) throw failure;
  return loop.task.result();
}
