// A stream of Node's for coroutines: received from and sent to as a socket of ours.

import type { Duplex } from 'node:stream';
import { ArgumentTypeError, BusyError, ClosedError, InvalidStateError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { BufferedReader, type ByteSource, type ReaderOptions } from '../net/reader.ts';
import { BufferedWriter, type ByteSink, type WriterOptions } from '../net/writer.ts';
import { Event } from '../sync/event.ts';

/** Made by fromDuplex(). */
export class DuplexStream implements ByteSource, ByteSink, Disposable {
  /** The stream itself, for what only it can. */
  readonly duplex: Duplex;
  /** Set when there may be something new for who reads, or writes. */
  readonly #news = new Event();
  readonly #room = new Event();
  #failure: Error | null = null;
  #reading = false;
  #writing = false;

  /** @internal */
  constructor(duplex: Duplex) {
    this.duplex = duplex;
    const tell = (): void => {
      this.#news.set();
      this.#room.set();
    };
    duplex.on('readable', () => this.#news.set());
    duplex.on('end', tell);
    duplex.on('drain', () => this.#room.set());
    duplex.on('close', tell);
    duplex.on('error', (error) => {
      this.#failure = error;
      tell();
    });
  }

  get closed(): boolean {
    return this.duplex.destroyed;
  }

  /** As Socket.recvInto(). */
  recvInto(buffer: Uint8Array, offset = 0, length = buffer.length - offset): Operation<number> {
    return made(this.receiving(buffer, offset, length), 'recvInto()');
  }

  /** As Socket.recv(). */
  recv(size: number): Operation<Buffer> {
    const receiving = this.receiving.bind(this);
    const operation = (function* () {
      const buffer = Buffer.allocUnsafeSlow(size);
      return buffer.subarray(0, yield* receiving(buffer, 0, size));
    })();
    return made(operation, 'recv()');
  }

  /**
   * Writes all and suspends until the stream wants more: then it may still have some of it, so it takes a copy. Errors of
   * the stream, ClosedError, BusyError while another task sends.
   */
  sendAll(data: Uint8Array | readonly Uint8Array[]): Operation<number> {
    return made(this.sending(Array.isArray(data) ? data : [data as Uint8Array]), 'sendAll()');
  }

  /** As Socket.trySend(): all of it, or nothing while the stream wants no more. */
  trySend(data: Uint8Array): number {
    this.check();
    if (this.duplex.writableNeedDrain) return 0;
    this.duplex.write(Buffer.from(data));
    return data.length;
  }

  /** Ends our direction, after all that was written. Never suspends. */
  endWriting(): void {
    this.duplex.end();
  }

  /** As Socket.reader(). */
  reader(options?: ReaderOptions): BufferedReader {
    return new BufferedReader(this, options);
  }

  /** As Socket.writer(). */
  writer(options?: WriterOptions): BufferedWriter {
    return new BufferedWriter(this, options);
  }

  /** Destroys the stream. Never suspends. */
  close(): void {
    this.duplex.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return `${this.duplex.constructor.name}${this.closed ? ' (closed)' : ''}`;
  }

  private *receiving(buffer: Uint8Array, offset: number, length: number): Coroutine<number> {
    if (this.#reading) throw new BusyError('another task receives from this stream: one at a time');
    if (length === 0) return 0;
    const { duplex } = this;
    this.#reading = true;
    try {
      for (;;) {
        this.#news.clear();
        const chunk = this.take(length);
        if (chunk !== null) {
          buffer.set(chunk, offset);
          return chunk.length;
        }
        if (duplex.readableEnded) return 0;
        this.check(duplex.destroyed);
        yield* this.#news.wait();
      }
    } finally {
      this.#reading = false;
    }
  }

  private take(length: number): Buffer | null {
    const { duplex } = this;
    const there = duplex.readableLength;
    // Without a length it gives all; a stream with nothing in it must be asked, or it reads no further.
    if (there === 0) {
      duplex.read(0);
      return null;
    }
    const chunk: unknown = duplex.read(Math.min(there, length));
    return typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer | null);
  }

  private *sending(list: readonly Uint8Array[]): Coroutine<number> {
    if (this.#writing) throw new BusyError('another task sends to this stream: one at a time');
    this.#writing = true;
    let sent = 0;
    try {
      for (const data of list) {
        this.check();
        this.#room.clear();
        const more = this.duplex.write(Buffer.from(data));
        sent += data.length;
        while (!more && this.duplex.writableNeedDrain) {
          this.check();
          yield* this.#room.wait();
          this.#room.clear();
        }
      }
      return sent;
    } finally {
      this.#writing = false;
    }
  }

  private check(over = this.duplex.destroyed || this.duplex.writableEnded): void {
    if (this.#failure !== null) throw this.#failure;
    if (over) throw new ClosedError('the stream is closed');
  }
}

/**
 * Takes over a Duplex of Node's (a TLSSocket, a WebSocket's stream, a socket of node:net), so that coroutines receive from it
 * and send to it as to a Socket. Its encoding must not be set, and nobody else may read from it. Never suspends.
 * @throws InvalidStateError under run(), where streams of Node do not flow.
 * @example
 * const secure = fromDuplex(tls.connect({ socket: toDuplex(socket), servername: host }));
 * yield* secure.sendAll(Buffer.from('hello'));
 */
export function fromDuplex(duplex: Duplex): DuplexStream {
  if (typeof duplex?.read !== 'function' || typeof duplex.write !== 'function') {
    throw new ArgumentTypeError('fromDuplex() takes a stream that can be read and written, such as a TLSSocket');
  }
  if (!currentKernel('fromDuplex()').guest) {
    throw new InvalidStateError(
      'fromDuplex() needs a loop that streams of Node flow beside: call it inside runPromise()',
    );
  }
  return new DuplexStream(duplex);
}
