// Any descriptor that can be waited on, as a stream: a pipe, a FIFO, a terminal, an eventfd, a timerfd, what another addon
// has opened.

import { ArgumentTypeError } from '../kernel/errors.ts';
import type { Operation } from '../kernel/operation.ts';
import { READ, WRITE } from '../kernel/selector-port.ts';
import { addon } from '../native/addon.ts';
import { checkFd } from '../native/descriptor.ts';
import { checked } from '../native/system-error.ts';
import type { FileStretch } from './send-many.ts';
import { Stream } from './stream.ts';

/** What accessMode() gives: O_RDONLY and O_WRONLY. */
const READ_ONLY = 0;
const WRITE_ONLY = 1;

export interface OpenFdOptions {
  /** Whether close() closes the descriptor, too; otherwise it stays open for its owner. Default true. */
  close?: boolean;
}

export class FdStream extends Stream {
  readonly #reads: boolean;
  readonly #writes: boolean;
  readonly #owns: boolean;
  readonly #wasNonBlocking: boolean;

  /** @internal `waits`: whether it is to be waited on; a regular file is always ready. */
  constructor(fd: number, owns: boolean, waits = true) {
    const mode = checked(addon.accessMode(fd), 'fcntl', { fd });
    const [reads, writes] = [mode !== WRITE_ONLY, mode !== READ_ONLY];
    super(fd, waits ? (reads ? READ : 0) | (writes ? WRITE : 0) : 0, !waits, false);
    this.#reads = reads;
    this.#writes = writes;
    this.#owns = owns;
    // A short read does not mean "drained": a terminal gives a line at a time, inotify whole events, an eventfd 8 bytes.
    this.readiness.readToEnd = true;
    this.#wasNonBlocking = !waits || addon.setNonBlocking(fd, true) === 1;
  }

  override recvInto(buffer: Uint8Array, offset?: number, length?: number): Operation<number> {
    if (!this.#reads) throw wrongSide(this.fd, 'writing', 'read');
    return super.recvInto(buffer, offset, length);
  }

  override send(data: Uint8Array, offset?: number, length?: number): Operation<number> {
    this.mustWrite();
    return super.send(data, offset, length);
  }

  override sendAll(data: Uint8Array | readonly Uint8Array[], offset?: number, length?: number): Operation<number> {
    this.mustWrite();
    return super.sendAll(data as Uint8Array, offset, length);
  }

  override sendFile(file: string | number, options?: FileStretch): Operation<number> {
    this.mustWrite();
    return super.sendFile(file, options);
  }

  override trySend(data: Uint8Array, offset?: number, length?: number): number {
    this.mustWrite();
    return super.trySend(data, offset, length);
  }

  protected override release(fd: number): void {
    if (!this.#wasNonBlocking) addon.setNonBlocking(fd, false);
    if (this.#owns) super.release(fd);
  }

  override toString(): string {
    return this.closed ? 'Stream (closed)' : `Stream fd ${this.fd}`;
  }

  private mustWrite(): void {
    if (!this.#writes) throw wrongSide(this.fd, 'reading', 'write to');
  }
}

function wrongSide(fd: number, only: string, wanted: string): ArgumentTypeError {
  return new ArgumentTypeError(`fd ${fd} was opened for ${only} only, so nobody can ${wanted} it: use the other end`);
}

/**
 * Makes a stream of a descriptor that can be waited on. It is made non-blocking meanwhile, which holds for everybody who
 * shares the open file (the shell that lent us its terminal, too); close() makes it as it was. Never suspends.
 *
 * A regular file, a directory, /dev/null cannot be waited on, since they are always ready: they are refused with EPERM, on
 * every selector. Read them with node:fs, which is quick enough for the page cache; what may take long belongs into a thread.
 * An eventfd or a timerfd is read 8 bytes at a time. (A guest on io_uring may not hear of an eventfd that another thread
 * rings: the kernel does not ring one eventfd for another. Take epoll there.) Of a FIFO: `openFd(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))`
 * opens either end without waiting for the other.
 * @throws SystemError EPERM, EBADF, EEXIST (the loop has it already); TypeError for what is no descriptor.
 * @example
 * const events = openFd(fdOfAnotherAddon);
 * const count = (yield* events.recv(8)).readBigUInt64LE();
 */
export function openFd(fd: number, options: OpenFdOptions = {}): Stream {
  checkFd(fd, 'openFd()');
  return new FdStream(fd, options.close ?? true);
}
