// What toDuplex() makes: a Duplex on a socket of ours, with what a socket of node:net has beside one.

import type { Duplex } from 'node:stream';
import { ClosedError, InvalidStateError } from '../kernel/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Coroutine } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import type { InternetAddress } from '../native/address.ts';
import type { Socket } from '../net/socket.ts';
import type { SocketOptions } from '../net/socket-options.ts';
import { Event } from '../sync/event.ts';
import { Inactivity } from './inactivity.ts';

const MOST = 65_536; // bytes that are read at once

/**
 * What node:net's sockets have beside a Duplex, but for connect(), since this one is connected. As theirs, a listener of
 * 'close' is told whether there was an error.
 */
export interface SocketDuplex extends Duplex {
  readonly connecting: false;
  /** Whether it is closed: net.Socket says so of one that is not connected. */
  readonly pending: boolean;
  readonly readyState: 'open' | 'readOnly' | 'writeOnly' | 'closed';
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly localFamily: string | undefined;
  /** How many bytes have come. */
  readonly bytesRead: number;
  /** How many bytes were written, those that wait to be sent among them. */
  readonly bytesWritten: number;
  /** What setTimeout() was given; undefined before. */
  readonly timeout: number | undefined;
  address(): { address: string; family: string; port: number } | Record<string, never>;
  /**
   * Emits 'timeout' when nothing has come and nothing has gone for so many milliseconds, and again after each further
   * silence; 0 for never. The listener is called once; with 0 it is removed.
   */
  setTimeout(ms: number, listener?: () => void): this;
  setNoDelay(on?: boolean): this;
  setKeepAlive(on?: boolean, initialDelay?: number): this;
  /** Ends it, and destroys it when all is sent, whether the peer ends or not. */
  destroySoon(): void;
  /** As Socket.reset(): destroys it, and the peer's next call fails with ECONNRESET. */
  resetAndDestroy(): this;
  /** Does nothing: what keeps the process alive is the loop, by the tasks that it has. */
  ref(): this;
  /** See ref(). */
  unref(): this;
}

type Done = (error?: Error | null) => void;

export function makeSocketDuplex(socket: Socket, kernel: Kernel, allowHalfOpen: boolean): SocketDuplex {
  Class ??= declare();
  return new Class(socket, kernel, allowHalfOpen);
}

let Class: ReturnType<typeof declare> | undefined;

