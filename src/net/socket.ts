// A connected TCP socket on the reactor.

import { ArgumentRangeError, ClosedError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { closedError, Readiness } from '../kernel/readiness.ts';
import { PRIORITY, READ, RECEIVE, WRITE } from '../kernel/selector-port.ts';
import { addon } from '../native/addon.ts';
import { type Address, formatAddress } from '../native/address.ts';
import { checked } from '../native/system-error.ts';
import { Window } from '../native/window.ts';
import { ReceiveOperation } from './receive.ts';
import { Lingering } from './rest.ts';
import { SendOperation } from './send.ts';

/** Which direction shutdown() ends. */
export type Direction = 'read' | 'write' | 'both';
const HOW: Record<Direction, number> = { read: 0, write: 1, both: 2 };

/** Of all sockets' trySend(), since it is over when that returns: one object that is always in the cache. */
const AT_ONCE = new Window();

/**
 * Made by `connect()` and `listener.accept()`. One task may receive and one may send at a time; a second one gets
 * BusyError. Receiving and sending suspend only when nothing has come, or there is no room.
 *
 * Bytes cross in batches: with the one wait of a turn the selector brings what many sockets have received, and takes along
 * what was sent in pieces of up to 4 KiB. So such a piece leaves at the end of the turn, or with shutdown() and close(),
 * which may end a program after it; the buffer is yours again at once. If the system then refuses it, the next call on the
 * socket throws that. Larger pieces go at once.
 * @example
 * using socket = yield* connect({ host: '127.0.0.1', port: 7 });
 * yield* socket.sendAll(Buffer.from('hello'));
 * const reply = yield* socket.recv(100);
 */
export class Socket implements Disposable {
  readonly #readiness: Readiness;
  readonly #receive: ReceiveOperation;
  readonly #send: SendOperation;
  #local: Address | undefined;
  #remote: Address | undefined;

  /** @internal Takes over a connected (or connecting) non-blocking descriptor, and closes it if that fails. */
  constructor(fd: number, connected: boolean) {
    try {
      // Urgent data is asked for only to know that it cuts reads short.
      this.#readiness = new Readiness(fd, READ | WRITE | PRIORITY | RECEIVE, () => this.close());
    } catch (error) {
      addon.closeDescriptor(fd);
      throw error;
    }
    this.#readiness.writable = connected;
    this.#receive = new ReceiveOperation(this.#readiness);
    this.#send = new SendOperation(this.#readiness);
  }

  /** The descriptor, -1 after close(). */
  get fd(): number {
    return this.#readiness.fd;
  }

  get closed(): boolean {
    return this.#readiness.closed;
  }

  /** Our end; undefined if it was not asked for before close(). */
  get localAddress(): Address | undefined {
    this.#local ??= ask(addon.localAddress, this.fd);
    return this.#local;
  }

  /** The peer's end; undefined if the connection was gone before it was asked for. */
  get remoteAddress(): Address | undefined {
    this.#remote ??= ask(addon.remoteAddress, this.fd);
    return this.#remote;
  }

  /** How many bytes of the present or last send were taken over: after a cancelled sendAll(), what goes out. */
  get sent(): number {
    return this.#send.sent;
  }

  /**
   * Receives into your buffer at `offset`, `length` bytes at most (default: the rest of it). Gives the number of bytes,
   * at least 1; 0 at the end of the stream (or for a length of 0). The buffer is written only when it completes.
   * It is one reusable operation of this socket: await it with `yield*` where you make it.
   * @throws SystemError (ECONNRESET ...), ClosedError, BusyError while another task receives, RangeError for a stretch
   * outside the buffer. (POSIX: recv)
   */
  recvInto(buffer: Uint8Array, offset = 0, length?: number): Operation<number> {
    return made(this.#receive.aim(buffer, offset, length), 'recvInto()');
  }

  /** Receives up to `size` bytes as a new buffer, empty at the end of the stream. Errors as recvInto(). */
  recv(size: number): Operation<Buffer> {
    if (!Number.isInteger(size) || size < 1) {
      throw new ArgumentRangeError(`recv() was given size ${size}: it must be a whole number of bytes, at least 1`);
    }
    const socket = this;
    const operation = (function* () {
      const buffer = Buffer.allocUnsafeSlow(size);
      return buffer.subarray(0, yield* socket.recvInto(buffer));
    })();
    return made(operation, 'recv()');
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
    const readiness = this.#readiness;
    if (readiness.closed) throw closedError('socket');
    readiness.checkWriter();
    AT_ONCE.point(data, offset, length);
    return this.#send.offer(AT_ONCE, 0);
  }

  /**
   * Sends every byte of the buffer (or of the stretch) and gives their number; suspends while the peer is slow, which
   * bounds memory. Do not change the buffer until it completes.
   * @throws SystemError with `bytesSent` (EPIPE, ECONNRESET), ClosedError, BusyError while another task sends.
   */
  sendAll(data: Uint8Array, offset = 0, length?: number): Operation<number> {
    return made(this.#send.aim(data, offset, length, true), 'sendAll()');
  }

  /** Ends one direction: after 'write' the peer reads to the end while we can still receive. Never suspends. */
  shutdown(direction: Direction = 'write'): void {
    const how = HOW[direction];
    if (how === undefined) throw new ArgumentRangeError(`shutdown() takes 'read', 'write' or 'both', not ${direction}`);
    if (this.closed) throw new ClosedError('the socket is closed');
    const rest = how === HOW.read ? null : this.#send.finish();
    if (rest === null) checked(addon.shutdown(this.fd, how), 'shutdown', { fd: this.fd });
    else rest.last = true; // the end of the stream comes after it
  }

  /** Whether small messages leave at once (TCP_NODELAY); true from the start. */
  setNoDelay(on: boolean): void {
    if (this.closed) throw new ClosedError('the socket is closed');
    checked(addon.setNoDelay(this.fd, on), 'setsockopt', { fd: this.fd });
  }

  /** Closes at once; whoever waits on it gets ClosedError. A second call does nothing. Never suspends. */
  close(): void {
    if (this.closed) return;
    const rest = this.#send.finish();
    // Bytes that nobody reads are told to the peer, wherever they lie: by a reset, not by an end of the stream.
    const { arrived, unread } = this.#readiness;
    if (rest === null && (arrived > 0 || unread !== null)) addon.setResetOnClose(this.#readiness.fd);
    const fd = this.#readiness.remove();
    this.#receive.release();
    this.#send.release();
    if (rest === null) addon.closeDescriptor(fd);
    else new Lingering(fd, rest);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return this.closed ? 'Socket (closed)' : `Socket fd ${this.fd} to ${formatAddress(this.remoteAddress)}`;
  }

  /** @internal Suspends until the handshake is over, then throws its error if there is one. */
  *connected(target: Address): Coroutine<void> {
    const what = `to ${formatAddress(target)}`;
    yield* this.#readiness.whenWritable(`connect ${what}`);
    if (this.closed) throw new ClosedError('the socket is closed');
    checked(addon.socketError(this.fd), 'connect', { fd: this.fd, what });
  }
}

function ask(call: (fd: number) => [string, number] | number, fd: number): Address | undefined {
  const answer = call(fd);
  return typeof answer === 'number' ? undefined : { host: answer[0], port: answer[1] };
}
