// One worker of a pool, and how a loop that waits for descriptors hears of it.

import type { MessagePort, Worker } from 'node:worker_threads';
import { timeout } from '../compose/timeout.ts';
import { CoreactorError } from '../kernel/errors.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { addon } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';
import { openFd } from '../net/open-fd.ts';
import type { Stream } from '../net/stream.ts';
import { ANSWER, BEGUN, WORKER_SOURCE } from './worker-source.ts';
import { workerThreads } from './worker-threads.ts';

/** How long a worker may take to begin, in milliseconds. One that cannot begin is heard of by this only under run(). */
const PATIENCE = 30_000;

/** What a worker is asked for: a function by its text, or by its module and name there. */
export type Job = { args: unknown[] } & ({ text: string } | { module: string; name: string });

interface Answer {
  value?: unknown;
  error?: unknown;
  /** Whether the function has used a name that is not known where it ran. */
  stranger?: boolean;
  extra?: Record<string, unknown>;
}

export class Thread {
  readonly #worker: Worker;
  readonly #answers: MessagePort;
  /** Where it tells that there is an answer; it ends when the worker does. */
  readonly #reader: number;
  /** The other end, until the worker has one of its own. */
  #writer: number;
  readonly #byte = Buffer.alloc(1);
  /** Whether it can be given a job. */
  idle = true;

  constructor() {
    const ends = addon.makePipe();
    if (typeof ends === 'number') throw new SystemError(ends, 'pipe', { what: 'for a thread' });
    [this.#reader, this.#writer] = ends;
    const { MessageChannel, Worker } = workerThreads();
    const { port1, port2 } = new MessageChannel();
    try {
      this.#worker = new Worker(WORKER_SOURCE, {
        eval: true,
        name: 'coreactor',
        workerData: { pipe: this.#writer, port: port2 },
        transferList: [port2],
      });
    } catch (error) {
      port1.close();
      for (const fd of ends) addon.closeDescriptor(fd);
      throw error;
    }
    this.#answers = port1;
    // Idle ones keep no process alive; at work they do, by what the loop waits for.
    this.#worker.unref();
    port1.unref();
    this.#worker.on('error', () => {}); // we hear of it by the end of the pipe
  }

  /** Suspends until the worker has done the job. Cancelled, the thread must be ended: it is at work still. */
  *perform(job: Job): Coroutine<unknown> {
    this.#worker.postMessage(job);
    this.idle = false;
    const bell = openFd(this.#reader, { close: false });
    try {
      if (this.#writer >= 0) {
        yield* timeout(PATIENCE, () => this.hear(bell, BEGUN));
        this.closeWriter(); // now it ends when the worker does
      }
      yield* this.hear(bell, ANSWER);
      this.idle = true;
    } finally {
      bell.close();
    }
    return result(workerThreads().receiveMessageOnPort(this.#answers)?.message as Answer, job);
  }

  /** The worker is stopped in whatever it does; its thread is gone soon after. Never suspends. */
  end(): void {
    void this.#worker.terminate().catch(() => {});
    this.#answers.close();
    this.closeWriter();
    addon.closeDescriptor(this.#reader);
  }

  private *hear(bell: Stream, expected: number): Coroutine<void> {
    do if ((yield* bell.recvInto(this.#byte)) === 0) throw died();
    while (this.#byte[0] !== expected);
  }

  private closeWriter(): void {
    if (this.#writer < 0) return;
    addon.closeDescriptor(this.#writer);
    this.#writer = -1;
  }
}

function died(): CoreactorError {
  return new CoreactorError(
    'ERR_COREACTOR_THREAD',
    'the worker has ended before it had an answer: the function has called process.exit(), or has run out of memory',
  );
}

function result({ value, error, stranger, extra }: Answer, job: Job): unknown {
  if (extra === undefined) return value;
  if (stranger && 'text' in job) {
    throw new CoreactorError(
      'ERR_COREACTOR_CLOSURE',
      `${(error as Error).message} in the thread: a function that is given to toThread() goes there as its text, without ` +
        'the variables and imports around it. Give them as arguments, use require() in it, or name a module: ' +
        "toThread({ module: new URL('./work.js', import.meta.url), export: 'work' })",
      { cause: error },
    );
  }
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
  throw error;
}
