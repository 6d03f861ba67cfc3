// The options of a socket that people need, by name; native/socket_options.cc has the system's numbers for them.

import { constants } from 'node:os';
import { ArgumentRangeError, ArgumentTypeError, ClosedError } from '../kernel/errors.ts';
import { addon } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';

export interface SocketOptions {
  /** Whether small messages leave at once; true from the start. (TCP_NODELAY) */
  noDelay: boolean;
  /** Whether a silent peer is asked if it is still there. (SO_KEEPALIVE) */
  keepAlive: boolean;
  /** How long a peer must have been silent for that, in milliseconds, rounded up to seconds. (TCP_KEEPIDLE) */
  keepAliveIdle: number;
  /** How long until it is asked again, in milliseconds, rounded up to seconds. (TCP_KEEPINTVL) */
  keepAliveInterval: number;
  /** How often, until the connection counts as dead: ETIMEDOUT. (TCP_KEEPCNT) */
  keepAliveCount: number;
  /** How many bytes the system holds that the peer has not taken. Linux doubles it, for its own needs. (SO_SNDBUF) */
  sendBuffer: number;
  /** How many bytes the system holds that nobody has received. Linux doubles it, for its own needs. (SO_RCVBUF) */
  receiveBuffer: number;
  /** How long what was sent may remain unacknowledged, in milliseconds, until the connection counts as dead; 0: as the
   * system has it. Linux only. (TCP_USER_TIMEOUT) */
  userTimeout: number;
  /** Whether datagrams may go to broadcast addresses. (SO_BROADCAST) */
  broadcast: boolean;
  /** How many routers a packet may pass. (IP_TTL, IPV6_UNICAST_HOPS) */
  ttl: number;
  /** How many routers a multicast may pass; 1 at first, the local network. (IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS) */
  multicastTtl: number;
  /** Whether this machine hears its own multicasts; true at first. (IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP) */
  multicastLoop: boolean;
}

interface Kind {
  readonly type: 'boolean' | 'number';
  /** The system's unit in ours. */
  readonly unit: number;
  readonly least: number;
}

const FLAG: Kind = { type: 'boolean', unit: 1, least: 0 };
const SECONDS: Kind = { type: 'number', unit: 1000, least: 1 };
const POSITIVE: Kind = { type: 'number', unit: 1, least: 1 };

const KINDS: Record<keyof SocketOptions, Kind> = {
  noDelay: FLAG,
  keepAlive: FLAG,
  keepAliveIdle: SECONDS,
  keepAliveInterval: SECONDS,
  keepAliveCount: POSITIVE,
  sendBuffer: POSITIVE,
  receiveBuffer: POSITIVE,
  userTimeout: { type: 'number', unit: 1, least: 0 },
  broadcast: FLAG,
  ttl: { type: 'number', unit: 1, least: 1 },
  multicastTtl: { type: 'number', unit: 1, least: 0 },
  multicastLoop: FLAG,
};

const MOST = 0x7fffffff;

const ADVICE: Record<number, string> = {
  [-constants.errno.EOPNOTSUPP]: 'only TCP has this option, and this is a Unix socket',
  [-constants.errno.ENOPROTOOPT]: 'this system does not have the option',
  [-constants.errno.EINVAL]: 'the system does not take this value, or the connection is over',
};

export function setSocketOption<K extends keyof SocketOptions>(fd: number, name: K, value: SocketOptions[K]): void {
  const { type, unit, least } = kindOf(name, fd, 'setOption()');
  if (typeof value !== type) throw new ArgumentTypeError(`${name} takes a ${type}, not ${typeof value}`);
  const amount = Math.ceil(Number(value) / unit);
  if (!(amount >= least && amount <= MOST)) {
    throw new ArgumentRangeError(`${name} was given ${value}: it must be from ${least} to ${MOST * unit}`);
  }
  const result = addon.setOption(fd, name, amount);
  if (result < 0) throw failure(result, 'setsockopt', name, fd);
}

export function getSocketOption<K extends keyof SocketOptions>(fd: number, name: K): SocketOptions[K] {
  const { type, unit } = kindOf(name, fd, 'getOption()');
  const result = addon.getOption(fd, name);
  if (typeof result === 'number') throw failure(result, 'getsockopt', name, fd);
  const value = type === 'boolean' ? result[0] !== 0 : result[0] * unit;
  return value as SocketOptions[K];
}

function kindOf(name: keyof SocketOptions, fd: number, caller: string): Kind {
  if (!Object.hasOwn(KINDS, name)) {
    throw new ArgumentTypeError(`${caller} takes one of ${Object.keys(KINDS).join(', ')}, not ${String(name)}`);
  }
  if (fd < 0) throw new ClosedError('the socket is closed');
  return KINDS[name];
}

function failure(errno: number, syscall: string, name: string, fd: number): SystemError {
  return new SystemError(errno, syscall, { fd, what: `${name} of fd ${fd}`, advice: ADVICE[errno] });
}
