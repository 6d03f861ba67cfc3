// A socket of ours as a stream of Node's, so that Node's own protocol libraries (http, tls) and others' run on it.

import type { Duplex } from 'node:stream';
import { ArgumentTypeError, InvalidStateError } from '../kernel/errors.ts';
import { here } from '../kernel/here.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Coroutine } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import type { InternetAddress } from '../native/address.ts';
import { Socket } from '../net/socket.ts';
import type { SocketOptions } from '../net/socket-options.ts';
import { Event } from '../sync/event.ts';

const MOST = 65_536; // bytes that are read at once

export interface DuplexOptions {
  /** Whether our direction stays open when the peer has ended its own. Default false, as for node:net. */
  allowHalfOpen?: boolean;
}

/** What node:net's sockets have beside a Duplex, as far as libraries ask for it. */
export interface SocketDuplex extends Duplex {
  readonly connecting: false;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  address(): { address: string; family: string; port: number } | Record<string, never>;
  /** Emits 'timeout' when nothing has come and nothing has gone for so many milliseconds; 0 for never. */
  setTimeout(ms: number, listener?: () => void): this;
  setNoDelay(on?: boolean): this;
  setKeepAlive(on?: boolean, initialDelay?: number): this;
  /** Does nothing: what keeps the process alive is the loop, by the tasks that it has. */
  ref(): this;
  /** See ref(). */
  unref(): this;
}

type Done = (error?: Error | null) => void;

