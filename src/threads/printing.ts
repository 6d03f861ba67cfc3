// What a worker writes to console. Node would send it to the host's loop, piece by piece: a loop that blocks the thread has
// none of it, and what was not sent is lost with the worker. So it goes by a port of its own, and a word on the line tells.

import type { MessagePort } from 'node:worker_threads';
import { here } from '../kernel/here.ts';
import { workerThreads } from '../native/worker-threads.ts';

/** The word that something was printed: told once until that is taken. */
export const PRINTED = 'p';

/** What the two sides share: whether the word was told, how much was sent, and how much taken. */
const [TOLD, SENT, TAKEN] = [0, 1, 2];

/** How far a worker may be ahead, in bytes or letters: then it waits, as who writes into a pipe that is full, */
const FAR = 1 << 18;
/** but no longer than this while nothing is taken, in milliseconds: the host may be waiting for it. */
const PATIENCE = 1000;
/** For how many bytes a piece counts besides those that are in it. */
const PIECE = 64;

/**
 * The worker's side, to be run before the program: needs `tell` and what Printing.share gives in workerData. (Deno prints in
 * the worker, and has no messages.)
 */
export const PRINTING = `
const { prints, printed } = workerData;
const waitForRoom = () => {
  for (;;) {
    const taken = Atomics.load(printed, ${TAKEN});
    const isFar = ((Atomics.load(printed, ${SENT}) - taken) | 0) > ${FAR};
    if (!isFar || Atomics.wait(printed, ${TAKEN}, taken, ${PATIENCE}) === 'timed-out') return;
  }
};
for (const [to, stream] of [process.stdout, process.stderr].entries()) {
  if (typeof stream._writev !== 'function') continue;
  // What a preload has printed is on Node's way, for which the rest need not wait.
  const written = Object.getOwnPropertySymbols(Object.getPrototypeOf(stream)).find(
    ({ description }) => description === 'kStdioWantsMoreDataCallback',
  );
  if (written !== undefined) stream[written]();
  stream._writev = (chunks, done) => {
    waitForRoom();
    // Of bytes a copy, or all of the memory that they lie in would be sent.
    const pieces = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? { chunk, encoding } : { chunk: new Uint8Array(chunk) },
    );
    for (const { chunk } of pieces) Atomics.add(printed, ${SENT}, chunk.length + ${PIECE});
    prints.postMessage({ to, pieces });
    if (Atomics.exchange(printed, ${TOLD}, 1) === 0) tell('${PRINTED}');
    done();
  };
}
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
  readonly #printed = new Int32Array(new SharedArrayBuffer(12));
  /** How much has come here, of what was sent. */
  #received = 0;
  /** For workerData; the port is to be transferred. */
  readonly share: { readonly prints: MessagePort; readonly printed: Int32Array };

  constructor() {
    const { port1, port2 } = new (workerThreads().MessageChannel)();
    this.#port = port1;
    this.share = { prints: port2, printed: this.#printed };
    // Where nobody listens on the line: between the jobs of a guest, and after a run.
    this.#port.on('message', ({ to, pieces }: Message) => this.print(streamOf(to), pieces));
    this.#port.unref();
    if (open.size === 0) process.on('exit', takeAll);
    open.add(this);
  }

  /** Prints what was sent up to now. Of more the word is told anew: a worker may print without end. */
  take(): void {
    Atomics.store(this.#printed, TOLD, 0);
    const sent = Atomics.load(this.#printed, SENT);
    const { receiveMessageOnPort } = workerThreads();
    let corked: NodeJS.WriteStream | null = null;
    while (((sent - this.#received) | 0) > 0) {
      const next = receiveMessageOnPort(this.#port);
      if (next === undefined) break; // it is about to come
      const { to, pieces } = next.message as Message;
      const stream = streamOf(to);
      if (stream !== corked) {
        corked?.uncork(); // what goes to one stream goes in one piece
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
      const size = chunk.length + PIECE;
      this.#received = (this.#received + size) | 0;
      let isTaken = false;
      const taken = (): void => {
        if (!isTaken) this.taken(size);
        isTaken = true;
      };
      let isFull = false;
      try {
        // Ended or destroyed, nobody takes the rest.
        isFull = stream.writable && stream.write(chunk, encoding, taken) === false;
      } catch (error) {
        queueMicrotask(() => {
          throw error; // of a write() that is not Node's: no matter of who waits for the worker
        });
      }
      if (!isFull || isBlocked) taken();
    }
  }

  private taken(size: number): void {
    Atomics.add(this.#printed, TAKEN, size);
    Atomics.notify(this.#printed, TAKEN);
  }
}
