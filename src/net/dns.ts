// getAddrInfo: the addresses of a name. The system's own look-up blocks, so a thread of a small pool does it, and tells
// the loop through a descriptor. That is registered while the look-up runs, and so long there is hope for who waits.

import type * as Url from 'node:url';
import { ArgumentRangeError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import { Once } from '../kernel/once.ts';
import { type Coroutine, DONE, type Operation, type Park } from '../kernel/operation.ts';
import { closedError, Readiness } from '../kernel/readiness.ts';
import { READ } from '../kernel/selector-port.ts';
import { addon, type LookupObject } from '../native/addon.ts';
import { checkHost, checkPort, type InternetAddress } from '../native/address.ts';
import { checked, SystemError } from '../native/system-error.ts';

const EAI_NONAME = -3008;

export interface GetAddrInfoOptions {
  /** 4 or 6 for addresses of that kind only; default 0, both. */
  family?: 0 | 4 | 6;
  /** What the addresses are to have as port; default 0. */
  port?: number;
}

/**
 * Looks up the addresses of a host, as the system is configured to (the hosts file, name servers), best first (RFC
 * 6724): ready to be given to connect() or listen(). Suspends; an IP address needs no look-up and comes back at once.
 * Four look-ups run at a time, in threads, more wait for these. Cancelled, it leaves at once, and its thread goes on
 * until the system has an answer. (POSIX: getaddrinfo)
 * @throws SystemError ENOTFOUND (no such name, or no address of that family), EAI_AGAIN (no name server answers),
 * EAI_FAIL, EAI_MEMORY, ...; TypeError, RangeError for an impossible host, family or port.
 * @example
 * const [address] = yield* getAddrInfo('example.com', { port: 80 });
 */
export function getAddrInfo(host: string, options: GetAddrInfoOptions = {}): Operation<InternetAddress[]> {
  const { family = 0, port = 0 } = options;
  checkHost(host, 'getAddrInfo()');
  checkPort(port, 'getAddrInfo()');
  if (family !== 0 && family !== 4 && family !== 6) {
    throw new ArgumentRangeError(`getAddrInfo() takes family 4, 6 or 0 for both, not ${String(family)}`);
  }
  return made(new Once(lookingUp(host, family, port), 'getAddrInfo()'), 'getAddrInfo()');
}

function* lookingUp(host: string, family: number, port: number): Coroutine<InternetAddress[]> {
  let hosts: string[];
  if (addon.isAddress(host)) {
    hosts = literal(host, family);
  } else {
    const lookup: Operation<string[] | number> = new Lookup(host, family);
    hosts = answered(yield* lookup, host);
  }
  return hosts.map((each) => ({ host: each, port }));
}

/** As getAddrInfo(), but blocks the thread while the system looks. */
export function addressesNow(host: string, port: number): InternetAddress[] {
  const hosts = addon.isAddress(host) ? [host] : answered(addon.lookUpNow(asciiOf(host)), host);
  return hosts.map((each) => ({ host: each, port }));
}

/** 4 or 6, of an IP address. */
export function familyOf(host: string): 4 | 6 {
  return host.includes(':') ? 6 : 4;
}

function literal(host: string, family: number): string[] {
  return answered(family === 0 || family === familyOf(host) ? [host] : EAI_NONAME, host);
}

function answered(answer: string[] | number, host: string): string[] {
  if (typeof answer === 'number') throw new SystemError(answer, 'getaddrinfo', { what: host });
  return answer;
}

// Names in other letters are registered in a form of ASCII (RFC 5891).
function asciiOf(host: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  if (/^[\x00-\x7f]*$/.test(host)) return host;
  return (process.getBuiltinModule('node:url') as typeof Url).domainToASCII(host) || host;
}

/** One look-up, from its first next() to its answer or its cancel. */
class Lookup implements Operation<string[] | number>, Iterator<Park, string[] | number, void> {
  readonly #host: string;
  readonly #object: LookupObject;
  readonly #readiness: Readiness;

  constructor(host: string, family: number) {
    this.#host = host;
    this.#object = new addon.Lookup(asciiOf(host), family);
    const fd = checked(this.#object.fd, 'getaddrinfo', { what: host });
    try {
      this.#readiness = new Readiness(fd, READ, () => this.close());
    } catch (error) {
      this.#object.close();
      throw error;
    }
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Park, string[] | number> {
    if (this.#readiness.closed) throw closedError('look-up');
    const answer = this.#object.take();
    if (answer === null) return this.#readiness.parkReader(this);
    this.close();
    return { done: true, value: answer };
  }

  return(): IteratorResult<Park, string[] | number> {
    this.close();
    return DONE as IteratorReturnResult<never>;
  }

  toString(): string {
    return `getAddrInfo ${this.#host}`;
  }

  private close(): void {
    this.#readiness.reader = null;
    this.#readiness.remove();
    this.#object.close();
  }
}
