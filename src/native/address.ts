// Where to listen or connect, checked and made concrete.

import { ArgumentRangeError, ArgumentTypeError } from '../kernel/errors.ts';
import { type AddressParts, addon } from './addon.ts';

/** One end of a TCP connection: an IP literal and a port. A link-local one names its interface: fe80::1%eth0. */
export interface InternetAddress {
  readonly host: string;
  readonly port: number;
  readonly path?: undefined;
}

/**
 * One end of a connection over a Unix socket: the path of its file. Of an abstract name, which is no file (Linux), the
 * first character is '\0'; '' is an end without a name, as clients have.
 */
export interface UnixAddress {
  readonly path: string;
  readonly host?: undefined;
  readonly port?: undefined;
}

/** One end of a connection: `address.path === undefined` tells the two apart. */
export type Address = InternetAddress | UnixAddress;

/** Where TCP is to listen or connect; each call has its own default host. */
export interface InternetTarget {
  host?: string;
  port: number;
}

/** Where a Unix socket is to listen or connect: a path, or '\0' and an abstract name (Linux). */
export interface UnixTarget {
  path: string;
}

/** An address as the native functions give it. */
export function toAddress(parts: AddressParts): Address {
  return parts.length === 1 ? { path: parts[0] } : { host: parts[0], port: parts[1] };
}

export function formatAddress(address: Address | undefined): string {
  if (address === undefined) return 'nobody';
  if (address.path !== undefined) {
    return address.path === '' ? 'an unnamed socket' : address.path.replaceAll('\0', '@'); // as ss(8) has it
  }
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** How many connections the kernel is to hold for accept(). */
export function checkBacklog(backlog: number): number {
  if (Number.isInteger(backlog) && backlog >= 0 && backlog <= 0x7fffffff) return backlog;
  throw new ArgumentRangeError(`backlog ${backlog} must be a whole number, 0 or more`);
}

/** Whether it is a path that was given. A path and a port together are refused. */
export function isUnix(target: InternetTarget | UnixTarget, caller: string): target is UnixTarget {
  const { host, port, path } = (target ?? {}) as Partial<InternetTarget & UnixTarget>;
  if (path === undefined) return false;
  if (host === undefined && port === undefined) return true;
  throw new ArgumentTypeError(`${caller} takes { host, port } or { path }, not both`);
}

/** A path that fits into an address. */
export function checkPath(path: unknown, caller: string): string {
  if (typeof path !== 'string') throw new ArgumentTypeError(`${caller} takes a string as path, not ${typeof path}`);
  const isAbstract = path.startsWith('\0');
  if (path === '' || path === '\0') throw new ArgumentRangeError(`${caller} was given a path without a name`);
  if (!isAbstract && path.includes('\0')) {
    throw new ArgumentRangeError(`${caller} was given a path with a NUL in it: the system would take it for its end`);
  }
  const size = Buffer.byteLength(path);
  const most = addon.mostPathBytes - (isAbstract ? 0 : 1);
  if (size <= most) return path;
  throw new ArgumentRangeError(
    `${caller} was given a path of ${size} bytes, and the system takes ${most} at most: choose a shorter one, such as one ` +
      'relative to the working directory',
  );
}

export function checkPort(port: unknown, caller: string): number {
  if (typeof port !== 'number') throw new ArgumentTypeError(`${caller} takes { host, port } with a number as port`);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new ArgumentRangeError(`${caller} was given port ${port}: it must be a whole number from 0 to 65535`);
}

/** A host that is an address or could be a name. */
export function checkHost(host: unknown, caller: string): string {
  if (typeof host !== 'string') throw new ArgumentTypeError(`${caller} takes a string as host, not ${typeof host}`);
  if (host !== '' && !host.includes('\0')) return host;
  throw new ArgumentRangeError(`${caller} was given host ${JSON.stringify(host)}: give a name or an IP address`);
}

/** The address with its host as an IP literal; 'localhost' is 127.0.0.1. For those who do not look up names. */
export function resolve(target: InternetTarget, fallback: string, caller: string): InternetAddress {
  const { host = fallback, port } = target ?? {};
  checkPort(port, caller);
  const literal = checkHost(host, caller) === 'localhost' ? '127.0.0.1' : host;
  if (!addon.isAddress(literal)) {
    throw new ArgumentRangeError(
      `${caller} was given host "${host}": give an IP address or "localhost"; getAddrInfo() looks up names`,
    );
  }
  return { host: literal, port };
}
