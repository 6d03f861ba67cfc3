// UDP: datagrams that arrive whole or not at all, in any order.

import { constants } from 'node:os';
import { ArgumentRangeError, ArgumentTypeError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import { own } from '../kernel/mailbox.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { closedError, Readiness } from '../kernel/readiness.ts';
import { Ring } from '../kernel/ring.ts';
import { READ, WRITE } from '../kernel/selector-port.ts';
import { sleep } from '../kernel/sleep.ts';
import { type AddressParts, addon } from '../native/addon.ts';
import { formatAddress, type InternetAddress, resolve, toAddress } from '../native/address.ts';
import { checked, SystemError } from '../native/system-error.ts';
import { checkSize } from '../native/window.ts';
import { type DatagramRow, FIELDS, readRow } from './datagram-row.ts';
import { getSocketOption, type SocketOptions, setSocketOption } from './socket-options.ts';

const { EAGAIN, ENOBUFS } = constants.errno;
/** The most that is received, or sent, with one system call. */
const BATCH = 32;
/** Memory for one batch: large datagrams come in smaller ones. */
const SLOTS = 256 * 1024;
const LARGEST = 65_535;

export interface UdpOptions {
  /** Lets several sockets bind the port; each hears a group's datagrams. Default false. (SO_REUSEADDR) */
  reuseAddress?: boolean;
  /** Lets several sockets share the port; the kernel spreads datagrams over them. Default false. (SO_REUSEPORT) */
  reusePort?: boolean;
  /** Whether an IPv6 socket leaves IPv4 to others; otherwise '::' takes both. Default false. (IPV6_V6ONLY) */
  ipv6Only?: boolean;
}

/** One datagram that has come. */
export interface Received {
  /** Empty for an empty one, which is no end: there is none. */
  data: Buffer;
  address: InternetAddress;
  /** Whether it was longer than asked for, and the rest is lost. */
  truncated: boolean;
}

/** One to be sent; to the connected peer without an address. */
export interface Datagram {
  data: Uint8Array;
  address?: { host: string; port: number };
}

/**
 * @example
 * using socket = udp({ port: 7000 });
 * for (;;) {
 *   const { data, address } = yield* socket.recvFrom(1500);
 *   yield* socket.sendTo(data, address);
 * }
 */
export class DatagramSocket implements Disposable {
  /** Where it receives, with the port the system chose for port 0. */
  readonly localAddress: InternetAddress;
  readonly #readiness: Readiness;
  /** Received with others and not asked for yet. */
  readonly #ahead = new Ring<Received>();
  #slots: Buffer | null = null;
  readonly #rows = new Int32Array(BATCH * FIELDS);
  #last: DatagramRow = { address: { host: '', port: 0 }, key: '' };
  #peer: InternetAddress | undefined;

  /** @internal Use udp(). */
  constructor(fd: number) {
    try {
      this.#readiness = new Readiness(fd, READ | WRITE, () => this.close());
      this.localAddress = toAddress(addon.localAddress(fd) as AddressParts) as InternetAddress;
    } catch (error) {
      addon.closeDescriptor(fd);
      throw error;
    }
    this.#readiness.writable = true;
  }

  /** The descriptor, -1 after close(). */
  get fd(): number {
    return this.#readiness.fd;
  }

  get closed(): boolean {
    return this.#readiness.closed;
  }

  /** The one peer, after connect(). */
  get remoteAddress(): InternetAddress | undefined {
    return this.#peer;
  }

  /**
   * Chooses one peer: only its datagrams are received, send() goes to it, and it is told when nobody listens there
   * (ECONNREFUSED, from a later call). Nothing is sent. Never suspends. (POSIX: connect)
   */
  connect(target: { host?: string; port: number }): void {
    const peer = resolve(target, '127.0.0.1', 'connect()');
    checked(addon.connectDatagram(this.open, peer.host, peer.port), 'connect', { what: `to ${formatAddress(peer)}` });
    this.#peer = peer;
  }

  /**
   * Receives one datagram of up to `size` bytes as a new buffer; suspends until one has come. Many are fetched with one
   * system call, so close() drops those that were received and not asked for. One task at a time. (POSIX: recvfrom)
   * @throws SystemError (ECONNREFUSED on a connected socket), ClosedError, BusyError, RangeError for a bad size.
   */
  recvFrom(size: number): Operation<Received> {
    checkSize(size, 'recvFrom()');
    if (this.closed) throw closedError('socket');
    return made(this.receiving(Math.min(size, LARGEST)), 'recvFrom()');
  }

  /**
   * Sends one datagram and gives its size; suspends while the system has no room for it. (POSIX: sendto)
   * @throws SystemError EMSGSIZE (too long for one), ENETUNREACH, EACCES (broadcast without the option) ..., ClosedError.
   */
  sendTo(data: Uint8Array, address: { host: string; port: number }): Operation<number> {
    checkData(data);
    return made(this.sending(data, resolve(address, '127.0.0.1', 'sendTo()')), 'sendTo()');
  }

  /** As sendTo(), to the peer of connect(). */
  send(data: Uint8Array): Operation<number> {
    checkData(data);
    return made(this.sending(data, undefined), 'send()');
  }

  /**
   * Sends many datagrams with few system calls, in order, and gives their number; suspends as sendTo(). If one is refused,
   * its error has `sent`: how many went before it. (Linux: sendmmsg)
   */
  sendMany(datagrams: readonly Datagram[]): Operation<number> {
    for (const { data, address } of datagrams) {
      checkData(data);
      if (address !== undefined) resolve(address, '127.0.0.1', 'sendMany()');
    }
    return made(this.sendingMany([...datagrams]), 'sendMany()');
  }

  /**
   * Hears what is sent to the group from now on, on the interface with this name (default: the system's choice).
   * @throws SystemError ENODEV (no such interface), EADDRINUSE (it is a member), EINVAL (no multicast address).
   */
  join(group: string, device = ''): void {
    this.membership(group, device, true);
  }

  leave(group: string, device = ''): void {
    this.membership(group, device, false);
  }

  /** The interface that multicasts leave through. */
  setMulticastInterface(device: string): void {
    const result = addon.setMulticastInterface(this.open, device);
    checked(result, 'setsockopt', { fd: this.fd, what: `multicast interface ${device}` });
  }

  /** As Socket.setOption(). */
  setOption<K extends keyof SocketOptions>(name: K, value: SocketOptions[K]): void {
    setSocketOption(this.fd, name, value);
  }

  getOption<K extends keyof SocketOptions>(name: K): SocketOptions[K] {
    return getSocketOption(this.fd, name);
  }

  /** Closes at once; whoever waits on it gets ClosedError. A second call does nothing. Never suspends. */
  close(): void {
    if (!this.closed) addon.closeDescriptor(this.#readiness.remove());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return `DatagramSocket on ${formatAddress(this.localAddress)}${this.closed ? ' (closed)' : ''}`;
  }

  private get open(): number {
    if (this.closed) throw closedError('socket');
    return this.fd;
  }

  private *receiving(size: number): Coroutine<Received> {
    while (this.#ahead.size === 0) {
      yield* this.#readiness.whenReadable(`recvFrom on fd ${this.fd}`);
      this.fetch(size);
    }
    const received = this.#ahead.shift();
    if (received.data.length <= size) return received;
    return { ...received, data: received.data.subarray(0, size), truncated: true };
  }

  private fetch(size: number): void {
    const most = Math.max(1, Math.min(BATCH, Math.floor(SLOTS / size)));
    if (this.#slots === null || this.#slots.length < most * size) this.#slots = Buffer.allocUnsafeSlow(most * size);
    const slots = this.#slots;
    const count = addon.receiveDatagrams(this.open, slots, size, most, this.#rows);
    if (count < 0 && count !== -EAGAIN) throw new SystemError(count, 'recvfrom', { fd: this.fd });
    if (count < most) this.#readiness.readable = false; // what comes now will be told
    for (let i = 0; i < count; i++) {
      const row = readRow(this.#rows, i * FIELDS, this.#last);
      this.#last = row;
      const length = Math.min(this.#rows[i * FIELDS] as number, size);
      const data = Buffer.from(slots.subarray(i * size, i * size + length)); // a copy: the slots are used again
      this.#ahead.push({ data, address: row.address, truncated: this.#rows[i * FIELDS + 1] === 1 });
    }
  }

  private *sending(data: Uint8Array, to: InternetAddress | undefined): Coroutine<number> {
    for (;;) {
      const result = addon.sendDatagram(this.open, data, to?.host, to?.port);
      if (result >= 0) return result;
      data = own(data);
      yield* this.room(result, to);
    }
  }

  private *sendingMany(datagrams: Datagram[]): Coroutine<number> {
    for (let sent = 0; sent < datagrams.length; ) {
      // To peers of their own, or all to the connected one; a change of that ends a batch.
      const some = datagrams.slice(sent, sent + BATCH);
      const named = some[0]?.address !== undefined;
      const other = some.findIndex(({ address }) => (address !== undefined) !== named);
      const batch = other < 0 ? some : some.slice(0, other);
      const data = batch.map((each) => each.data);
      const addresses = batch.map((each) => resolve(each.address ?? { port: 0 }, '127.0.0.1', 'sendMany()'));
      const result = named
        ? addon.sendDatagrams(this.open, data, addresses.map(({ host }) => host), addresses.map(({ port }) => port)) // biome-ignore format: one call
        : addon.sendDatagrams(this.open, data);
      if (result >= 0) sent += result;
      else {
        datagrams = datagrams.map((each) => ({ ...each, data: own(each.data) }));
        try {
          yield* this.room(result, addresses[0]);
        } catch (error) {
          throw Object.assign(error as Error, { sent });
        }
      }
    }
    return datagrams.length;
  }

  // Waits if it was only for want of room; or throws what it was.
  private *room(errno: number, to: InternetAddress | undefined): Coroutine<void> {
    if (errno === -EAGAIN) {
      this.#readiness.writable = false;
      yield* this.#readiness.whenWritable(`send on fd ${this.fd}`);
    } else if (errno === -ENOBUFS) {
      yield* sleep(1); // of the device's queue nobody is told
    } else {
      throw new SystemError(errno, 'sendto', {
        fd: this.fd,
        what: `fd ${this.fd}${to ? ` to ${formatAddress(to)}` : ''}`,
      });
    }
  }

  private membership(group: string, device: string, joins: boolean): void {
    if (typeof group !== 'string' || !addon.isAddress(group)) {
      throw new ArgumentRangeError(`${joins ? 'join' : 'leave'}() was given group "${group}": give an IP address`);
    }
    const what = `${joins ? 'join' : 'leave'} ${group}${device && ` on ${device}`}`;
    checked(addon.setMembership(this.open, group, String(device), joins), 'setsockopt', { fd: this.fd, what });
  }
}

function checkData(data: unknown): void {
  if (data instanceof Uint8Array) return;
  throw new ArgumentTypeError(`a datagram must be a Uint8Array (a Buffer is one), not ${typeof data}: encode strings`);
}

/**
 * A UDP socket on an address (default: every one, IPv6 and IPv4) and port (default 0: any free one). Never suspends.
 * (POSIX: socket, bind)
 * @throws SystemError EADDRINUSE, EACCES, EADDRNOTAVAIL; RangeError for a bad port, or a host that is no IP address.
 */
export function udp(target: { host?: string; port?: number } = {}, options: UdpOptions = {}): DatagramSocket {
  currentKernel('udp()');
  const { reuseAddress = false, reusePort = false, ipv6Only = false } = options;
  const address = resolve({ port: 0, ...target }, '::', 'udp()');
  const open = (host: string) => addon.openDatagram(host, address.port, reuseAddress, reusePort, !ipv6Only);
  let fd = open(address.host);
  // A machine without IPv6 has only the IPv4 form of "everywhere".
  if (fd === -constants.errno.EAFNOSUPPORT && target.host === undefined) fd = open('0.0.0.0');
  return new DatagramSocket(checked(fd, 'bind', { what: `on ${formatAddress(address)}` }));
}