/** When it is first needed, since node:stream is large. */
function declare() {
  const stream = process.getBuiltinModule('node:stream') as typeof import('node:stream');

  return class DuplexOfSocket extends stream.Duplex implements SocketDuplex {
    readonly connecting = false;
    readonly remoteAddress: string | undefined;
    readonly remotePort: number | undefined;
    readonly remoteFamily: string | undefined;
    readonly localAddress: string | undefined;
    readonly localPort: number | undefined;
    readonly localFamily: string | undefined;
    bytesRead = 0;
    timeout: number | undefined;
    readonly #socket: Socket;
    readonly #kernel: Kernel;
    readonly #reader: Task<void>;
    readonly #wanted = new Event();
    readonly #inactivity: Inactivity;
    /** How many bytes of ended writes. */
    #flushed = 0;
    #resets = false;

    constructor(socket: Socket, kernel: Kernel, allowHalfOpen: boolean) {
      super({ allowHalfOpen, emitClose: false }); // since _destroy() does, and says how it went
      this.#socket = socket;
      this.#kernel = kernel;
      this.#inactivity = new Inactivity(
        () => this.emit('timeout'),
        () => this.#flushed + socket.sent,
      );
      // Asked for now: a socket that is closed does not know it any more.
      const local = (socket.localAddress ?? {}) as Partial<InternetAddress>;
      const remote = (socket.remoteAddress ?? {}) as Partial<InternetAddress>;
      this.localAddress = local.host;
      this.localPort = local.port;
      this.localFamily = familyOf(local.host);
      this.remoteAddress = remote.host;
      this.remotePort = remote.port;
      this.remoteFamily = familyOf(remote.host);
      // As node:net: clients look for EPIPE to know that they may ask again.
      this.once('end', () => {
        if (!this.allowHalfOpen) this.write = this.#writeAfterPeer as typeof this.write;
      });
      this.#reader = this.#start(this.#receiving(), 'reader');
      // Cancelled, even before it has begun: the run is over.
      this.#reader.addWaiter({ taskDone: ({ cancelled }) => void (cancelled && this.destroy()) });
    }

    get pending(): boolean {
      return this.destroyed;
    }

    get readyState(): SocketDuplex['readyState'] {
      if (this.readable) return this.writable ? 'open' : 'readOnly';
      return this.writable ? 'writeOnly' : 'closed';
    }

    get bytesWritten(): number {
      return this.#flushed + this.writableLength;
    }

    address(): ReturnType<SocketDuplex['address']> {
      const { localAddress: address, localPort: port, localFamily: family } = this;
      return address === undefined || port === undefined ? {} : { address, port, family: family as string };
    }

    setTimeout(ms: number, listener?: () => void): this {
      if (this.destroyed) return this;
      this.#inactivity.set(ms);
      this.timeout = ms;
      if (listener !== undefined) ms > 0 ? this.once('timeout', listener) : this.off('timeout', listener);
      return this;
    }

    setNoDelay(on = true): this {
      return this.#set('noDelay', on);
    }

    setKeepAlive(on = false, initialDelay = 0): this {
      if (on && initialDelay > 0) this.#set('keepAliveIdle', initialDelay);
      return this.#set('keepAlive', on);
    }

    destroySoon(): void {
      if (this.writable) this.end();
      if (this.writableFinished) this.destroy();
      else this.once('finish', this.destroy);
    }

    resetAndDestroy(): this {
      this.#resets = true;
      return this.destroy();
    }

    ref(): this {
      return this;
    }

    unref(): this {
      return this;
    }

    #writeAfterPeer(chunk: unknown, ...rest: unknown[]): boolean {
      if (!this.writableEnded) return super.write(chunk, ...(rest as [BufferEncoding, Done]));
      const error = endedByPeer();
      const done = rest.at(-1);
      if (typeof done === 'function') process.nextTick(done, error);
      this.destroy(error);
      return false;
    }

    override _read(): void {
      this.#wanted.set();
    }

    override _write(chunk: Buffer, _: string, done: Done): void {
      this.#send([chunk], done);
    }

    override _writev(chunks: { chunk: Buffer }[], done: Done): void {
      this.#send(
        chunks.map(({ chunk }) => chunk),
        done,
      );
    }

    override _final(done: Done): void {
      try {
        if (!this.#socket.closed) this.#socket.shutdown('write');
        done();
      } catch (error) {
        done((error as { code?: string }).code === 'ENOTCONN' ? null : (error as Error));
      }
    }

    override _destroy(error: Error | null, done: Done): void {
      this.#inactivity.stop();
      this.#reader.cancel();
      if (this.#resets) this.#socket.reset();
      else this.#socket.close();
      done(error);
      process.nextTick(() => this.emit('close', error !== null)); // after 'error'
    }

    /** Of TCP's; a Unix socket has none of them, and a closed one none any more. */
    #set<K extends keyof SocketOptions>(name: K, value: SocketOptions[K]): this {
      if (this.remotePort !== undefined && !this.#socket.closed) this.#socket.setOption(name, value);
      return this;
    }

    #start<T>(body: Coroutine<T>, what: string): Task<T> {
      return this.#kernel.spawn(body, `${what} of a Duplex on fd ${this.#socket.fd}`);
    }

    *#receiving(): Coroutine<void> {
      let buffer = Buffer.allocUnsafeSlow(MOST);
      try {
        for (;;) {
          const length = yield* this.#socket.recvInto(buffer);
          this.#inactivity.renew();
          if (length === 0) break;
          this.bytesRead += length;
          // Much goes as it is, little as a copy, so that it does not hold on to all of the buffer.
          const isMuch = length > MOST / 2;
          const chunk = isMuch ? buffer.subarray(0, length) : Buffer.from(buffer.subarray(0, length));
          if (isMuch) buffer = Buffer.allocUnsafeSlow(MOST);
          this.#wanted.clear();
          if (!this.#hand(chunk)) yield* this.#wanted.wait();
        }
        this.#hand(null);
        apart(() => this.read(0)); // where nobody reads, it ends all the same, and does not stay open for ever
        yield* new Event().wait(); // to be cancelled with the run, though our direction may stay open
      } catch (error) {
        this.destroy(error as Error);
      }
    }

    #hand(chunk: Buffer | null): boolean {
      return apart(() => this.push(chunk)) ?? true;
    }

    #send(chunks: Buffer[], done: Done): void {
      this.#inactivity.renew();
      const rest: Buffer[] = [];
      let total = 0;
      const flushed: Done = (error) => {
        this.#flushed += total;
        this.#inactivity.renew();
        done(error);
      };
      try {
        for (const chunk of chunks) {
          total += chunk.length;
          const sent = rest.length > 0 ? 0 : this.#socket.trySend(chunk);
          if (sent < chunk.length) rest.push(chunk.subarray(sent));
        }
      } catch (error) {
        flushed(error as Error);
        return;
      }
      if (rest.length === 0) flushed();
      else {
        // Not in the coroutine: one that is cancelled before its first step has no `finally`.
        this.#start(this.#sending(rest), 'writer').addWaiter({
          taskDone: (task) => apart(() => flushed(this.#outcome(task as Task<Error | null>))),
        });
      }
    }

    /** Of a writer: what has closed the socket under it says more than that it was closed. */
    #outcome(task: Task<Error | null>): Error | null {
      if (task.cancelled) return cutOff();
      const error = task.result();
      return error instanceof ClosedError ? (this.errored ?? error) : error;
    }

    /** Gives the error, if there is one. */
    *#sending(chunks: Buffer[]): Coroutine<Error | null> {
      try {
        yield* this.#socket.sendAll(chunks);
        return null;
      } catch (error) {
        return error as Error;
      }
    }
  };
}

const endedByPeer = (): Error =>
  Object.assign(
    new Error('the peer has ended the connection, and our direction with it, unless allowHalfOpen is given'),
    {
      code: 'EPIPE',
    },
  );

const cutOff = (): Error => new InvalidStateError('the run has ended with bytes to send');

/** Calls listeners: what one throws is no error of the connection, but ends the program, as with any other stream. */
function apart<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return undefined;
  }
}

function familyOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : address.includes(':') ? 'IPv6' : 'IPv4';
}
