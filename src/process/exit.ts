// Waits for the end of one child: by its pidfd where the system has them, or else by SIGCHLD.

import { currentKernel, here } from '../kernel/here.ts';
import { DONE, type Operation, type Park } from '../kernel/operation.ts';
import { park } from '../kernel/park.ts';
import { Readiness, type Waiter } from '../kernel/readiness.ts';
import { READ } from '../kernel/selector-port.ts';
import type { Task } from '../kernel/task.ts';
import { addon, type SignalWatcherObject } from '../native/addon.ts';
import { checked } from '../native/system-error.ts';
import { Window } from '../native/window.ts';
import { type SignalName, signalName, signalNumber } from './signal-names.ts';

const SIGKILL = 9;
/** How long the end of a run waits for a child that it has killed. */
const LAST_MS = 1000;

/** How a process has ended: one of the two is null. */
export interface ExitStatus {
  /** What it gave to exit(). */
  readonly code: number | null;
  /** What has killed it. */
  readonly signal: SignalName | null;
}

export class Exit implements Waiter {
  readonly name = 'wait()';
  readonly pid: number;
  status: ExitStatus | null = null;
  readonly #readiness: Readiness;
  /** Where there is no pidfd. */
  readonly #watcher: SignalWatcherObject | null;
  readonly #bytes = new Window();
  readonly #parked = new Set<Task<unknown>>();

  constructor(pid: number) {
    this.pid = pid;
    currentKernel('spawn()');
    const pidfd = usesPidfd() ? addon.openPidfd(pid) : -1;
    this.#watcher = pidfd >= 0 ? null : new addon.SignalWatcher([signalNumber('SIGCHLD', 'spawn()')]);
    const fd = this.#watcher === null ? pidfd : checked(this.#watcher.fd, 'signal', { what: 'SIGCHLD' });
    try {
      this.#readiness = new Readiness(fd, READ, () => this.abandon());
    } catch (error) {
      this.#watcher?.close();
      addon.closeDescriptor(fd);
      throw error;
    }
    this.#readiness.reader = this;
    this.#readiness.ask(READ);
    if (this.#watcher !== null) {
      this.#bytes.point(Buffer.alloc(256), 0, undefined);
      this.look(); // it may have ended before anybody listened
    }
  }

  /** Suspends until it has ended; any number may wait. */
  wait(): Operation<ExitStatus> {
    const iterator: Iterator<Park, ExitStatus, void> = {
      next: () => {
        const task = here.task as Task<unknown>;
        this.#parked.delete(task);
        if (this.status !== null) return { done: true, value: this.status };
        this.#parked.add(task);
        return park(`the end of process ${this.pid}`);
      },
      return: () => {
        this.#parked.delete(here.task as Task<unknown>);
        return DONE as never;
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }

  /** Sends a signal; false if it has ended: its number may be somebody else's. */
  kill(signal: SignalName): boolean {
    const number = signalNumber(signal, 'kill()');
    this.look();
    if (this.status !== null) return false;
    checked(addon.kill(this.pid, number), 'kill', { what: `${signal} to process ${this.pid}` });
    return true;
  }

  /** Something has come: the pidfd is readable, or a child has ended, perhaps this one. */
  wake(): boolean {
    if (this.#watcher !== null) {
      while (this.#bytes.receive(this.#readiness.fd) > 0);
      this.#readiness.readable = false;
      this.#readiness.ask(READ);
    }
    this.look();
    return true;
  }

  private look(): void {
    if (this.status !== null) return;
    const ended = addon.reap(this.pid);
    if (ended === 0) return;
    // Somebody else in the process has reaped it: that is all that can be known.
    const [code, signal] = typeof ended === 'number' ? [-1, 0] : ended;
    this.status = { code: signal === 0 && code >= 0 ? code : null, signal: signal === 0 ? null : signalName(signal) };
    this.close();
    for (const task of this.#parked) task.wake();
  }

  // The run is over: no child outlives it unknown.
  private abandon(): void {
    if (this.status !== null) return;
    addon.kill(this.pid, SIGKILL);
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < LAST_MS && this.status === null; i++) {
      this.look();
      if (this.status === null) Atomics.wait(pause, 0, 0, 1); // it ends when the system call that it is in does
    }
    if (this.status === null) this.close();
  }

  private close(): void {
    this.#readiness.reader = null;
    this.#watcher?.close();
    this.#bytes.release();
    addon.closeDescriptor(this.#readiness.remove());
  }
}

function usesPidfd(): boolean {
  return process.env.COREACTOR_PIDFD !== '0'; // to try the other way where there are both
}
