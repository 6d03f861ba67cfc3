// One place in a cluster: its share of the connections, and the worker that serves it, or the next one when that dies.

import { moveOnAfter } from '../compose/timeout.ts';
import { callLater } from '../kernel/callback.ts';
import { CoreactorError } from '../kernel/errors.ts';
import { currentKernel, currentTask } from '../kernel/here.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { now } from '../kernel/sleep.ts';
import { addon } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';
import { Event } from '../sync/event.ts';
import { type SharedFd, shareFd } from '../threads/shared-fd.ts';
import { WorkerLine } from '../threads/worker-line.ts';
import { JOINED, PROGRAM } from '../threads/worker-source.ts';
import type { Port, Share, ShareHandle } from './share.ts';

/** What clusterWorker() finds in workerData. */
export interface Seat {
  readonly index: number;
  readonly workers: number;
  readonly data: unknown;
  readonly share: ShareHandle;
  /** Its end is the order to stop. */
  readonly orders: SharedFd;
}

/** What all workers run. */
export interface Program {
  readonly entry: string;
  readonly workers: number;
  readonly data: unknown;
}

/** A worker that has served so long is replaced at once; others after a pause, which grows. In milliseconds. */
const PROVED = 5_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5_000;
/** Of a worker that has not joined by then one is told, in milliseconds: its program may never do so. */
const LONG = 5_000;

export class Member {
  readonly index: number;
  /** How many workers have died here. */
  deaths = 0;
  readonly #port: Port;
  readonly #program: Program;
  #share: Share | null = null;
  #withdrawn = false;
  #line: WorkerLine | null = null;
  /** A pipe: the worker sees its end when we close ours. */
  #orders: readonly [reader: number, writer: number] | null = null;
  readonly #stopping = new Event({ name: 'stop' });

  constructor(index: number, port: Port, program: Program) {
    this.index = index;
    this.#port = port;
    this.#program = program;
  }

  /** The worker's thread, as node:worker_threads counts them; -1 while there is none. */
  get threadId(): number {
    return this.#line?.worker.threadId ?? -1;
  }

  /** Suspends until a worker serves. @throws why it does not. */
  *start(): Coroutine<void> {
    if (this.#share === null) {
      this.#share = this.#port.share();
      this.#withdrawn = false;
    }
    const orders = addon.makePipe();
    if (typeof orders === 'number') throw new SystemError(orders, 'pipe', { what: 'for a cluster' });
    this.#orders = orders;
    const { entry, workers, data } = this.#program;
    const seat: Seat = { index: this.index, workers, data, share: this.#share.handle, orders: shareFd(orders[0]) };
    this.#line = new WorkerLine(`coreactor cluster ${this.index}`, PROGRAM, { entry, seat });
    const heard = yield* this.toJoin(this.#line);
    if (heard !== JOINED) throw this.reason(heard);
    this.#share.open = true;
    if (this.#stopping.isSet) this.leaveShare(); // it takes who waits there, and nobody comes after them
  }

  // One that takes long is let: it may have much to load.
  private *toJoin(line: WorkerLine): Coroutine<string | null> {
    const kernel = currentKernel('cluster()');
    const task = currentTask();
    const hint = callLater(LONG, () => {
      const late = `worker ${this.index} of the cluster has not joined in ${LONG / 1000} seconds, and is waited for`;
      const what = `${this.#program.entry} has to call clusterWorker() in a running loop, and then its serve() or listener`;
      const error = new CoreactorError('ERR_COREACTOR_THREAD', `${late}: ${what}`);
      kernel.unhandled({ kind: 'warning', error, task });
    });
    try {
      return yield* line.hear(`worker ${this.index} of the cluster to call clusterWorker().serve()`);
    } finally {
      hint.cancel();
    }
  }

  /** After start(). Suspends until stop(), and puts a new worker in the place of each that dies. */
  *keep(): Coroutine<void> {
    try {
      for (let pause = 0; ; ) {
        const begun = now();
        const failure = yield* this.lifeOfOne();
        if (this.#stopping.isSet) return;
        this.deaths++;
        currentKernel('cluster()').unhandled({ kind: 'warning', error: failure, task: currentTask() });
        const proved = now() - begun >= PROVED;
        pause = proved ? 0 : Math.min(Math.max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE);
        if (pause > FIRST_PAUSE) this.giveUpShare(); // it may take long until there is somebody
        yield* moveOnAfter(pause, () => this.#stopping.wait());
        if (this.#stopping.isSet) return;
      }
    } finally {
      this.close();
    }
  }

  /** Asks the worker to end, in so many milliseconds (null: in its own time); keep() ends with it. Never suspends. */
  stop(drain: number | null): void {
    if (this.#stopping.isSet) return;
    this.#stopping.set();
    this.#line?.say({ drain });
    if (this.#orders !== null) {
      addon.closeDescriptor(this.#orders[1]);
      this.#orders = [this.#orders[0], -1];
    }
    if (this.#share?.open) this.leaveShare(); // one that is about to begin has yet to open it
  }

  /**
   * Before any member is told to stop: where there is no worker, also if keep() has not heard of its end yet, none will come
   * any more. So who waits for one is given to the others, who take them yet. Never suspends.
   */
  stopReplacing(): void {
    const hasEnded = this.#line === null || (this.#share?.open === true && this.#line.ended);
    if (hasEnded) this.withdraw();
  }

  /** Ends the worker in whatever it does. Never suspends. */
  close(): void {
    this.dismiss();
    this.giveUpShare();
  }

  // From its first step to its end; gives the reason of that.
  private *lifeOfOne(): Coroutine<unknown> {
    try {
      if (this.#line === null) yield* this.start();
      const heard = yield* (this.#line as unknown as WorkerLine).hear(`the end of worker ${this.index} of the cluster`);
      return this.reason(heard);
    } catch (error) {
      return error;
    } finally {
      this.dismiss();
    }
  }

  private dismiss(): void {
    if (this.#share !== null) this.#share.open = false;
    this.#line?.end();
    this.#line = null;
    for (const fd of this.#orders ?? []) if (fd >= 0) addon.closeDescriptor(fd);
    this.#orders = null;
  }

  // The worker takes who is there, and may do so at any moment: who came to it later would find nobody.
  private leaveShare(): void {
    const share = this.#share as Share;
    share.open = false;
    share.leave();
  }

  private withdraw(): void {
    if (this.#withdrawn) return;
    this.#withdrawn = true;
    this.#share?.withdraw();
  }

  private giveUpShare(): void {
    this.withdraw();
    this.#share?.close();
    this.#share = null;
  }

  private reason(heard: string | null): CoreactorError {
    const who = `worker ${this.index} of the cluster`;
    if (heard !== null || this.#line === null) return new CoreactorError('ERR_COREACTOR_THREAD', `${who} is confused`);
    return this.#line.epitaph(`${who} has ended`, 'its program came to its end, or to process.exit()');
  }
}
