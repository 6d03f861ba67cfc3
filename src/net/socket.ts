// A connected socket on the reactor, of TCP or a Unix one.

import { ArgumentRangeError, ClosedError } from '../kernel/errors.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { PRIORITY, READ, RECEIVE, WRITE } from '../kernel/selector-port.ts';
import { type AddressParts, addon } from '../native/addon.ts';
import { type Address, formatAddress, toAddress } from '../native/address.ts';
import { checked } from '../native/system-error.ts';
import { getSocketOption, type SocketOptions, setSocketOption } from './socket-options.ts';
import { Stream } from './stream.ts';

/** Which direction shutdown() ends. */
export type Direction = 'read' | 'write' | 'both';
const HOW: Record<Direction, number> = { read: 0, write: 1, both: 2 };

/**
 * Made by `connect()` and `listener.accept()`. One task may receive and one may send at a time; a second one gets
 * BusyError. Receiving and sending suspend only when nothing has come, or there is no room.
 *
 * Bytes cross in batches: with the one wait of a turn the selector brings what many sockets have received, and takes along
 * what was sent in pieces of up to 4 KiB. So such a piece leaves at the end of the turn, or with shutdown() and close(),
 * which may end a program after it; the buffer is yours again at once. If the system then refuses it, the next call on the
 * socket throws that. Larger pieces go at once, unless they lie in the loop's memory (see recvView()): those are sent from
 * there, in batches, too.
 * @example
 * using socket = yield* connect({ host: '127.0.0.1', port: 7 });
 * yield* socket.sendAll(Buffer.from('hello'));
 * const reply = yield* socket.recv(100);
 */
export class Socket extends Stream {
  #local: Address | undefined;
  #remote: Address | undefined;

  /** @internal Takes over a connected (or connecting) non-blocking descriptor, and closes it if that fails. */
  constructor(fd: number, connected: boolean) {
    // Urgent data is asked for only to know that it cuts reads short.
    super(fd, READ | WRITE | PRIORITY | RECEIVE, connected);
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

  /** Ends one direction: after 'write' the peer reads to the end while we can still receive. Never suspends. */
  shutdown(direction: Direction = 'write'): void {
    const how = HOW[direction];
    if (how === undefined) throw new ArgumentRangeError(`shutdown() takes 'read', 'write' or 'both', not ${direction}`);
    if (this.closed) throw new ClosedError('the socket is closed');
    const rest = how === HOW.read ? null : this.finish();
    if (rest === null) checked(addon.shutdown(this.fd, how), 'shutdown', { fd: this.fd });
    else rest.last = true; // the end of the stream comes after it
  }

  /**
   * Sets an option of the socket; see SocketOptions for what there is. Never suspends.
   * @throws SystemError ENOTSUP for one of TCP's on a Unix socket, ENOPROTOOPT for one that this system does not have;
   * RangeError, TypeError for an impossible value; ClosedError. (POSIX: setsockopt)
   * @example
   * socket.setOption('keepAlive', true);
   * socket.setOption('keepAliveIdle', 60_000);
   */
  setOption<K extends keyof SocketOptions>(name: K, value: SocketOptions[K]): void {
    setSocketOption(this.fd, name, value);
  }

  /** What the system has for an option, which may be more than it was given. Errors as setOption(). */
  getOption<K extends keyof SocketOptions>(name: K): SocketOptions[K] {
    return getSocketOption(this.fd, name);
  }

  /** Whether small messages leave at once, as setOption('noDelay', on); true from the start. */
  setNoDelay(on: boolean): void {
    setSocketOption(this.fd, 'noDelay', on);
  }

  /**
   * Closes at once and throws away what was not sent; the peer's next call fails with ECONNRESET. (A Unix socket's peer
   * finds the end of the stream instead, if all it has sent was received.) A second call does nothing. Never suspends.
   */
  reset(): void {
    this.end(true);
  }

  /** @internal */
  override endWriting(): void {
    this.shutdown('write');
  }

  override toString(): string {
    return this.closed ? 'Socket (closed)' : `Socket fd ${this.fd} to ${formatAddress(this.remoteAddress)}`;
  }

  /** @internal Suspends until the handshake is over, then throws its error if there is one. */
  *connected(what: string): Coroutine<void> {
    yield* this.readiness.whenWritable(`connect ${what}`);
    if (this.closed) throw new ClosedError('the socket is closed');
    checked(addon.socketError(this.fd), 'connect', { fd: this.fd, what });
  }
}

function ask(call: (fd: number) => AddressParts | number, fd: number): Address | undefined {
  const answer = call(fd);
  return typeof answer === 'number' ? undefined : toAddress(answer);
}
