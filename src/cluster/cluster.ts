// One server on many cores: a reactor in each worker thread, and the connections of one port spread over them.

import { availableParallelism } from 'node:os';
import { endAll } from '../compose/end.ts';
import { gather } from '../compose/gather.ts';
import { shield } from '../compose/shield.ts';
import { wait } from '../compose/wait.ts';
import { createTask } from '../kernel/create-task.ts';
import { checkDuration } from '../kernel/deadline.ts';
import { ArgumentRangeError, ArgumentTypeError, CancelledError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import { type Address, checkBacklog, formatAddress, isUnix, type UnixTarget } from '../native/address.ts';
import type { ListenOptions } from '../net/listener.ts';
import { checkModule } from '../threads/worker-line.ts';
import { Member, type Program } from './member.ts';
import { HandedPort, type Port, ReusedPort } from './share.ts';

/** How connections come to the workers. */
export type Distribution = 'reuseport' | 'handoff';

export interface ClusterOptions extends Omit<ListenOptions, 'reusePort'> {
  /** The module that each worker runs; in a loop of its own it calls clusterWorker(). */
  entry: string | URL;
  /** How many. Default: as many as there are processors. */
  workers?: number;
  /**
   * 'reuseport': the system spreads connections by their addresses, and no thread stands between (Linux, TCP). A program of
   * the same user that sets SO_REUSEPORT, too, can join later, and gets a part of them: nothing prevents that. 'handoff':
   * this thread accepts and hands them round in turn, which costs each connection a way through it, and is even; nobody can
   * join. Default: the first where it can be had.
   */
  accept?: Distribution;
  /** As listen() takes them. */
  host?: string;
  port?: number;
  path?: string;
  /** For the workers: a copy is `clusterWorker().data`. */
  data?: unknown;
}

/** One worker, and those that come after it when it dies. */
export interface ClusterMember {
  readonly index: number;
  /** As node:worker_threads counts them; -1 while there is none. */
  readonly threadId: number;
  /** How many workers have died here. */
  readonly deaths: number;
}

/** Made by cluster(). */
export class Cluster {
  /** Where all of them listen. */
  readonly address: Address;
  readonly workers: readonly ClusterMember[];
  readonly #port: Port;
  readonly #members: readonly Member[];
  readonly #tasks: ReadonlySet<Task<void>>;
  readonly #end: Task<void>;

  /** @internal All members have started. */
  constructor(port: Port, members: readonly Member[]) {
    this.address = port.address;
    this.workers = members;
    this.#port = port;
    this.#members = members;
    this.#tasks = new Set(
      members.map((member) => createTask(member.keep(), { name: `worker ${member.index} of the cluster` })),
    );
    this.#end = createTask(this.holding(), { name: `cluster on ${formatAddress(this.address)}` });
  }

  /** Suspends until close() was called and all workers have ended. */
  waitClosed(): Operation<void> {
    return made(shield(this.#end), 'waitClosed()');
  }

  /**
   * Stops accepting, and suspends until all workers have ended. They are asked to: their serve() takes who has connected
   * before, lets the handlers finish, `drain` milliseconds at most (default: for ever), and cancels them after that. (Who is
   * about to connect in that very moment is refused or reset, as by any server that ends.) A worker that computes for ever
   * hears nothing of that: put this into a timeout(), for cancelled it ends the workers in whatever they do but a system call.
   * A worker whose program keeps itself alive after its serve() is waited for, too, whatever `drain` is. A second call waits
   * with the first, whose `drain` counts.
   * @throws RangeError, TypeError for a drain that is no duration.
   */
  close(options: { drain?: number | null } = {}): Operation<void> {
    const { drain = null } = options;
    checkDuration(drain, 'close()');
    return made(this.ending(drain), 'close()');
  }

  private *ending(drain: number | null): Coroutine<void> {
    try {
      yield* this.#port.finish();
      this.#port.close();
      for (const member of this.#members) member.stopReplacing();
      for (const member of this.#members) member.stop(drain);
      yield* shield(this.#end);
    } finally {
      yield* endAll(this.#tasks, 'the cluster is being closed');
    }
  }

  // The port is ours until all workers have ended, also at the end of the run.
  private *holding(): Coroutine<void> {
    try {
      yield* wait(this.#tasks);
    } finally {
      this.#port.close();
    }
  }
}

/**
 * Serves one port by many worker threads, each with a loop of its own; gives the Cluster when all of them serve. Suspends
 * until then, and tells onUnhandled of a worker that takes long to join. One that dies is replaced, and onUnhandled is told
 * why; what waits in its share of the connections waits for the next. At the end of the run the workers end, too: see close()
 * for a better end.
 *
 * What a worker writes to console is printed by this thread, whenever a task here gives way; a worker that is far ahead of that
 * waits. (node:cluster)
 * @throws SystemError EADDRINUSE if anybody has the port already, also who would share it; CoreactorError ERR_COREACTOR_THREAD
 * with the cause if a worker cannot begin; RangeError, TypeError for impossible options.
 * @example
 * const servers = yield* cluster({ entry: new URL('./worker.js', import.meta.url), port: 7000 });
 * yield* signal('SIGTERM');
 * yield* servers.close({ drain: 10_000 });
 *
 * // worker.js
 * run(function* () {
 *   yield* clusterWorker().serve(function* (socket) { ... });
 * });
 */
export function cluster(options: ClusterOptions): Operation<Cluster> {
  currentKernel('cluster()');
  return made(starting(checked(options)), 'cluster()');
}

interface Plan {
  readonly port: () => Port;
  readonly program: Program;
}

function checked(options: ClusterOptions): Plan {
  const { entry, workers = availableParallelism(), data, host, ...rest } = options ?? {};
  const program = { entry: checkModule(entry, 'cluster()'), workers, data };
  if (!Number.isInteger(workers) || workers < 1) {
    throw new ArgumentRangeError(`cluster() was given ${workers} workers: it must be a whole number, at least 1`);
  }
  if (rest.backlog !== undefined) checkBacklog(rest.backlog);
  if (isUnix(options as UnixTarget, 'cluster()')) {
    const { path, accept = 'handoff' } = options as UnixTarget & ClusterOptions;
    if (accept === 'handoff') return { program, port: () => new HandedPort({ path }, rest) };
    throw new ArgumentTypeError("cluster() cannot share the path of a Unix socket: take accept: 'handoff'");
  }
  const isLinux = process.platform === 'linux';
  const { accept = isLinux ? 'reuseport' : 'handoff' } = rest;
  const target = { port: rest.port as number, ...(host !== undefined && { host }) };
  if (accept === 'handoff') return { program, port: () => new HandedPort(target, rest) };
  if (accept === 'reuseport' && isLinux) return { program, port: () => new ReusedPort(target, rest) };
  const why = accept === 'reuseport' ? ', for this system does not spread connections' : '';
  throw new ArgumentRangeError(
    `cluster() cannot have accept: ${String(accept)}${why}: take 'handoff' or 'reuseport' (Linux)`,
  );
}

function* starting(plan: Plan): Coroutine<Cluster> {
  let failed = false;
  // Several may fail at once: the error of the first one is that of the whole.
  function* first(member: Member): Coroutine<void> {
    try {
      yield* member.start();
    } catch (error) {
      if (failed && !(error instanceof CancelledError)) return;
      failed = true;
      throw error;
    }
  }
  const port = plan.port();
  const members = Array.from({ length: plan.program.workers }, (_, index) => new Member(index, port, plan.program));
  let started = false;
  try {
    yield* gather(members.map((member) => first(member)));
    started = true;
    return new Cluster(port, members);
  } finally {
    if (!started) {
      port.close();
      for (const member of members) member.close();
    }
  }
}
