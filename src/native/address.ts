// Where to listen or connect, checked and made concrete.

import { ArgumentRangeError, ArgumentTypeError } from '../kernel/errors.ts';
import { addon } from './addon.ts';

/** One end of a connection: an IP literal and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export function formatAddress(address: Address | undefined): string {
  if (address === undefined) return 'nobody';
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** How many connections the kernel is to hold for accept(). */
export function checkBacklog(backlog: number): number {
  if (Number.isInteger(backlog) && backlog >= 0 && backlog <= 0x7fffffff) return backlog;
  throw new ArgumentRangeError(`backlog ${backlog} must be a whole number, 0 or more`);
}

/** The address with its host as an IP literal; 'localhost' is 127.0.0.1. */
export function resolve(target: { host?: string; port: number }, fallback: string, caller: string): Address {
  const { host = fallback, port } = target ?? {};
  if (typeof port !== 'number') throw new ArgumentTypeError(`${caller} takes { host, port } with a number as port`);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new ArgumentRangeError(`${caller} was given port ${port}: it must be a whole number from 0 to 65535`);
  }
  if (typeof host !== 'string') throw new ArgumentTypeError(`${caller} takes a string as host, not ${typeof host}`);
  const literal = host === 'localhost' ? '127.0.0.1' : host;
  if (!addon.isAddress(literal)) {
    throw new ArgumentRangeError(
      `${caller} was given host "${host}": give an IP address or "localhost"; names need DNS`,
    );
  }
  return { host: literal, port };
}
