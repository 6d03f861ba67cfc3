// A stream of bytes on a descriptor: what TCP, Unix sockets and pipes have in common.

import { made } from '../kernel/made.ts';
import type { Operation } from '../kernel/operation.ts';
import { closedError, Readiness } from '../kernel/readiness.ts';
import { addon } from '../native/addon.ts';
import { checkSize, Window } from '../native/window.ts';
import { offer } from './offer.ts';
import { BufferedReader, type ReaderOptions } from './reader.ts';
import { ReceiveOperation } from './receive.ts';
import { ViewOperation } from './receive-view.ts';
import { Lingering, type Rest } from './rest.ts';
import { SendOperation } from './send.ts';
import type { FileStretch } from './send-many.ts';
import { BufferedWriter, type WriterOptions } from './writer.ts';

/** Of all sockets' trySend(), since it is over when that returns: one object that is always in the cache. */
const AT_ONCE = new Window();

/** The most that recvView() gives of a stream for which the selector does not receive. */
export const AS_VIEW = 65_536;

/** One task may receive and one may send at a time; a second one gets BusyError. */
export class Stream implements Disposable {
  /** @internal */
  protected readonly readiness: Readiness;
  readonly #receive: ReceiveOperation;
  readonly #view: ViewOperation;
  readonly #send: SendOperation;

  /** @internal Takes over a non-blocking descriptor; if that fails, it closes what it owns. */
  constructor(fd: number, interest: number, writable: boolean, owns = true) {
    try {
      this.readiness = new Readiness(fd, interest, () => this.close());
    } catch (error) {
      if (owns) addon.closeDescriptor(fd);
      throw error;
    }
    this.readiness.writable = writable;
    this.#receive = new ReceiveOperation(this.readiness);
    this.#view = new ViewOperation(this.readiness);
    this.#send = new SendOperation(this.readiness);
  }

  /** The descriptor, -1 after close(). */
  get fd(): number {
    return this.readiness.fd;
  }

  get closed(): boolean {
    return this.readiness.closed;
  }

  /** How many bytes of the present or last send were taken over: after a cancelled sendAll(), what goes out. */
  get sent(): number {
    return this.#send.sent;
  }

