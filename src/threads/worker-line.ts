// A worker, and the line on which it tells a loop that waits for descriptors only: words in a pipe, whose end is the end
// of the worker, and messages in a port, which are there before the word that tells of them.

import { constants } from 'node:os';
import type { MessagePort, Worker } from 'node:worker_threads';
import { moveOnAfter } from '../compose/timeout.ts';
import { fromPromise } from '../hosts/from-promise.ts';
import { ArgumentRangeError, ArgumentTypeError, CoreactorError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { Readiness } from '../kernel/readiness.ts';
import { READ } from '../kernel/selector-port.ts';
import { sleep } from '../kernel/sleep.ts';
import { addon } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';
import { workerThreads } from '../native/worker-threads.ts';
import { type Packed, unpack } from './packed-error.ts';
import { PRINTED, Printing } from './printing.ts';
import { shareFd } from './shared-fd.ts';
import { BEGUN, FAILED, OPENED, PRELUDE, TAKEN, VALUE } from './worker-source.ts';

const { EAGAIN } = constants.errno;
/** How long a worker may take to begin, in milliseconds. One that cannot begin is heard of by this only under run(). */
const PATIENCE = 30_000;
/** How long a worker may take from taking its end of the pipe to having opened it, in milliseconds. */
const OPENING = 50;
/** How long the host may take to tell why a worker has ended, in milliseconds. */
const INQUEST = 1000;

export class WorkerLine {
  readonly worker: Worker;
  readonly #port: MessagePort;
  readonly #printing: Printing;
  readonly #reader: number;
  /** The other end, until the worker has one of its own. */
  #writer: number;
  /** Which of the two sides has taken the writer, see PRELUDE. */
  readonly #taken = new Int32Array(new SharedArrayBuffer(4));
  /** What was read of the pipe and not given yet. */
  #heard = '';
  #begun = false;
  /** What has ended the worker, as far as that is known. */
  #fatal: { readonly error: unknown } | null = null;

  /** Starts a worker that runs `source` (see PRELUDE), with `data` as its workerData. It keeps no process alive. */
  constructor(name: string, source: string, data: object = {}) {
    const ends = addon.makePipe();
    if (typeof ends === 'number') throw new SystemError(ends, 'pipe', { what: 'for a thread' });
    [this.#reader, this.#writer] = ends;
    const { MessageChannel, Worker } = workerThreads();
    const { port1, port2 } = new MessageChannel();
    this.#printing = new Printing();
    try {
      // In a function, since what a script declares is global: a job's name from outside must not find one of ours.
      this.worker = new Worker(`(() => { ${PRELUDE}${source} })();`, {
        eval: true,
        name,
        workerData: { ...data, ...this.#printing.share, pipe: shareFd(this.#writer), taken: this.#taken, port: port2 },
        transferList: [port2, this.#printing.share.prints],
      });
    } catch (error) {
      port1.close();
      this.#printing.close();
      for (const fd of ends) addon.closeDescriptor(fd);
      throw error;
    }
    this.#port = port1;
    this.worker.unref();
    port1.unref();
    // Of these two a loop that blocks this thread hears nothing: there the pipe has to do.
    this.worker.on('error', (error) => {
      this.#fatal ??= { error };
    });
    this.worker.once('exit', () => {
      this.closeWriter(); // it may have ended without ever having an end of its own
      this.#printing.close();
    });
  }

  /** Whether the worker has got as far as what it is to run. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Whether one that has nothing to tell has ended. */
  get ended(): boolean {
    if (this.#fatal !== null) return true;
    let word = this.look();
    if (word === PRINTED) word = this.look(); // once
    return word !== undefined && word !== PRINTED;
  }

  /** Suspends until the worker tells something: gives the word, or null if it has ended. `what` is what people are told. */
  *hear(what: string): Coroutine<string | null> {
    const readiness = new Readiness(this.#reader, READ, () => {});
    try {
      if (!this.#begun) {
        const first = yield* moveOnAfter(PATIENCE, () => this.next(readiness, what));
        if (first === undefined)
          throw this.epitaph('the worker has not begun in 30 seconds', 'runPromise() may tell why');
        this.closeWriter(); // now it ends when the worker does
        this.#begun = first === BEGUN;
      }
      const word = yield* this.next(readiness, what);
      if (word === null) yield* this.inquest();
      return word;
    } finally {
      readiness.remove();
    }
  }

  /** An error that says what the end of the worker was, and by what if that is known, or else by what it may have been. */
  epitaph(what: string, guess: string): CoreactorError {
    if (this.#fatal === null) return new CoreactorError('ERR_COREACTOR_THREAD', `${what}: ${guess}`);
    const { error: cause } = this.#fatal;
    const why = cause instanceof Error ? cause.message : String(cause);
    return new CoreactorError('ERR_COREACTOR_THREAD', `${what}: ${why}`, { cause });
  }

  /** What the worker has put into the port. */
  take(): unknown {
    return workerThreads().receiveMessageOnPort(this.#port)?.message;
  }

  /** For the worker's `port`, where it has to look for itself. */
  say(message: unknown): void {
    this.#port.postMessage(message);
  }

  /** The worker is stopped in whatever it does but a system call; its thread is gone soon after. Never suspends. */
  end(): void {
    // The worker may be about to open it, which takes it no time: else it is closed at the exit, of which run() does not hear.
    const whose = Atomics.compareExchange(this.#taken, 0, 0, TAKEN);
    if (whose === TAKEN) Atomics.wait(this.#taken, 0, TAKEN, OPENING);
    if (whose === 0 || Atomics.load(this.#taken, 0) === OPENED) this.closeWriter();
    void this.worker.terminate().catch(() => {});
    this.#printing.take();
    this.#port.close();
    addon.closeDescriptor(this.#reader);
  }

  private *next(readiness: Readiness, what: string): Coroutine<string | null> {
    for (;;) {
      if (this.#heard === '') yield* readiness.whenReadable(what);
      const word = this.look();
      if (word === PRINTED) {
        yield* sleep(0);
      } else if (word !== undefined) {
        return word;
      } else {
        readiness.readable = false; // only now will it be told again
      }
    }
  }

  /** The next word if there is one, null if the worker has ended. What it has printed before is printed. */
  private look(): string | null | undefined {
    if (this.#heard === '') {
      const heard = addon.hear(this.#reader);
      if (heard === -EAGAIN) return undefined;
      if (typeof heard !== 'string') return null;
      this.#heard = heard;
    }
    const length = this.#heard.startsWith(VALUE) ? this.#heard.indexOf('\n') + 1 : 1;
    const word = this.#heard.slice(0, length);
    this.#heard = this.#heard.slice(length);
    if (word === PRINTED) this.#printing.take();
    if (word !== FAILED) return word;
    this.#fatal = { error: unpack(this.take() as Packed) };
    return null;
  }

  // What ended without a word (out of memory) only the host knows of, which tells it before it tells of the end.
  private *inquest(): Coroutine<void> {
    if (this.#fatal !== null || !currentKernel('a thread').guest) return;
    yield* moveOnAfter(INQUEST, () => fromPromise(this.worker.terminate()));
  }

  private closeWriter(): void {
    if (this.#writer < 0) return;
    addon.closeDescriptor(this.#writer);
    this.#writer = -1;
  }
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
