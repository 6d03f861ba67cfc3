// What a worker writes to console goes as messages to the host's loop in the main thread, which knows nothing of our line.

import type { Readable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { fromPromise } from '../hosts/from-promise.ts';
import { currentKernel } from '../kernel/here.ts';
import type { Coroutine } from '../kernel/operation.ts';

/**
 * The worker's side: `workerData.printed` counts what was sent. Node sends the next only when the host's loop has said that
 * it has the last, and lets no worker end before that; but a loop that blocks the host's thread says so after its end, if
 * anybody lives so long. So the worker takes what is sent for written: it is in the host's hands, also when the worker is no
 * more. (Bun does as Node, but for the end, and has no such name. Deno prints in the worker, and nothing is waited for.)
 */
export const PRINTING = `
for (const stream of [process.stdout, process.stderr]) {
  const { _writev } = stream;
  if (typeof _writev !== 'function') continue;
  const written = Object.getOwnPropertySymbols(Object.getPrototypeOf(stream)).find(
    ({ description }) => description === 'kStdioWantsMoreDataCallback',
  );
  stream._writev = (chunks, done) => {
    _writev.call(stream, chunks, () => {});
    Atomics.add(workerData.printed, 0, chunks.length);
    if (written !== undefined) stream[written]();
    done();
  };
}
`;

/** The host's side: it counts what has come. Both counts go round. */
export class Printing {
  readonly #worker: Worker;
  readonly #sent: Int32Array;
  #come = 0;
  /** What `#come` has to be for settle() to be over, if it is not. */
  #due: number | null = null;
  #whenCome = (): void => {};

  constructor(worker: Worker, sent: Int32Array) {
    this.#worker = worker;
    this.#sent = sent;
    for (const stream of [worker.stdout, worker.stderr]) this.count(stream);
  }

  /**
   * Suspends a guest until all is here that the worker has printed up to now. Under run() nothing comes before its end: the
   * process lives until it has.
   */
  *settle(): Coroutine<void> {
    const sent = Atomics.load(this.#sent, 0);
    if (((sent - this.#come) | 0) <= 0) return;
    this.#due = sent;
    this.#worker.ref();
    if (!currentKernel('a thread').guest) return;
    yield* fromPromise(
      new Promise<void>((resolve) => {
        this.#whenCome = resolve;
      }),
    );
  }

  private count(stream: Readable): void {
    const { push } = stream;
    stream.push = (chunk, encoding) => {
      if (chunk !== null) this.comes(); // and not its end
      return push.call(stream, chunk, encoding);
    };
  }

  private comes(): void {
    this.#come = (this.#come + 1) | 0;
    if (this.#come !== this.#due) return;
    this.#due = null;
    this.#worker.unref();
    this.#whenCome();
  }
}
