// Sends from a buffer of bounded size, so that who writes need not wait for a peer that is slow for a moment; and keeps
// the messages of several tasks apart. (asyncio: StreamWriter)

import { createTask } from '../kernel/create-task.ts';
import { ArgumentRangeError, ArgumentTypeError, ClosedError } from '../kernel/errors.ts';
import { here } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import { own } from '../kernel/mailbox.ts';
import { type Coroutine, DONE, type Operation, type Park } from '../kernel/operation.ts';
import { park } from '../kernel/park.ts';
import type { Task } from '../kernel/task.ts';

/** What it writes to: a Stream, or whatever sends as one. */
export interface ByteSink {
  trySend(data: Uint8Array): number;
  sendAll(list: readonly Uint8Array[]): Operation<number>;
  endWriting(): void;
}

export interface WriterOptions {
  /** So many bytes may wait to be sent before write() suspends. Default 65536. */
  highWater?: number;
}

/**
 * Made by `stream.writer()`; while it is used, nothing else may send on the stream. Any number of tasks may write: each
 * message goes out as a whole, in the order of the calls. What cannot go at once is copied and sent in the background; an
 * error there is thrown by every later call. Before a program ends, await end() or flush(): the run that ends cuts off what
 * is in the buffer.
 * @example
 * const writer = socket.writer();
 * yield* writer.write(Buffer.from('hello\n'));
 * yield* writer.end();
 */
export class BufferedWriter {
  readonly highWater: number;
  readonly #stream: ByteSink;
  #waiting: Uint8Array[] = [];
  #buffered = 0;
  #sender: Task<void> | null = null;
  #failure: unknown;
  #ended = false;
  /** Tasks that wait for room, or for the end of what is buffered. */
  readonly #parked = new Set<Task<unknown>>();

  /** @internal */
  constructor(stream: ByteSink, options: WriterOptions = {}) {
    const { highWater = 65_536 } = options;
    if (!(highWater >= 0))
      throw new ArgumentRangeError(`writer() was given highWater ${highWater}: take a number of bytes`);
    this.#stream = stream;
    this.highWater = highWater;
  }

  /** How many bytes wait to be sent: at most highWater and one message. */
  get buffered(): number {
    return this.#buffered;
  }

  /**
   * Sends the bytes or puts a copy into the buffer; suspends while more than highWater bytes are there. Cancelled, it has
   * written nothing.
   * @throws SystemError (EPIPE, ECONNRESET ...) of this or an earlier write, ClosedError after end() or close().
   */
  write(data: Uint8Array): Operation<void> {
    if (!(data instanceof Uint8Array)) {
      throw new ArgumentTypeError(
        `write() takes a Uint8Array (a Buffer is one), not ${typeof data}: encode strings first`,
      );
    }
    return made(this.writing(own(data)), 'write()');
  }

  /** Suspends until all that was written has been taken over by the system. Errors as write(). */
  flush(): Operation<void> {
    return made(this.flushing(), 'flush()');
  }

  /** flush(), and then the end of the stream: nobody can write any more, the peer reads to the end. Errors as write(). */
  end(): Operation<void> {
    return made(this.ending(), 'end()');
  }

  private *writing(data: Uint8Array): Coroutine<void> {
    yield* this.until(() => this.#buffered <= this.highWater);
    if (this.#ended) throw new ClosedError('the writer was ended');
    const sent = this.#sender === null ? this.#stream.trySend(data) : 0;
    if (sent === data.length) return;
    this.#waiting.push(Buffer.from(data.subarray(sent)));
    this.#buffered += data.length - sent;
    this.#sender ??= createTask(this.sending(), { name: `writer of ${this.#stream}` });
  }

  private *flushing(): Coroutine<void> {
    yield* this.until(() => this.#buffered === 0);
  }

  private *ending(): Coroutine<void> {
    this.#ended = true;
    yield* this.flushing();
    this.#stream.endWriting();
  }

  // The background: until nothing is left.
  private *sending(): Coroutine<void> {
    try {
      while (this.#waiting.length > 0) {
        const some = this.#waiting;
        this.#waiting = [];
        yield* this.#stream.sendAll(some);
        for (const { length } of some) this.#buffered -= length;
        this.wakeAll();
      }
    } catch (error) {
      this.#failure = error; // of which the next call tells
    } finally {
      this.#sender = null;
      if (this.#buffered > 0) this.#failure ??= new ClosedError('the writer was cut off with bytes in its buffer');
      this.wakeAll();
    }
  }

  private until(holds: () => boolean): Operation<void> {
    const iterator: Iterator<Park, void, void> = {
      next: () => {
        const task = here.task as Task<unknown>;
        this.#parked.delete(task);
        if (this.#failure !== undefined) throw this.#failure;
        if (holds()) return DONE;
        this.#parked.add(task);
        return park(`writer of ${this.#stream}`);
      },
      return: () => {
        this.#parked.delete(here.task as Task<unknown>);
        return DONE;
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }

  private wakeAll(): void {
    for (const task of this.#parked) task.wake();
  }
}
