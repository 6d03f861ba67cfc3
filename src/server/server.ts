// A server as a whole: a task for each connection, and an end in which nobody is lost: stop accepting, let those finish who
// are at work, cancel who takes too long.

import { endAll } from '../compose/end.ts';
import { wait } from '../compose/wait.ts';
import { type CallbackHandle, callLater } from '../kernel/callback.ts';
import { createTask } from '../kernel/create-task.ts';
import { checkDuration } from '../kernel/deadline.ts';
import { ArgumentRangeError, ArgumentTypeError, ClosedError, InvalidStateError } from '../kernel/errors.ts';
import { currentTask } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { CancelScope, type ScopeBody } from '../kernel/scope.ts';
import type { Task } from '../kernel/task.ts';
import type { Listener } from '../net/listener.ts';
import type { Socket } from '../net/socket.ts';
import { Event } from '../sync/event.ts';
import { Semaphore } from '../sync/semaphore.ts';

/** What serves one connection. The socket is closed when it has ended, however it has. */
export type Handler = (socket: Socket, server: Server) => Coroutine<unknown>;

export interface ServerOptions {
  /** So many connections are served at once; others wait in the system's backlog. Default: any number. */
  maxConnections?: number;
}

/** How a peer ends a connection that does not say goodbye: no failure of ours. */
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE']);

/** How long those who have only just connected have for their first word when the server is being closed, in milliseconds. */
const FIRST_WORD = 200;

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
  readonly #most: number;
  readonly #places: Semaphore | null;
  readonly #tasks = new Set<Task<unknown>>();
  /** Of those, whose peer was not listened to yet, as far as whileIdle() knows. */
  readonly #unheard = new Set<Task<unknown>>();
  /** Handlers that wait for what a peer may never say, and whether that is its first word. */
  readonly #idle = new Map<CancelScope, boolean>();
  /** serve() accepts nobody any more. */
  readonly #accepted = new Event({ name: 'the end of accepting' });
  #serving = false;
  #closing = false;

  constructor(listener: Listener, handler: Handler, options: ServerOptions = {}) {
    if (typeof handler !== 'function') throw new ArgumentTypeError('new Server() takes a listener and a function*');
    const { maxConnections = Number.POSITIVE_INFINITY } = options;
    if (!(maxConnections >= 1)) throw new ArgumentRangeError(`maxConnections ${maxConnections} must be at least 1`);
    this.listener = listener;
    this.#handler = handler;
    this.#most = maxConnections;
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
        if (this.#places !== null) {
          if (this.#closing && this.#places.locked) return; // who has no place now never will
          yield* this.#places.acquire();
        }
        this.start(yield* this.listener.accept());
      }
    } catch (error) {
      if (!(this.#closing && error instanceof ClosedError)) throw error;
    } finally {
      this.listener.close();
      this.#accepted.set();
    }
  }

  /**
   * Runs what may wait for ever, such as for the next request, and gives its result; undefined when the server is being
   * closed: then it is cancelled at once. (A connection's first one has a moment more, since nobody has looked yet at what its
   * peer may have sent.) Suspends as the body does.
   */
  *whileIdle<T>(body: ScopeBody<T>): Coroutine<T | undefined> {
    const task = currentTask();
    const isFirst = this.#unheard.has(task);
    if (this.#closing && !isFirst) return undefined;
    const scope = new CancelScope();
    this.#idle.set(scope, isFirst);
    try {
      return yield* scope.run(body);
    } finally {
      this.#idle.delete(scope);
      this.#unheard.delete(task);
    }
  }

  /**
   * Stops accepting, ends what is idle, and waits `drain` milliseconds at most (default: for ever) until the handlers have
   * ended; then they are cancelled, and awaited. Who has connected before is served, too, if serve() runs and there is a place;
   * the others get a reset, and so do all if `drain` is 0. Cancelled itself, it cancels them at once. (Go: http.Server.Shutdown)
   * @throws InvalidStateError in a handler, which it would wait for: `createTask(server.close())` there; RangeError,
   * TypeError for a drain that is no duration.
   */
  close(options: { drain?: number | null } = {}): Operation<void> {
    const { drain = null } = options;
    checkDuration(drain, 'close()');
    return made(this.ending(drain), 'close()');
  }

  private *ending(drain: number | null): Coroutine<void> {
    if (this.#tasks.has(currentTask())) {
      throw new InvalidStateError(
        'close() waits for the handlers, and was called in one, which would wait for itself: createTask(server.close())',
      );
    }
    const isGraceful = drain === null || drain > 0;
    this.#closing = true;
    this.endIdle(!isGraceful);
    let moment: CallbackHandle | null = null;
    try {
      if (isGraceful) {
        yield* this.takeLast();
        moment = callLater(FIRST_WORD, () => this.endIdle(true));
      }
      this.listener.close();
      if (this.#tasks.size > 0) yield* wait(this.#tasks, { timeout: drain });
    } finally {
      moment?.cancel();
      this.listener.close();
      yield* endAll(new Set(this.#tasks), 'the server is being closed');
    }
  }

  /** Ends what is idle, also those who have yet to say their first word, or not. */
  private endIdle(all: boolean): void {
    if (all) this.#unheard.clear();
    for (const [scope, isFirst] of this.#idle) if (all || !isFirst) scope.cancel();
  }

  // To those who wait in the queue the server has answered already. It is serve() that takes them, as all others.
  private *takeLast(): Coroutine<void> {
    if (!this.#serving) return;
    yield* this.listener.finish();
    // Where all places are taken it waits for one, and not for them.
    if (this.#tasks.size < this.#most) yield* this.#accepted.wait();
  }

  private start(socket: Socket): void {
    const task = createTask(this.handle(socket), { name: `connection ${socket.fd}` });
    this.#tasks.add(task);
    this.#unheard.add(task);
    task.addDoneCallback(() => {
      socket.close(); // also of one that was cancelled before its first step
      this.#tasks.delete(task);
      this.#unheard.delete(task);
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