/** Between a socket and its Duplex. */
class Bridge {
  readonly duplex: SocketDuplex;
  readonly #socket: Socket;
  readonly #kernel: Kernel;
  readonly #reader: Task<void>;
  readonly #wanted = new Event();
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: Socket, kernel: Kernel, options: DuplexOptions) {
    this.#socket = socket;
    this.#kernel = kernel;
    // Loaded when it is first needed: it is large.
    const stream = process.getBuiltinModule('node:stream') as typeof import('node:stream');
    const duplex = new stream.Duplex({
      allowHalfOpen: options.allowHalfOpen ?? false,
      read: () => this.#wanted.set(),
      write: (chunk, _, done) => this.send([chunk], done),
      writev: (chunks, done) =>
        this.send(
          chunks.map(({ chunk }) => chunk),
          done,
        ),
      final: (done) => this.finish(done),
      destroy: (error, done) => this.destroy(error, done),
    });
    this.duplex = Object.assign(duplex, this.likeSocket()) as SocketDuplex;
    this.#reader = this.start(this.receiving(), 'reader');
    // Cancelled, even before it has begun: the run is over.
    this.#reader.addWaiter({ taskDone: ({ cancelled }) => void (cancelled && duplex.destroy()) });
  }

  // What the socket knows is asked for now: one that is closed does not know it any more.
  private likeSocket(): Omit<SocketDuplex, keyof Duplex> {
    const socket = this.#socket;
    const local = (socket.localAddress ?? {}) as Partial<InternetAddress>;
    const remote = (socket.remoteAddress ?? {}) as Partial<InternetAddress>;
    const isTcp = remote.port !== undefined;
    const self = (): SocketDuplex => this.duplex;
    const set = <K extends keyof SocketOptions>(name: K, value: SocketOptions[K]): void => {
      if (isTcp && !socket.closed) socket.setOption(name, value);
    };
    return {
      connecting: false,
      remoteAddress: remote.host,
      remotePort: remote.port,
      remoteFamily: familyOf(remote.host),
      localAddress: local.host,
      localPort: local.port,
      address: () =>
        local.host === undefined || local.port === undefined
          ? {}
          : { address: local.host, port: local.port, family: familyOf(local.host) as string },
      setTimeout: (ms: number, listener?: () => void) => {
        clearTimeout(this.#idle);
        this.#idle = ms > 0 ? setTimeout(() => self().emit('timeout'), ms).unref() : undefined;
        if (listener !== undefined) ms > 0 ? self().once('timeout', listener) : self().off('timeout', listener);
        return self();
      },
      setNoDelay: (on = true) => {
        set('noDelay', on);
        return self();
      },
      setKeepAlive: (on = false, initialDelay = 0) => {
        set('keepAlive', on);
        if (on && initialDelay > 0) set('keepAliveIdle', initialDelay);
        return self();
      },
      ref: self,
      unref: self,
    } as unknown as Omit<SocketDuplex, keyof Duplex>;
  }

  private finish(done: Done): void {
    try {
      if (!this.#socket.closed) this.#socket.shutdown('write');
      done();
    } catch (error) {
      done((error as { code?: string }).code === 'ENOTCONN' ? null : (error as Error));
    }
  }

  private destroy(error: Error | null, done: Done): void {
    clearTimeout(this.#idle);
    this.#reader.cancel();
    this.#socket.close();
    done(error);
  }

  private start<T>(body: Coroutine<T>, what: string): Task<T> {
    return this.#kernel.spawn(body, `${what} of a Duplex on fd ${this.#socket.fd}`);
  }

  private *receiving(): Coroutine<void> {
    let buffer = Buffer.allocUnsafeSlow(MOST);
    try {
      for (;;) {
        const length = yield* this.#socket.recvInto(buffer);
        this.#idle?.refresh();
        if (length === 0) break;
        // Much goes as it is, little as a copy, so that it does not hold on to all of the buffer.
        const isMuch = length > MOST / 2;
        const chunk = isMuch ? buffer.subarray(0, length) : Buffer.from(buffer.subarray(0, length));
        if (isMuch) buffer = Buffer.allocUnsafeSlow(MOST);
        this.#wanted.clear();
        if (!this.hand(chunk)) yield* this.#wanted.wait();
      }
      this.hand(null);
    } catch (error) {
      this.duplex.destroy(error as Error);
    }
  }

  // What a listener throws is no error of the connection: it ends the program, as with any other stream.
  private hand(chunk: Buffer | null): boolean {
    try {
      return this.duplex.push(chunk);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
      return true;
    }
  }

  private send(chunks: Buffer[], done: Done): void {
    this.#idle?.refresh();
    const rest: Buffer[] = [];
    try {
      for (const chunk of chunks) {
        const sent = rest.length > 0 ? 0 : this.#socket.trySend(chunk);
        if (sent < chunk.length) rest.push(chunk.subarray(sent));
      }
    } catch (error) {
      done(error as Error);
      return;
    }
    if (rest.length === 0) done();
    else this.start(this.sending(rest, done), 'writer');
  }

  private *sending(chunks: Buffer[], done: Done): Coroutine<void> {
    let failure: Error | null = new InvalidStateError('the run has ended with bytes to send');
    try {
      yield* this.#socket.sendAll(chunks);
      failure = null;
    } catch (error) {
      failure = error as Error;
    } finally {
      done(failure);
    }
  }
}

function familyOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : address.includes(':') ? 'IPv6' : 'IPv4';
}

/**
 * Makes a Duplex of a socket, and takes it over: destroy() closes it. For what expects a socket of node:net, under
 * runPromise(). It lives in the run that it was made in: with that it is destroyed. Never suspends.
 * @throws InvalidStateError under run(), where streams of Node do not flow.
 * @example
 * const server = http.createServer(handler);
 * for (;;) server.emit('connection', toDuplex(yield* listener.accept(), { allowHalfOpen: true }));
 */
export function toDuplex(socket: Socket, options: DuplexOptions = {}): SocketDuplex {
  if (!(socket instanceof Socket)) throw new ArgumentTypeError('toDuplex() takes a Socket of connect() or accept()');
  const { kernel } = here;
  if (kernel === null || !kernel.guest) {
    throw new InvalidStateError(
      'toDuplex() needs a loop that streams of Node flow beside: call it inside runPromise()',
    );
  }
  return new Bridge(socket, kernel, options).duplex;
}
