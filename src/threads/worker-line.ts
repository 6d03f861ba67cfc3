// A worker, and the line on which it tells a loop that waits for descriptors only: words in a pipe, whose end is the end
// of the worker, and messages in a port, which are there before the word that tells of them.

import { constants } from 'node:os';
import type { MessagePort, Worker } from 'node:worker_threads';
import { timeout } from '../compose/timeout.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../kernel/errors.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { Readiness } from '../kernel/readiness.ts';
import { READ } from '../kernel/selector-port.ts';
import { addon } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';
import { PRELUDE, VALUE } from './worker-source.ts';
import { workerThreads } from './worker-threads.ts';

const { EAGAIN } = constants.errno;
/** How long a worker may take to begin, in milliseconds. One that cannot begin is heard of by this only under run(). */
const PATIENCE = 30_000;

export class WorkerLine {
  readonly worker: Worker;
  readonly #port: MessagePort;
  readonly #reader: number;
  /** The other end, until the worker has one of its own. */
  #writer: number;
  /** What was read of the pipe and not given yet. */
  #heard = '';

  /** Starts a worker that runs `source` (see PRELUDE), with `data` as its workerData. It keeps no process alive. */
  constructor(name: string, source: string, data: object = {}) {
    const ends = addon.makePipe();
    if (typeof ends === 'number') throw new SystemError(ends, 'pipe', { what: 'for a thread' });
    [this.#reader, this.#writer] = ends;
    const { MessageChannel, Worker } = workerThreads();
    const { port1, port2 } = new MessageChannel();
    try {
      this.worker = new Worker(PRELUDE + source, {
        eval: true,
        name,
        workerData: { ...data, pipe: this.#writer, port: port2 },
        transferList: [port2],
      });
    } catch (error) {
      port1.close();
      for (const fd of ends) addon.closeDescriptor(fd);
      throw error;
    }
    this.#port = port1;
    this.worker.unref();
    port1.unref();
    this.worker.on('error', () => {}); // we hear of it by the end of the pipe
  }

  /** Suspends until the worker tells something: gives the word, or null if it has ended. `what` is what people are told. */
  *hear(what: string): Coroutine<string | null> {
    const readiness = new Readiness(this.#reader, READ, () => {});
    try {
      if (this.#writer >= 0) {
        yield* timeout(PATIENCE, () => this.next(readiness, what)); // BEGUN
        this.closeWriter(); // now it ends when the worker does
      }
      return yield* this.next(readiness, what);
    } finally {
      readiness.remove();
    }
  }

  /** What the worker has put into the port. */
  take(): unknown {
    return workerThreads().receiveMessageOnPort(this.#port)?.message;
  }

  /** For the worker's `port`, where it has to look for itself. */
  say(message: unknown): void {
    this.#port.postMessage(message);
  }

  /** The worker is stopped in whatever it does; its thread is gone soon after. Never suspends. */
  end(): void {
    void this.worker.terminate().catch(() => {});
    this.#port.close();
    this.closeWriter();
    addon.closeDescriptor(this.#reader);
  }

  private *next(readiness: Readiness, what: string): Coroutine<string | null> {
    while (this.#heard === '') {
      yield* readiness.whenReadable(what);
      const heard = addon.hear(this.#reader);
      if (typeof heard === 'string') this.#heard = heard;
      else if (heard === -EAGAIN)
        readiness.readable = false; // only now will it be told again
      else return null;
    }
    // Nothing comes behind a value before the next job.
    const word = this.#heard.startsWith(VALUE) ? this.#heard : this.#heard.slice(0, 1);
    this.#heard = this.#heard.slice(word.length);
    return word;
  }

  private closeWriter(): void {
    if (this.#writer < 0) return;
    addon.closeDescriptor(this.#writer);
    this.#writer = -1;
  }
}

/** An error as a worker's `failure()` has packed it: a clone of it keeps little by itself. */
export interface PackedError {
  error: unknown;
  extra: Record<string, unknown>;
}

export function unpackError({ error, extra }: PackedError): unknown {
  if (error instanceof Error) {
    for (const [name, own] of Object.entries(extra)) {
      Object.defineProperty(error, name, {
        value: own,
        writable: true,
        configurable: true,
        enumerable: name !== 'name',
      });
    }
  }
  return error;
}

/** A module that a worker can import: it knows nothing of the file that names it. */
export function checkModule(module: unknown, caller: string): string {
  if (typeof module !== 'string' && !(module instanceof URL)) {
    throw new ArgumentTypeError(`${caller} takes a module as URL or string: new URL('./work.js', import.meta.url)`);
  }
  const url = String(module);
  if (!/^\.\.?\//.test(url)) return url;
  throw new ArgumentRangeError(
    `${caller} was given the module ${url}, which is relative to nobody knows what: new URL('${url}', import.meta.url)`,
  );
}