  /**
   * Receives into your buffer at `offset`, `length` bytes at most (default: the rest of it). Gives the number of bytes,
   * at least 1; 0 at the end of the stream (or for a length of 0). The buffer is written only when it completes.
   * It is one reusable operation of this stream: await it with `yield*` where you make it.
   * @throws SystemError (ECONNRESET ...), ClosedError, BusyError while another task receives, RangeError for a stretch
   * outside the buffer. (POSIX: recv)
   */
  recvInto(buffer: Uint8Array, offset = 0, length?: number): Operation<number> {
    return made(this.#receive.aim(buffer, offset, length), 'recvInto()');
  }

  /** Receives up to `size` bytes as a new buffer, empty at the end of the stream. Errors as recvInto(). */
  recv(size: number): Operation<Buffer> {
    checkSize(size, 'recv()');
    const stream = this;
    const operation = (function* () {
      const buffer = Buffer.allocUnsafeSlow(size);
      return buffer.subarray(0, yield* stream.recvInto(buffer));
    })();
    return made(operation, 'recv()');
  }

  /**
   * Receives what has come, and gives it as it lies in the loop's own memory: a view, without a copy, empty at the end of
   * the stream. It is yours until your next `yield*`, when others' bytes may take its place; copy what you want to keep
   * (`Buffer.from(view)`). The one thing to be awaited with it is a send, of this or another stream, where you make it (not
   * by another task): that copies for itself what it cannot hand to the system at once. What was sent may still lie there:
   * do not change it then. Errors as recvInto(). (io_uring: provided buffers)
   * @example
   * const bytes = yield* socket.recvView();
   * yield* socket.sendAll(bytes);
   */
  recvView(): Operation<Buffer> {
    const { mailbox } = this.readiness;
    if (mailbox === null) return this.recv(AS_VIEW);
    return made(this.#view.lend(mailbox), 'recvView()');
  }

  /** Sends as much as is taken over at once, at least one byte of a non-empty buffer; gives how many. Errors as sendAll(). */
  send(data: Uint8Array, offset = 0, length?: number): Operation<number> {
    return made(this.#send.aim(data, offset, length, false), 'send()');
  }

  /**
   * Sends as much as is taken over now and gives how many bytes, 0 if there is no room. Never suspends, so a buffer
   * shared by many tasks stays yours between `recvInto` and this. Errors as sendAll().
   * @example
   * const length = yield* socket.recvInto(shared);
   * const sent = socket.trySend(shared, 0, length);
   * if (sent < length) yield* socket.sendAll(Buffer.from(shared.subarray(sent, length))); // a copy of what is left
   */
  trySend(data: Uint8Array, offset = 0, length?: number): number {
    const readiness = this.readiness;
    if (readiness.closed) throw closedError('stream');
    readiness.checkWriter();
    readiness.rouse(); // called from outside of a turn, or it would lie until the next
    AT_ONCE.point(data, offset, length);
    return offer(readiness, AT_ONCE, 0);
  }

  /**
   * Sends every byte of the buffer (or of the stretch, or of several buffers, which are not copied into one: POSIX: writev) and
   * gives their number; suspends while the peer is slow, which
   * bounds memory. Do not change the buffer until it completes.
   * @throws SystemError with `bytesSent` (EPIPE, ECONNRESET), ClosedError, BusyError while another task sends.
   */
  sendAll(data: Uint8Array | readonly Uint8Array[], offset = 0, length?: number): Operation<number> {
    if (Array.isArray(data)) return made(this.#send.list(data), 'sendAll()');
    return made(this.#send.aim(data as Uint8Array, offset, length, true), 'sendAll()');
  }

  /**
   * Sends `length` bytes of a file from `offset` on (default: all the rest) and gives how many, fewer if the file is
   * shorter; they do not pass through this process where the system can do without. Suspends while the peer is slow; the
   * disk is waited for with the thread blocked. `file` is a path or an open descriptor. Errors as sendAll(), and those of
   * the file. (Linux: sendfile)
   */
  sendFile(file: string | number, options: FileStretch = {}): Operation<number> {
    return made(this.#send.file(file, options), 'sendFile()');
  }

  /** Reads lines and the like; one for each stream. */
  reader(options?: ReaderOptions): BufferedReader {
    return new BufferedReader(this, options);
  }

  /** Writes through a bounded buffer; one for each stream. */
  writer(options?: WriterOptions): BufferedWriter {
    return new BufferedWriter(this, options);
  }

  /** Closes at once; whoever waits on it gets ClosedError. A second call does nothing. Never suspends. */
  close(): void {
    this.end(false);
  }

  /** @internal `reset`: what was not sent is thrown away, and the peer told so. */
  protected end(reset: boolean): void {
    if (this.closed) return;
    const finished = this.finish();
    const rest = reset ? null : finished;
    // Bytes that nobody reads are told to the peer, wherever they lie: by a reset, not by an end of the stream.
    const { arrived, unread } = this.readiness;
    if (reset || (rest === null && (arrived > 0 || unread !== null))) addon.setResetOnClose(this.readiness.fd);
    const fd = this.readiness.remove();
    this.#receive.release();
    this.#send.release();
    if (rest === null) this.release(fd);
    else new Lingering(fd, rest);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal The end of the writer's stream: of a pipe, it is closed. */
  endWriting(): void {
    this.close();
  }

  /** @internal Parts with the descriptor. */
  protected release(fd: number): void {
    addon.closeDescriptor(fd);
  }

  /** @internal Sends what was put off; gives what the system did not take of it. */
  protected finish(): Rest | null {
    return this.#send.finish();
  }
}
