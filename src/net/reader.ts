// Reads lines and other pieces from a stream, which knows only bytes. (asyncio: StreamReader)
//
//        start                  end
//   | gone | bytes that have come |  room  |        one memory, which grows up to the limit and is used again
//
// A cancelled read loses nothing: bytes leave the buffer only with what a call gives.

import { ArgumentRangeError, ArgumentTypeError, IncompleteReadError, LimitOverrunError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';

const SMALL = 4096;
const NEWLINE = 10;
const RETURN = 13;

/** What it reads from: a Stream, or whatever receives as one. */
export interface ByteSource {
  recvInto(buffer: Uint8Array, offset?: number, length?: number): Operation<number>;
}

export interface ReaderOptions {
  /** The longest line that readLine() takes, or piece that readUntil() takes, in bytes. Default 65536. */
  limit?: number;
}

/**
 * Made by `stream.reader()`. One task reads at a time; what is received from the stream itself meanwhile misses what the
 * reader has in its buffer. Each call suspends only when not enough has come.
 * @example
 * const reader = socket.reader();
 * for (;;) {
 *   const line = yield* reader.readLine();
 *   if (line === null) break;
 *   console.log(line);
 * }
 */
export class BufferedReader {
  /** @throws what the stream's recvInto() throws, and: */
  readonly #stream: ByteSource;
  readonly limit: number;
  #memory = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  /** @internal */
  constructor(stream: ByteSource, options: ReaderOptions = {}) {
    const { limit = 65_536 } = options;
    if (!Number.isInteger(limit) || limit < 1) {
      throw new ArgumentRangeError(
        `reader() was given the limit ${limit}: it must be a whole number of bytes, at least 1`,
      );
    }
    this.#stream = stream;
    this.limit = limit;
  }

  /** How many bytes have come that nobody has read. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /**
   * Reads a line and gives it as text (UTF-8), without its end, which is \n or \r\n; null when there is no more. A last
   * line needs no end. For bytes: readUntil('\n'). (asyncio: readline)
   * @throws LimitOverrunError
   */
  readLine(): Operation<string | null> {
    return made(this.line(), 'readLine()');
  }

  /**
   * Reads up to the separator and gives all with it, as a new buffer. (asyncio: readuntil)
   * @throws IncompleteReadError if the stream ends before; LimitOverrunError: read() gives what has come all the same.
   */
  readUntil(separator: string | Uint8Array): Operation<Buffer> {
    const bytes = typeof separator === 'string' ? Buffer.from(separator) : separator;
    if (!(bytes instanceof Uint8Array)) {
      throw new ArgumentTypeError(`readUntil() takes a string or a Uint8Array, not ${typeof separator}`);
    }
    if (bytes.length === 0) throw new ArgumentRangeError('readUntil() was given an empty separator');
    return made(this.until(bytes), 'readUntil()');
  }

  /**
   * Reads `size` bytes, not fewer, as a new buffer; the limit does not count. (asyncio: readexactly)
   * @throws IncompleteReadError if the stream ends before; RangeError for a bad size.
   */
  readExactly(size: number): Operation<Buffer> {
    checkSize(size, 'readExactly()', 0);
    return made(this.exactly(size), 'readExactly()');
  }

  /** Reads what is there, up to `size` bytes and at least one, as a new buffer; empty at the end of the stream. */
  read(size: number): Operation<Buffer> {
    checkSize(size, 'read()', 1);
    return made(this.some(size), 'read()');
  }

  private *line(): Coroutine<string | null> {
    for (let searched = 0; ; ) {
      const at = this.find(NEWLINE, searched);
      if (at >= 0) {
        const hasReturn = at > this.#start && this.#memory[at - 1] === RETURN;
        return this.text(at - (hasReturn ? 1 : 0), at + 1);
      }
      searched = this.buffered;
      if (yield* this.fill()) continue;
      if (this.buffered === 0) return null;
      return this.text(this.#end, this.#end);
    }
  }

  private *until(separator: Uint8Array): Coroutine<Buffer> {
    const sought = separator.length === 1 ? (separator[0] as number) : separator;
    for (let searched = 0; ; ) {
      const at = this.find(sought, searched);
      if (at >= 0) return this.take(at + separator.length - this.#start);
      searched = Math.max(0, this.buffered - separator.length + 1); // it may have come in part
      if (yield* this.fill()) continue;
      const partial = this.take(this.buffered);
      throw new IncompleteReadError(
        `the stream has ended after ${partial.length} bytes, without the separator ${JSON.stringify(String(separator))}`,
        partial,
      );
    }
  }

  private *exactly(size: number): Coroutine<Buffer> {
    if (this.buffered >= size) return this.take(size);
    const result = Buffer.allocUnsafeSlow(size);
    let got = this.move(result);
    let complete = false;
    try {
      while (got < size) {
        const count = yield* this.#stream.recvInto(result, got);
        if (count === 0) {
          complete = true;
          throw new IncompleteReadError(`the stream has ended after ${got} of ${size} bytes`, result.subarray(0, got));
        }
        got += count;
      }
      complete = true;
      return result;
    } finally {
      if (!complete) this.giveBack(result.subarray(0, got));
    }
  }

  private *some(size: number): Coroutine<Buffer> {
    if (this.buffered === 0) yield* this.fill();
    return this.take(Math.min(size, this.buffered));
  }

  // Where the separator begins, -1 if it has not come; LimitOverrunError if it had to have come by now. So many bytes
  // were searched before.
  private find(separator: number | Uint8Array, searched: number): number {
    const at = this.#memory.subarray(0, this.#end).indexOf(separator, this.#start + searched);
    const size = (at < 0 ? this.#end : at) - this.#start;
    if (size <= this.limit) return at;
    throw new LimitOverrunError(
      `more than ${this.limit} bytes have come without an end: raise the limit of reader(), or read() them as they are`,
      this.limit,
    );
  }

  // Receives more; false at the end of the stream.
  private *fill(): Coroutine<boolean> {
    if (this.#end === this.#memory.length) this.makeRoom();
    const count = yield* this.#stream.recvInto(this.#memory, this.#end);
    this.#end += count;
    return count > 0;
  }

  private makeRoom(): void {
    const { buffered } = this;
    // What was read makes room, if it is at least half: then each byte is moved once or twice in all.
    const memory =
      this.#start > 0 && this.#start >= buffered
        ? this.#memory
        : Buffer.allocUnsafeSlow(Math.max(SMALL, 2 * (this.#end - this.#start)));
    this.#memory.copy(memory, 0, this.#start, this.#end);
    this.#memory = memory;
    this.#start = 0;
    this.#end = buffered;
  }

  private text(to: number, next: number): string {
    const text = this.#memory.toString('utf8', this.#start, to);
    this.skipTo(next);
    return text;
  }

  private take(size: number): Buffer {
    const taken = Buffer.from(this.#memory.subarray(this.#start, this.#start + size));
    this.skipTo(this.#start + size);
    return taken;
  }

  private move(to: Buffer): number {
    const size = this.#memory.copy(to, 0, this.#start, this.#end);
    this.skipTo(this.#start + size);
    return size;
  }

  private skipTo(position: number): void {
    this.#start = position;
    if (this.#start === this.#end) this.#start = this.#end = 0;
  }

  // Only while nothing else is in the buffer: it was emptied first.
  private giveBack(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#memory = Buffer.from(bytes);
    this.#start = 0;
    this.#end = bytes.length;
  }
}

function checkSize(size: number, caller: string, least: number): void {
  if (Number.isInteger(size) && size >= least) return;
  throw new ArgumentRangeError(
    `${caller} was given size ${size}: it must be a whole number of bytes, at least ${least}`,
  );
}
