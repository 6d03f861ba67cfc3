// A stream of Node's for coroutines: received from and sent to as a socket of ours.

import type { Duplex } from 'node:stream';
import { ArgumentTypeError, BusyError, ClosedError, InvalidStateError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import { own } from '../kernel/mailbox.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { giveWay, spend } from '../kernel/park.ts';
import { checkSize, outside } from '../native/window.ts';
import { BufferedReader, type ByteSource, type ReaderOptions } from '../net/reader.ts';
import { PATIENCE } from '../net/rest.ts';
import { checkBuffers } from '../net/send-many.ts';
import { AS_VIEW } from '../net/stream.ts';
import { BufferedWriter, type ByteSink, type WriterOptions } from '../net/writer.ts';
import { Event } from '../sync/event.ts';
import { guestKernel } from './guest-kernel.ts';
import { Inactivity } from './inactivity.ts';

const NO_ENCODING = 'leave out setEncoding(), and decode the bytes that recv() gives';

/** Made by fromDuplex(). */
export class DuplexStream implements ByteSource, ByteSink, Disposable {
  /** The stream itself, for what only it can. */
  readonly duplex: Duplex;
  /** Set when there may be something new for who reads, or writes. */
  readonly #news = new Event();
  readonly #room = new Event();
  readonly #listeners: Record<string, () => void>;
  /** Why it cannot be used any more, by close() or detach(). */
  #over: string | null = null;
  #reading = false;
  #writing = false;

  /** @internal */
  constructor(duplex: Duplex) {
    this.duplex = duplex;
    const tell = (): void => {
      this.#news.set();
      this.#room.set();
    };
    this.#listeners = {
      readable: () => this.#news.set(),
      end: tell,
      close: tell,
      error: tell,
    };
    for (const [name, listener] of Object.entries(this.#listeners)) duplex.on(name, listener);
  }

  /** Whether it was closed or detached, or the stream destroyed. */
  get closed(): boolean {
    return this.#over !== null || this.duplex.destroyed;
  }

  /** As Socket.recvInto(). */
  recvInto(buffer: Uint8Array, offset = 0, length?: number): Operation<number> {
    checkBuffer(buffer, 'recvInto()');
    const count = length ?? buffer.length - offset;
    // Before anything is taken out of the stream: it would be lost.
    if (![offset, count].every((n) => Number.isInteger(n) && n >= 0) || offset + count > buffer.length) {
      throw outside(offset, length, buffer.length);
    }
    return made(this.receiving(buffer, offset, count), 'recvInto()');
  }

  /** As Socket.recvView(), but of memory that stays yours. */
  recvView(): Operation<Buffer> {
    return this.recv(AS_VIEW);
  }

  /** As Socket.recv(). */
  recv(size: number): Operation<Buffer> {
    checkSize(size, 'recv()');
    const receiving = this.receiving.bind(this);
    const operation = (function* () {
      const buffer = Buffer.allocUnsafeSlow(size);
      return buffer.subarray(0, yield* receiving(buffer, 0, size));
    })();
    return made(operation, 'recv()');
  }

  /**
   * Writes all and suspends until the stream has handed it on: to the system or, of a TLSSocket, to the socket beneath. So
   * nothing is lost when the run ends then. It takes a copy, and what was written goes out even when this is cancelled.
   * Errors of the stream, ClosedError, also when the stream was destroyed meanwhile; BusyError while another task sends.
   */
  sendAll(data: Uint8Array | readonly Uint8Array[]): Operation<number> {
    const list: readonly Uint8Array[] = Array.isArray(data) ? data : [data as Uint8Array];
    checkBuffers(list);
    return made(this.sending(list.map(own)), 'sendAll()');
  }

  /** As Socket.trySend(): all of it, or nothing while the stream wants no more. The stream may still have it in its buffer. */
  trySend(data: Uint8Array): number {
    checkBuffer(data, 'trySend()');
    this.check();
    if (this.duplex.writableNeedDrain) return 0;
    this.duplex.write(Buffer.from(data));
    return data.length;
  }

  /** Ends our direction, after all that was written. Never suspends. */
  endWriting(): void {
    this.checkOpen();
    this.duplex.end();
  }

  /** As Socket.reader(). */
  reader(options?: ReaderOptions): BufferedReader {
    return new BufferedReader(this, options);
  }

  /** As Socket.writer(). */
  writer(options?: WriterOptions): BufferedWriter {
    // What trySend() takes may lie in the stream, and the writer's flush() is to wait for it.
    const trySend = (): number => {
      this.check();
      return 0;
    };
    const sink = {
      trySend,
      sendAll: (list: readonly Uint8Array[]) => this.sendAll(list),
      endWriting: () => this.endWriting(),
      toString: () => String(this),
    };
    return new BufferedWriter(sink, options);
  }

  /**
   * Closes at once; whoever waits on it gets ClosedError. The stream is ended, and destroyed when what was written has gone
   * out, or nothing of it has for 30 s; one on a Duplex of toDuplex() goes with the run. What comes in meanwhile is thrown
   * away. `duplex.destroy()` waits for nothing. A second call does nothing. Never suspends.
   */
  close(): void {
    if (this.#over !== null) return;
    this.leave('the stream is closed', ['readable']);
    const { duplex } = this;
    if (duplex.destroyed) return;
    const destroy = (): void => void duplex.destroy();
    const inactivity = new Inactivity(destroy, () => duplex.writableLength);
    inactivity.set(PATIENCE);
    duplex.once('close', () => inactivity.stop());
    duplex.once('finish', destroy);
    duplex.resume(); // the peer may be one that reads only when all it has sent was taken
    duplex.end();
    if (duplex.writableFinished) destroy();
  }

  /**
   * Gives the stream back, for a library that takes it over: here is no listener of ours on it any more, and this object is
   * closed. What a reader() has in its buffer stays there. Never suspends.
   * @throws BusyError while a task receives or sends, ClosedError, or the error of the stream.
   * @example
   * yield* plain.sendAll(Buffer.from('STARTTLS\r\n'));
   * yield* plain.recv(100);
   * const secure = fromDuplex(tls.connect({ socket: plain.detach(), servername: host }));
   */
  detach(): Duplex {
    this.check(this.duplex.destroyed);
    if (this.#reading || this.#writing) {
      throw new BusyError(
        'detach() was called while a task receives from this stream or sends to it: wait for its end',
      );
    }
    this.leave('the stream was given away by detach(): use what has taken it over', Object.keys(this.#listeners));
    return this.duplex;
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
        // A stream may have something at every call, and no turn of the loop between them.
        if (spend()) yield giveWay(this).value;
        this.#news.clear();
        this.checkOpen();
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
    if (typeof chunk === 'string') throw new InvalidStateError(`the stream gives text: ${NO_ENCODING}`);
    return chunk as Buffer | null;
  }

  private *sending(list: readonly Uint8Array[]): Coroutine<number> {
    if (this.#writing) throw new BusyError('another task sends to this stream: one at a time');
    this.#writing = true;
    let sent = 0;
    try {
      for (const [i, data] of list.entries()) {
        this.check();
        let outcome = undefined as Error | null | undefined;
        const more = this.duplex.write(Buffer.from(data), (error) => {
          // A socket of node:net calls back without an error for what destroy() has cut off, too.
          outcome = error ?? (this.duplex.destroyed ? closed() : null);
          this.#room.set();
        });
        sent += data.length;
        if (more && i < list.length - 1) continue; // writes end in their order
        while (outcome === undefined) {
          this.check(this.duplex.destroyed);
          this.#room.clear();
          yield* this.#room.wait();
        }
        if (outcome === null) continue;
        this.check();
        throw outcome;
      }
      return sent;
    } finally {
      this.#writing = false;
    }
  }

  private leave(why: string, listeners: string[]): void {
    this.#over = why;
    for (const name of listeners) this.duplex.off(name, this.#listeners[name] as () => void);
    this.#news.set();
    this.#room.set();
  }

  private check(over = this.duplex.destroyed || this.duplex.writableEnded): void {
    this.checkOpen();
    // Not what 'error' tells, since that comes a tick after the write has failed.
    if (this.duplex.errored) throw this.duplex.errored;
    if (over) throw closed();
  }

  private checkOpen(): void {
    if (this.#over !== null) throw new ClosedError(this.#over);
  }
}

/**
 * Takes over a Duplex of Node's (a TLSSocket, a WebSocket's stream, a socket of node:net), so that coroutines receive from it
 * and send to it as to a Socket. Its encoding must not be set, and nobody else may read from it; detach() gives it
 * back. Never suspends.
 * @throws InvalidStateError under run(), where streams of Node do not flow; TypeError for a stream with an encoding, or in
 * object mode.
 * @example
 * const plain = toDuplex(socket, { allowHalfOpen: true }); // see there
 * const secure = fromDuplex(tls.connect({ socket: plain, servername: host }));
 * yield* secure.sendAll(Buffer.from('hello'));
 */
export function fromDuplex(duplex: Duplex): DuplexStream {
  if (typeof duplex?.read !== 'function' || typeof duplex.write !== 'function') {
    throw new ArgumentTypeError('fromDuplex() takes a stream that can be read and written, such as a TLSSocket');
  }
  if (typeof duplex.readableEncoding === 'string') {
    throw new ArgumentTypeError(`fromDuplex() takes a stream of bytes, and this one gives text: ${NO_ENCODING}`);
  }
  if (duplex.readableObjectMode) {
    throw new ArgumentTypeError(
      'fromDuplex() takes a stream of bytes, and this one gives objects: make it without readableObjectMode',
    );
  }
  guestKernel('fromDuplex()');
  return new DuplexStream(duplex);
}

const closed = (): Error => new ClosedError('the stream is closed');

function checkBuffer(data: unknown, caller: string): void {
  if (data instanceof Uint8Array) return;
  throw new ArgumentTypeError(`${caller} takes a Uint8Array or Buffer, not ${typeof data}: encode strings first`);
}
