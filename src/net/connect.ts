// connect: a connection as an operation, by TCP or over a Unix socket.

import { checkDuration } from '../kernel/deadline.ts';
import { ArgumentTypeError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { addon } from '../native/addon.ts';
import {
  checkHost,
  checkPort,
  formatAddress,
  type InternetAddress,
  type InternetTarget,
  isUnix,
  resolve,
  type UnixTarget,
} from '../native/address.ts';
import { checked } from '../native/system-error.ts';
import { familyOf, getAddrInfo } from './dns.ts';
import { firstToConnect } from './happy-eyeballs.ts';
import { Socket } from './socket.ts';
import { connectUnix } from './unix.ts';

export interface ConnectOptions {
  /** The IP address that the connection is to come from; default: the system chooses. Only targets of its kind are tried. */
  localAddress?: string;
  /** The port that it is to come from; default 0: the system chooses. */
  localPort?: number;
  /** How long one address of a host may take before the next is tried as well, in milliseconds. Default 250 (RFC 8305). */
  attemptDelay?: number;
}

/**
 * Connects and gives the Socket; suspends meanwhile. Cancelled, it leaves nothing open. A host with several addresses is
 * tried at all of them, by IPv6 and IPv4 in turn: the next one when one fails or after `attemptDelay`, and the first
 * connection is taken (RFC 8305). The default host and 'localhost' are this machine, without a look-up: 'localhost' is
 * 127.0.0.1 and then ::1. A Unix socket whose listener has no room is tried again until it has. (POSIX: connect)
 * @throws SystemError ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENOENT (no such path) ..., what getAddrInfo() throws;
 * ConnectError with the code of the first, if several addresses have failed; RangeError for a bad port, host or path.
 * @example
 * using socket = yield* connect({ host: 'example.com', port: 80 });
 * using other = yield* connect({ path: '/run/app.sock' });
 */
export function connect(target: InternetTarget | UnixTarget, options: ConnectOptions = {}): Coroutine<Socket> {
  return made(connecting(target, options), 'connect()');
}

function* connecting(target: InternetTarget | UnixTarget, options: ConnectOptions): Coroutine<Socket> {
  const { attemptDelay = 250 } = options;
  const delay = checkDuration(attemptDelay, 'connect()');
  if (isUnix(target, 'connect()')) {
    if (options.localAddress === undefined && options.localPort === undefined) return yield* connectUnix(target.path);
    throw new ArgumentTypeError('connect() takes localAddress and localPort with { host, port } only');
  }
  const port = checkPort(target?.port, 'connect()');
  const host = checkHost(target.host ?? '127.0.0.1', 'connect()');
  const local = localEnd(options);
  const attempt = (address: InternetAddress) => connectTcp(address, local?.(address));
  if (addon.isAddress(host)) return yield* attempt({ host, port });
  const family = options.localAddress === undefined ? 0 : familyOf(options.localAddress);
  const found = host === 'localhost' ? loopback(family, port) : yield* getAddrInfo(host, { family, port });
  return yield* firstToConnect(found, delay, formatAddress({ host, port }), attempt);
}

/** 127.0.0.1 first, since that is where listen({ host: 'localhost' }) is. */
function loopback(family: 0 | 4 | 6, port: number): InternetAddress[] {
  const all = ['127.0.0.1', '::1'].map((host) => ({ host, port }));
  return all.filter(({ host }) => family === 0 || family === familyOf(host));
}

/** Where a connection to an address is to come from, if that was said. */
function localEnd({ localAddress, localPort = 0 }: ConnectOptions): ((to: InternetAddress) => InternetAddress) | null {
  if (localAddress !== undefined) {
    const local = resolve({ host: localAddress, port: localPort }, '', 'connect() with localAddress');
    return () => local;
  }
  checkPort(localPort, 'connect() with localPort');
  if (localPort === 0) return null;
  return ({ host }) => ({ host: familyOf(host) === 4 ? '0.0.0.0' : '::', port: localPort });
}

/** One attempt at one address. */
function* connectTcp(address: InternetAddress, local: InternetAddress | undefined): Coroutine<Socket> {
  const what = `to ${formatAddress(address)}${local === undefined ? '' : ` from ${formatAddress(local)}`}`;
  const [fd, pending] = addon.connectTcp(address.host, address.port, local?.host, local?.port);
  checked(fd, 'connect', { what });
  const socket = new Socket(fd, !pending);
  let established = false;
  try {
    yield* socket.connected(what);
    established = true;
    return socket;
  } finally {
    if (!established) socket.close();
  }
}
