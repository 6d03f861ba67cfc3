// The side of a worker: its share of the connections, and the order to stop.

import type { MessagePort } from 'node:worker_threads';
import { taskGroup } from '../compose/task-group.ts';
import { createTask } from '../kernel/create-task.ts';
import { InvalidStateError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { sleep } from '../kernel/sleep.ts';
import { addon } from '../native/addon.ts';
import { workerThreads } from '../native/worker-threads.ts';
import { Listener } from '../net/listener.ts';
import { openFd } from '../net/open-fd.ts';
import { type Handler, Server, type ServerOptions } from '../server/server.ts';
import { Event } from '../sync/event.ts';
import { openShared } from '../threads/shared-fd.ts';
import { JOINED } from '../threads/worker-source.ts';
import type { Seat } from './member.ts';
import type { ShareHandle } from './share.ts';

/** Given by clusterWorker(). */
export class ClusterWorker {
  /** From 0. A worker that replaces one has its index. */
  readonly index: number;
  /** How many the cluster has. */
  readonly workers: number;
  /** What cluster() was given. */
  readonly data: unknown;
  /** Set when the cluster is being closed: serve() sees to it; who accepts by hand ends then. */
  readonly stopping = new Event({ name: 'the cluster is being closed' });
  readonly #given: Given;
  #listener: Listener | null = null;
  #drain: number | null = null;

  /** @internal */
  constructor(given: Given) {
    this.#given = given;
    const { index, workers, data } = given.seat;
    this.index = index;
    this.workers = workers;
    this.data = data;
    createTask(this.listening(), { name: 'orders of the cluster' }).addDoneCallback(() => {
      if (!this.stopping.isSet) joined = null; // the end of its loop: there may be another, and then another one hears them
    });
  }

  /**
   * What comes to this worker. The first use is its word that it serves, for which cluster() waits: set up before what may
   * fail.
   */
  get listener(): Listener {
    if (this.#listener === null) {
      this.#listener = open(this.#given.seat.share);
      if (!told) this.#given.tell(JOINED);
      told = true;
    }
    return this.#listener;
  }

  /**
   * Serves connections as Server does, until the cluster is being closed: then it lets the handlers finish, cancels who takes
   * longer than the `drain` that was given there, and ends. Suspends as long.
   */
  serve(handler: Handler, options?: ServerOptions): Operation<void> {
    return made(this.serving(new Server(this.listener, handler, options)), 'serve()');
  }

  private *serving(server: Server): Coroutine<void> {
    const { stopping } = this;
    const drain = () => this.#drain;
    yield* taskGroup(function* (group) {
      group.createTask(server.serve(), { name: 'accepting' });
      yield* stopping.wait();
      yield* sleep(0); // the order may be there already: serve() is to have begun, which takes who waits
      yield* server.close({ drain: drain() });
    });
  }

  private *listening(): Coroutine<void> {
    const { seat, port } = this.#given;
    const own = openShared(seat.orders);
    if (own !== null) {
      using orders = openFd(own);
      yield* orders.recv(1); // its end: nothing is ever sent
    }
    const order = workerThreads().receiveMessageOnPort(port)?.message as { drain: number | null } | undefined;
    this.#drain = order?.drain ?? null;
    this.stopping.set();
  }
}

function open(share: ShareHandle): Listener {
  const fd = openShared(share.accept === 'reuseport' ? share.socket : share.pipe);
  if (fd === null) throw new InvalidStateError('the cluster has given up this worker');
  return new Listener(fd, share.accept === 'reuseport' ? {} : { address: share.address, take: addon.takeOver });
}

/** The workerData of such a worker. */
interface Given {
  readonly seat: Seat;
  readonly port: MessagePort;
  tell(word: string): void;
}

/** Of the loop that runs. */
let joined: ClusterWorker | null = null;
/** Whether the cluster knows that this worker serves. */
let told = false;

/**
 * What cluster() has given to this thread. To be called in a running loop, to which the connections then come; a second call
 * gives the same, in a later loop one that belongs to that. Never suspends.
 * @throws InvalidStateError where there is no cluster, or outside a running loop.
 * @example
 * run(function* () {
 *   const worker = clusterWorker();
 *   yield* worker.serve(function* (socket) {
 *     yield* socket.sendAll(Buffer.from(`worker ${worker.index}\n`));
 *   });
 * });
 */
export function clusterWorker(): ClusterWorker {
  currentKernel('clusterWorker()');
  if (joined !== null) return joined;
  const given = workerThreads().workerData as Given | null;
  if (given?.seat === undefined) {
    throw new InvalidStateError('clusterWorker() is for the workers that cluster() starts: start this as its entry');
  }
  joined = new ClusterWorker(given);
  return joined;
}
