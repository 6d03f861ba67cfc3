// A listening socket, of TCP or a Unix one, and its accept operation.

import { constants } from 'node:os';
import { type CallbackHandle, callLater } from '../kernel/callback.ts';
import { ArgumentTypeError } from '../kernel/errors.ts';
import { currentKernel, here } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Operation, Park } from '../kernel/operation.ts';
import { park, spend } from '../kernel/park.ts';
import { type Acceptor, closedError, Readiness } from '../kernel/readiness.ts';
import { Ring } from '../kernel/ring.ts';
import { ACCEPT, READ } from '../kernel/selector-port.ts';
import { type AddressParts, addon } from '../native/addon.ts';
import {
  type Address,
  checkBacklog,
  checkHost,
  checkPort,
  formatAddress,
  type InternetAddress,
  type InternetTarget,
  isUnix,
  toAddress,
  type UnixAddress,
  type UnixTarget,
} from '../native/address.ts';
import { checked, SystemError } from '../native/system-error.ts';
import { addressesNow } from './dns.ts';
import { Socket } from './socket.ts';
import { listenUnix, SocketFile } from './unix.ts';

const { EAGAIN, ECONNABORTED, EPROTO, EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;
/** The connection died in the queue; the next one is as good. */
const GONE = new Set([-ECONNABORTED, -EPROTO]);
/** The machine is out of something. */
const EXHAUSTED = new Set([-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM]);
/** So many connections may be accepted that nobody takes; more wait in the kernel's queue. */
const MOST_AHEAD = 64;
/** How long a listener rests before it tries again after EXHAUSTED, in milliseconds. */
const REST = 50;

export interface ListenOptions {
  /** How many connections the kernel holds until they are accepted; it caps the number itself. Default 4096. */
  backlog?: number;
  /** Lets several listeners share the port; the kernel spreads connections over them. Default false. */
  reusePort?: boolean;
  /** Whether an IPv6 listener leaves IPv4 to others; otherwise '::' takes both. Default false. (IPV6_V6ONLY) */
  ipv6Only?: boolean;
}

/**
 * @example
 * using listener = listen({ host: '127.0.0.1', port: 7000 });
 * for (;;) createTask(serve(yield* listener.accept()));
 */
export class Listener<A extends Address = Address> implements Disposable {
  /** Where it listens: the host, with the port the system chose for port 0; or the path. */
  readonly address: A;
  readonly #readiness: Readiness;
  readonly #accept: AcceptOperation;
  readonly #file: SocketFile | null;

  /** @internal Use listen(). It takes over the descriptor and the file, and removes both if that fails. */
  constructor(fd: number, file: SocketFile | null = null) {
    this.#file = file;
    try {
      this.#readiness = new Readiness(fd, READ | ACCEPT, () => this.close());
      this.address = toAddress(addon.localAddress(fd) as AddressParts) as A;
    } catch (error) {
      file?.remove();
      addon.closeDescriptor(fd);
      throw error;
    }
    this.#accept = new AcceptOperation(this.#readiness);
  }

  get fd(): number {
    return this.#readiness.fd;
  }

  get closed(): boolean {
    return this.#readiness.closed;
  }

  /**
   * Suspends until a connection has come and gives its Socket. Out of descriptors (EMFILE) it tells the loop's
   * onUnhandled once, rests and goes on by itself when some are free.
   * @throws ClosedError when the listener is closed, BusyError while another task accepts.
   */
  accept(): Operation<Socket> {
    return made(this.#accept, 'accept()');
  }

  /**
   * Stops listening; whoever accepts gets ClosedError. Accepted sockets stay. The file of a Unix socket is removed, if it
   * is still this listener's. A second call does nothing.
   */
  close(): void {
    if (this.closed) return;
    this.#file?.remove();
    addon.closeDescriptor(this.#readiness.remove());
    this.#accept.refuseAhead();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return `Listener on ${formatAddress(this.address)}${this.closed ? ' (closed)' : ''}`;
  }
}

class AcceptOperation implements Operation<Socket>, Iterator<Park, Socket, void>, Acceptor {
  readonly #readiness: Readiness;
  /** What the selector has accepted and nobody has taken yet. */
  readonly #ahead = new Ring<number>();
  #told = false;
  #rest: CallbackHandle | null = null;

  constructor(readiness: Readiness) {
    this.#readiness = readiness;
    readiness.acceptor = this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, Socket> {
    const readiness = this.#readiness;
    readiness.checkReader();
    while (this.#ahead.size > 0 || readiness.readable) {
      if (spend()) return readiness.giveWayReader(this);
      const fd = this.#ahead.size > 0 ? this.#ahead.shift() : addon.accept(readiness.fd);
      if (fd >= 0) {
        readiness.reader = null;
        this.#told = false;
        return { done: true, value: new Socket(fd, true) };
      }
      if (fd === -EAGAIN) readiness.readable = false;
      else if (EXHAUSTED.has(fd)) return this.rest(fd);
      else if (!GONE.has(fd)) {
        readiness.reader = null;
        throw readiness.closed ? closedError('listener') : new SystemError(fd, 'accept', { fd: readiness.fd });
      }
    }
    return readiness.parkReader(this);
  }

  return(): IteratorResult<Park, Socket> {
    this.#readiness.reader = null;
    return { done: true, value: undefined as never };
  }

  accepted(result: number): void {
    const readiness = this.#readiness;
    if (result >= 0) this.#ahead.push(addon.adopt(result));
    else readiness.readable = true; // an accept by hand meets the error, and knows what to do
    if (result < 0 || this.#ahead.size === MOST_AHEAD) readiness.stopAccepting(result >= 0);
    if (readiness.reader !== null) readiness.reader.wake();
  }

  /** The listener is closed: whoever was in its queue learns it by a reset, those who were accepted ahead too. */
  refuseAhead(): void {
    while (this.#ahead.size > 0) {
      const fd = this.#ahead.shift();
      addon.setResetOnClose(fd);
      addon.closeDescriptor(fd);
    }
  }

  toString(): string {
    return `accept on fd ${this.#readiness.fd}`;
  }

  // The connections stay in the queue, so no event will tell when a descriptor is free again: it looks by itself. It
  // parks without asking the selector, which would find the queue ready at once.
  private rest(errno: number): IteratorYieldResult<Park> {
    const readiness = this.#readiness;
    readiness.readable = false;
    readiness.reader = here.task;
    if (!this.#told) {
      const error = new SystemError(errno, 'accept', { fd: readiness.fd });
      currentKernel('accept()').unhandled({ kind: 'warning', error, task: here.task });
      this.#told = true;
    }
    this.#rest ??= callLater(REST, () => {
      this.#rest = null;
      if (!readiness.closed) readiness.ready(READ);
    });
    return park(this);
  }
}

/**
 * Listens: at a host (default: every address of the machine, IPv6 and IPv4) and port (0: any free one), or at the path of
 * a Unix socket, whose file is made here and removed by close(). Never suspends; so a host's name is looked up with the
 * thread blocked, which matters to nobody before a server runs (afterwards, ask getAddrInfo() and listen at an address of
 * its answer), and its best address is taken. 'localhost' is 127.0.0.1. (POSIX: socket, bind, listen)
 * @throws SystemError EADDRINUSE (for a path, also if a crashed server has left its file: unlink that), EACCES,
 * EADDRNOTAVAIL, ENOTFOUND ...; RangeError for a bad port or host, or a path that is too long.
 * @example
 * const listener = listen({ port: 7000 });
 * const local = listen({ path: '/run/app.sock' });
 */
export function listen(target: InternetTarget, options?: ListenOptions): Listener<InternetAddress>;
export function listen(target: UnixTarget, options?: ListenOptions): Listener<UnixAddress>;
export function listen(target: InternetTarget | UnixTarget, options?: ListenOptions): Listener;
export function listen(target: InternetTarget | UnixTarget, options: ListenOptions = {}): Listener {
  currentKernel('listen()');
  const { backlog = 4096, reusePort = false, ipv6Only = false } = options;
  checkBacklog(backlog);
  if (isUnix(target, 'listen()')) {
    if (reusePort || ipv6Only)
      throw new ArgumentTypeError('listen() takes reusePort and ipv6Only with { host, port } only');
    return new Listener(listenUnix(target.path, backlog), SocketFile.at(target.path));
  }
  const address = place(target);
  const open = (host: string) => addon.listenTcp(host, address.port, backlog, reusePort, !ipv6Only);
  let fd = open(address.host);
  // A machine without IPv6 has only the IPv4 form of "everywhere".
  const isWithoutIpv6 = fd === -constants.errno.EAFNOSUPPORT && target.host === undefined && !ipv6Only;
  if (isWithoutIpv6) fd = open('0.0.0.0');
  return new Listener(checked(fd, 'listen', { what: `on ${formatAddress(address)}` }));
}

function place(target: InternetTarget): InternetAddress {
  const port = checkPort(target?.port, 'listen()');
  const host = checkHost(target.host ?? '::', 'listen()');
  if (host === 'localhost') return { host: '127.0.0.1', port };
  return addressesNow(host, port)[0] as InternetAddress;
}
