// A listening socket, of TCP or a Unix one, and its accept operation.

import { constants } from 'node:os';
import { ArgumentTypeError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { Readiness } from '../kernel/readiness.ts';
import { ACCEPT, READ } from '../kernel/selector-port.ts';
import { sleep } from '../kernel/sleep.ts';
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
import { checked } from '../native/system-error.ts';
import { AcceptOperation } from './accept.ts';
import { addressesNow } from './dns.ts';
import { Socket } from './socket.ts';
import { listenUnix, SocketFile } from './unix.ts';

/** @internal How many connections wait for accept(), if nobody says. */
export const BACKLOG = 4096;

export interface ListenOptions {
  /** How many connections the kernel holds until they are accepted; it caps the number itself. Default 4096. */
  backlog?: number;
  /** Lets several listeners share the port; the kernel spreads connections over them. Default false. */
  reusePort?: boolean;
  /** Whether an IPv6 listener leaves IPv4 to others; otherwise '::' takes both. Default false. (IPV6_V6ONLY) */
  ipv6Only?: boolean;
}

/** Where a listener's connections come from, if not from a socket that listens, and what else ends with it. */
interface Origin<A> {
  file?: SocketFile | null;
  address?: A;
  take?: (fd: number) => number;
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
  #accept: AcceptOperation<unknown>;
  readonly #file: SocketFile | null;

  /** @internal Use listen(). It takes over the descriptor and the file, and removes both if that fails. */
  constructor(fd: number, options: Origin<A> = {}) {
    const { file = null, address, take } = options;
    this.#file = file;
    try {
      this.#readiness = new Readiness(fd, take === undefined ? READ | ACCEPT : READ, () => this.close());
      this.address = address ?? (toAddress(addon.localAddress(fd) as AddressParts) as A);
    } catch (error) {
      file?.remove();
      addon.closeDescriptor(fd);
      throw error;
    }
    const make = (one: number): Socket => new Socket(one, true);
    this.#accept = new AcceptOperation(this.#readiness, take ?? addon.accept, make, () => this.close());
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
    return made(this.#accept as AcceptOperation<Socket>, 'accept()');
  }

  /** @internal As accept(), but gives descriptors, which are the caller's to close. From now on accept() is not to be called. */
  acceptDescriptors(): Operation<number> {
    const accept = this.#accept.as((fd) => fd);
    this.#accept = accept;
    return accept;
  }

  /** @internal The descriptor of one who has come, the caller's to close, or -errno if there is none. Never suspends. */
  acceptNow(): number {
    return this.#accept.takeNow();
  }

  /**
   * @internal From now on who comes stays in the system's queue. Suspends until those are known whom the selector has accepted:
   * then whoever accepts has them.
   */
  *stopAhead(): Coroutine<void> {
    if (this.closed) return;
    this.#accept.stopAhead();
    yield* sleep(0);
  }

  /**
   * @internal A close() in which nobody is lost: whoever accepts gets those who have connected, as many as a backlog holds,
   * and then ClosedError; from then on it is closed. Suspends until those are known whom the selector has accepted.
   */
  *finish(): Coroutine<void> {
    yield* this.stopAhead();
    if (!this.closed) this.#accept.finish(BACKLOG);
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
  const { backlog = BACKLOG, reusePort = false, ipv6Only = false } = options;
  checkBacklog(backlog);
  if (isUnix(target, 'listen()')) {
    if (reusePort || ipv6Only)
      throw new ArgumentTypeError('listen() takes reusePort and ipv6Only with { host, port } only');
    return new Listener(listenUnix(target.path, backlog), { file: SocketFile.at(target.path) });
  }
  return new Listener(
    openAt(target, 'listen()', ipv6Only, (host, port) => addon.listenTcp(host, port, backlog, reusePort, !ipv6Only)),
  );
}

/** @internal A socket that `open` has bound to an address. */
export function openAt(
  target: InternetTarget,
  caller: string,
  ipv6Only: boolean,
  open: (host: string, port: number) => number,
): number {
  const { host, port } = place(target, caller);
  let fd = open(host, port);
  // A machine without IPv6 has only the IPv4 form of "everywhere".
  const isWithoutIpv6 = fd === -constants.errno.EAFNOSUPPORT && target.host === undefined && !ipv6Only;
  if (isWithoutIpv6) fd = open('0.0.0.0', port);
  return checked(fd, 'listen', { what: `on ${formatAddress({ host, port })}` });
}

function place(target: InternetTarget, caller: string): InternetAddress {
  const port = checkPort(target?.port, caller);
  const host = checkHost(target.host ?? '::', caller);
  if (host === 'localhost') return { host: '127.0.0.1', port };
  return addressesNow(host, port)[0] as InternetAddress;
}
