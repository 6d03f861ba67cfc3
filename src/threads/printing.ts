// What a worker writes to console. Node would send it to the host's loop, piece by piece: a loop that blocks the thread has
// none of it, and what was not sent is lost with the worker. So it goes by a port of its own, and a word on the line tells.

import type { MessagePort } from 'node:worker_threads';
import { here } from '../kernel/here.ts';
import { workerThreads } from '../native/worker-threads.ts';

/** The word of it, once until it is taken. */
export const PRINTED = 'p';

/** What the two sides share: whether the word was told, whether somebody is held up, how much was sent and taken. */
const [TOLD, HELD, SENT, TAKEN] = [0, 1, 2, 3];

/** How far a worker may be ahead, in bytes or letters: who waits for 'drain' waits from there on. */
const FAR = 1 << 20;

/**
 * The worker's side, to be run before the program: needs `tell` and what Printing.share gives in workerData. release() sends
 * what was held up. (Deno prints in the worker, and has no messages.)
 */
export const PRINTING = `
const { prints, printed } = workerData;
const held = [null, null];
const release = () => {
  for (const to of [0, 1]) {
    for (let done; (done = held[to]) !== null; done()) held[to] = null;
  }
};
for (const [to, stream] of [process.stdout, process.stderr].entries()) {
  if (typeof stream._writev !== 'function') continue;
  // What a preload has printed is on Node's way, for which the rest need not wait.
  const taken = Object.getOwnPropertySymbols(Object.getPrototypeOf(stream)).find(
    ({ description }) => description === 'kStdioWantsMoreDataCallback',
  );
  if (taken !== undefined) stream[taken]();
  stream._writev = (chunks, done) => {
    // Of bytes a copy, or all of the memory that they lie in would be sent.
    const pieces = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? { chunk, encoding } : { chunk: new Uint8Array(chunk) },
    );
    const length = pieces.reduce((sum, { chunk }) => sum + chunk.length, 0);
    const ahead = (Atomics.add(printed, ${SENT}, length) + length - Atomics.load(printed, ${TAKEN})) | 0;
    if (ahead > ${FAR}) {
      held[to] = done;
      Atomics.store(printed, ${HELD}, 1); // before the message, so that who takes it will answer
    }
    prints.postMessage({ to, pieces });
    if (Atomics.exchange(printed, ${TOLD}, 1) === 0) tell('${PRINTED}');
    if (ahead <= ${FAR}) done();
  };
}
prints.on('message', release);
prints.unref();
process.once('exit', release);
`;

interface Message {
  /** 0 for stdout, 1 for stderr. */
  to: number;
  pieces: { chunk: string | Uint8Array; encoding?: BufferEncoding }[];
}

function streamOf(to: number): NodeJS.WriteStream {
  return to === 0 ? process.stdout : process.stderr;
}

/** Whose worker may have printed something that was not taken. */
const open = new Set<Printing>();

function takeAll(): void {
  for (const printing of open) printing.take();
}

/** The host's side. */
export class Printing {
  readonly #port: MessagePort;
  readonly #printed = new Int32Array(new SharedArrayBuffer(16));
  /** The worker's end of the port, to be transferred. */
  readonly theirs: MessagePort;

  constructor() {
    const { MessageChannel } = workerThreads();
    ({ port1: this.#port, port2: this.theirs } = new MessageChannel());
    // Where nobody listens on the line: between the jobs of a guest, and after a run.
    this.#port.on('message', ({ to, pieces }: Message) => this.print(streamOf(to), pieces));
    this.#port.unref();
    if (open.size === 0) process.on('exit', takeAll);
    open.add(this);
  }

  get share(): object {
    return { prints: this.theirs, printed: this.#printed };
  }

  /** Prints what was sent up to now, as long as it goes to the same stream in one piece. */
  take(): void {
    Atomics.store(this.#printed, TOLD, 0);
    const { receiveMessageOnPort } = workerThreads();
    let corked: NodeJS.WriteStream | null = null;
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
      const { to, pieces } = next.message as Message;
      const stream = streamOf(to);
      if (stream !== corked) {
        corked?.uncork();
        stream.cork();
        corked = stream;
      }
      this.print(stream, pieces);
    }
    corked?.uncork();
  }

  /** When the worker has ended. */
  close(): void {
    this.take();
    this.#port.close();
    open.delete(this);
    if (open.size === 0) process.off('exit', takeAll);
  }

  private print(stream: NodeJS.WriteStream, pieces: Message['pieces']): void {
    // Of what has no room yet a loop that blocks the thread would never hear that it was written.
    const isBlocked = here.kernel?.guest === false;
    for (const { chunk, encoding } of pieces) {
      let isLate = false;
      const late = (): void => {
        if (isLate) this.taken(chunk.length);
      };
      try {
        // Ended or destroyed, nobody takes the rest.
        isLate = stream.writable && stream.write(chunk, encoding, late) === false && !isBlocked;
      } catch (error) {
        queueMicrotask(() => {
          throw error; // of a write() that is not Node's: no matter of who waits for the worker
        });
      }
      if (!isLate) this.taken(chunk.length);
    }
  }

  private taken(length: number): void {
    Atomics.add(this.#printed, TAKEN, length);
    if (Atomics.exchange(this.#printed, HELD, 0) === 1) this.#port.postMessage(null);
  }
}
