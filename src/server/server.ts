// A server as a whole: a task for each connection, and an end in which nobody is lost: stop accepting, let those finish who
// are at work, cancel who takes too long.

import { endAll } from '../compose/end.ts';
import { wait } from '../compose/wait.ts';
import { createTask } from '../kernel/create-task.ts';
import { ArgumentRangeError, ArgumentTypeError, ClosedError, InvalidStateError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { CancelScope, type ScopeBody } from '../kernel/scope.ts';
import type { Task } from '../kernel/task.ts';
import type { Listener } from '../net/listener.ts';
import type { Socket } from '../net/socket.ts';
import { Semaphore } from '../sync/semaphore.ts';

/** What serves one connection. The socket is closed when it has ended, however it has. */
export type Handler = (socket: Socket, server: Server) => Coroutine<unknown>;

export interface ServerOptions {
  /** So many connections are served at once; others wait in the system's backlog. Default: any number. */
  maxConnections?: number;
}

/** How a peer ends a connection that does not say goodbye: no failure of ours. */
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE']);

/**
 * Serves a listener. A handler that fails is reported as any task that nobody awaits (not for ECONNRESET and EPIPE, which a
 * peer may cause at any time); the server goes on.
 * @example
 * const server = new Server(listen({ port: 7000 }), function* (socket) {
 *   for (;;) {
 *     const line = yield* server.whileIdle(() => reader.readLine()); // ended when the server is being closed
 *     ...
 *   }
 * });
 * const serving = createTask(server.serve());
 * yield* signal('SIGTERM');
 * yield* server.close({ drain: 10_000 });
 */
export class Server {
  readonly listener: Listener;
  readonly #handler: Handler;
  readonly #places: Semaphore | null;
  readonly #tasks = new Set<Task<unknown>>();
  /** Handlers that wait for what a peer may never say. */
  readonly #idle = new Set<CancelScope>();
  #serving = false;
  #closing = false;

  constructor(listener: Listener, handler: Handler, options: ServerOptions = {}) {
    if (typeof handler !== 'function') throw new ArgumentTypeError('new Server() takes a listener and a function*');
    const { maxConnections = Number.POSITIVE_INFINITY } = options;
    if (!(maxConnections >= 1)) throw new ArgumentRangeError(`maxConnections ${maxConnections} must be at least 1`);
    this.listener = listener;
    this.#handler = handler;
    this.#places = maxConnections === Number.POSITIVE_INFINITY ? null : new Semaphore(maxConnections);
  }

  /** How many connections are being served. */
  get connections(): number {
    return this.#tasks.size;
  }

  /** Whether close() was called: a handler finishes what it is at, and ends. */
  get closing(): boolean {
    return this.#closing;
  }

  /**
   * Accepts and serves until close() is called; suspends as long. Cancelled, it stops accepting, and what it has accepted is
   * served further: close() waits for them.
   * @throws what accept() throws, but not ClosedError; InvalidStateError the second time.
   */
  *serve(): Coroutine<void> {
    if (this.#serving) throw new InvalidStateError('serve() was called before: one task accepts for a server');
    this.#serving = true;
    try {
      for (;;) {
        if (this.#places !== null) yield* this.#places.acquire();
        this.start(yield* this.listener.accept());
      }
    } catch (error) {
      if (!(this.#closing && error instanceof ClosedError)) throw error;
    } finally {
      this.listener.close();
    }
  }

  /**
   * Runs what may wait for ever, such as for the next request, and gives its result; undefined when the server is being
   * closed: then it is cancelled at once. Suspends as the body does.
   */
  *whileIdle<T>(body: ScopeBody<T>): Coroutine<T | undefined> {
    if (this.#closing) return undefined;
    const scope = new CancelScope();
    this.#idle.add(scope);
    try {
      return yield* scope.run(body);
    } finally {
      this.#idle.delete(scope);
    }
  }

  /**
   * Stops accepting, ends what is idle, and waits `drain` milliseconds at most (default: for ever) until the handlers have
   * ended; then they are cancelled, and awaited. Cancelled itself, it cancels them at once. (Go: http.Server.Shutdown)
   */
  close(options: { drain?: number | null } = {}): Operation<void> {
    return made(this.ending(options.drain ?? null), 'close()');
  }

  private *ending(drain: number | null): Coroutine<void> {
    this.#closing = true;
    this.listener.close();
    for (const scope of this.#idle) scope.cancel();
    try {
      if (this.#tasks.size > 0) yield* wait(this.#tasks, { timeout: drain });
    } finally {
      yield* endAll(new Set(this.#tasks), 'the server is being closed');
    }
  }

  private start(socket: Socket): void {
    const task = createTask(this.handle(socket), { name: `connection ${socket.fd}` });
    this.#tasks.add(task);
    task.addDoneCallback(() => {
      socket.close(); // also of one that was cancelled before its first step
      this.#tasks.delete(task);
      this.#places?.release();
    });
  }

  private *handle(socket: Socket): Coroutine<void> {
    try {
      yield* this.#handler(socket, this);
    } catch (error) {
      if (!BROKEN_OFF.has((error as { code?: string } | null)?.code ?? '')) throw error;
    } finally {
      socket.close();
    }
  }
}
