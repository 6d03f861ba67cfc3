// A socket of ours as a stream of Node's, so that Node's own protocol libraries (http, tls) and others' run on it.

import { ArgumentTypeError, BusyError } from '../kernel/errors.ts';
import { taken } from '../kernel/made.ts';
import { Socket } from '../net/socket.ts';
import { guestKernel } from './guest-kernel.ts';
import { makeSocketDuplex, type SocketDuplex } from './socket-duplex.ts';

export type { SocketDuplex } from './socket-duplex.ts';

const NOTHING = Buffer.alloc(0);
/** The sockets that a Duplex has taken over: its reader does not receive yet when it has just been made. */
const owned = new WeakSet<Socket>();

export interface DuplexOptions {
  /**
   * Whether our direction stays open when the peer has ended its own. Default false, as for node:net.
   *
   * Give true under a TLSSocket: with false our direction ends beneath it when the peer's does, and what it has not
   * encrypted yet is lost. The TLSSocket takes the option over, so that it is ended by `end()` alone; for one that ends with
   * its peer, say `secure.allowHalfOpen = false` then. The servers of node:tls and node:https make their TLSSockets themselves
   * and keep, with true, who leaves in the handshake until handshakeTimeout: for node:https leave it false.
   */
  allowHalfOpen?: boolean;
}

/**
 * Makes a Duplex of a socket, and takes it over: destroy() closes it. For what expects a socket of node:net, under
 * runPromise(). It lives in the run that it was made in: with that it is destroyed. Never suspends.
 *
 * A listener of it, such as a handler of node:http, belongs to no task of yours: currentTask() gives it the task that reads
 * for the stream, or throws when it is called a tick later; a Queue (`putNowait()`) brings what it hears to a task.
 *
 * A TLSSocket on it encrypts, but has no remoteAddress and the like, since Node asks a handle of its own for them: so
 * `request.socket` of node:https has none. Make the TLSSocket yourself, give it what the Duplex has, and hand it to a
 * server of node:http: `Object.defineProperty(secure, 'remoteAddress', { value: duplex.remoteAddress })`.
 * @throws InvalidStateError under run(), where streams of Node do not flow; ClosedError; BusyError while a task receives from
 * the socket or sends to it, and when it has a Duplex already.
 * @example
 * const server = http.createServer(handler);
 * server.emit('listening'); // it never listens itself: so it knows its connections, and headersTimeout is kept
 * for (;;) server.emit('connection', toDuplex(yield* listener.accept(), { allowHalfOpen: true }));
 */
export function toDuplex(socket: Socket, options: DuplexOptions = {}): SocketDuplex {
  if (!(socket instanceof Socket)) throw new ArgumentTypeError('toDuplex() takes a Socket of connect() or accept()');
  const kernel = guestKernel('toDuplex()');
  if (owned.has(socket)) throw new BusyError(`${socket} has a Duplex of toDuplex() already: use that one`);
  // Asked for here: told by the Duplex, it would be an 'error' that closes a connection which somebody uses.
  taken(socket.recvInto(NOTHING));
  taken(socket.send(NOTHING));
  owned.add(socket);
  return makeSocketDuplex(socket, kernel, options.allowHalfOpen ?? false);
}
