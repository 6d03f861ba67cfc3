// Messages from one thread to another, without the event loop of either: a ring in shared memory, and a pipe that wakes
// whoever sleeps.

import { constants } from 'node:os';
import { ArgumentRangeError, ArgumentTypeError, ClosedError, InvalidStateError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { spend } from '../kernel/park.ts';
import { addon } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';
import { FdStream } from '../net/open-fd.ts';
import { Lock } from '../sync/lock.ts';
import { deserialize, serialize } from './clone.ts';
import { NONE, PlainReader, PlainWriter, type Shape } from './plain-codec.ts';
import { openShared, type SharedFd, shareFd } from './shared-fd.ts';
import { BYTES, CLONE, FEW, type Kind, LATIN, PLAIN, SharedRing, type Side, type Take, TEXT } from './shared-ring.ts';
import { isWellFormed, TextWindow } from './text-buffer.ts';

const { EAGAIN } = constants.errno;

const NAMES: Record<Side, string> = { reader: 'receiver', writer: 'sender' };

/** What a thread needs to send or to receive: it can be given to a worker as it is (workerData, postMessage). */
export interface ChannelHandle {
  readonly side: Side;
  readonly memory: SharedArrayBuffer;
  /** Where this side is woken, and where it wakes the other one. */
  readonly own: SharedFd;
  readonly other: SharedFd;
}

/**
 * A bounded channel from one thread to another. Each end is opened once, by one thread: give it the handle. close() this when
 * both are open, so that each end learns when the other one's thread has ended.
 * @example
 * const channel = new Channel();
 * new Worker(file, { workerData: channel.sender }); // there: const sender = openSender(workerData); yield* sender.send(x)
 * const receiver = openReceiver(channel.receiver);
 * for (;;) console.log(yield* receiver.receive());
 */
export class Channel implements Disposable {
  readonly sender: ChannelHandle;
  readonly receiver: ChannelHandle;
  #descriptors: number[];

  /** @param options.capacity bytes that may wait; a power of two, 1 MiB by default. */
  constructor(options: { capacity?: number } = {}) {
    const { capacity = 1 << 20 } = options;
    if (!Number.isInteger(capacity) || capacity < 64 || capacity > 1 << 29 || (capacity & (capacity - 1)) !== 0) {
      throw new ArgumentRangeError(
        `new Channel() was given the capacity ${capacity}: it must be a power of two, from 64 bytes to 512 MiB`,
      );
    }
    const { memory } = SharedRing.create(capacity);
    this.#descriptors = [];
    const [toReceiver, fromSender] = this.pipe();
    const [toSender, fromReceiver] = this.pipe();
    this.receiver = { side: 'reader', memory, own: toReceiver, other: fromReceiver };
    this.sender = { side: 'writer', memory, own: toSender, other: fromSender };
  }

  /** Closes what is needed to open the ends, and not the ends. Never suspends. */
  close(): void {
    for (const fd of this.#descriptors.splice(0)) addon.closeDescriptor(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private pipe(): [reader: SharedFd, writer: SharedFd] {
    const ends = addon.makePipe();
    if (typeof ends === 'number') {
      this.close();
      throw new SystemError(ends, 'pipe', { what: 'for a channel' });
    }
    this.#descriptors.push(...ends);
    return ends.map(shareFd) as [SharedFd, SharedFd];
  }
}

/** Where an end is woken. It is closed with the end or with the run, and then the other side is to be told. */
class Bell extends FdStream {
  readonly #whenClosed: () => void;

  constructor(fd: number, whenClosed: () => void) {
    super(fd, true);
    this.#whenClosed = whenClosed;
  }

  protected override release(fd: number): void {
    super.release(fd);
    this.#whenClosed();
  }
}

/** What both ends have. */
class ChannelEnd implements Disposable {
  protected readonly ring: SharedRing;
  protected readonly side: Side;
  protected readonly kernel: Kernel;
  /** Held by the task that may wait here; the others stand in line for it, so that none overtakes another. */
  protected readonly line: Lock;
  readonly #bell: Bell;
  readonly #out: number;
  readonly #byte = Buffer.alloc(64);

  constructor(handle: ChannelHandle, side: Side) {
    if (handle?.side !== side) {
      throw new ArgumentTypeError(`this is not a channel's ${NAMES[side]}: take the other handle`);
    }
    this.kernel = currentKernel('a channel');
    this.ring = new SharedRing(handle.memory);
    this.side = side;
    this.line = new Lock({ name: String(this) });
    const own = openShared(handle.own);
    const out = openShared(handle.other);
    if (own === null || out === null) {
      for (const fd of [own, out]) if (fd !== null) addon.closeDescriptor(fd);
      throw closed();
    }
    this.#out = out;
    if (!this.ring.claim(side)) {
      for (const fd of [own, out]) addon.closeDescriptor(fd);
      throw new InvalidStateError(
        `this channel's ${NAMES[side]} was opened before: each end can be opened once, by one thread; make a channel for ` +
          'each pair of threads',
      );
    }
    try {
      this.#bell = new Bell(own, () => this.release());
    } catch (error) {
      this.release();
      throw error;
    }
  }

  get closed(): boolean {
    return this.ring.closed;
  }

  /**
   * Ends the channel: what was sent can still be received, and then both ends throw ClosedError. The end of the run does
   * it, too. Never suspends.
   */
  close(): void {
    this.#bell.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return `a channel's ${NAMES[this.side]}`;
  }

  protected wakeOther(): void {
    if (!this.#bell.closed && this.ring.wakes(this.side)) this.tell();
  }

  /** Why nothing more can be done here. */
  protected over(): ClosedError {
    return this.#bell.closed
      ? new ClosedError(`the channel's ${NAMES[this.side]} was closed, by its own close() or the end of its run`)
      : closed();
  }

  /** Suspends until there may be a message, or room for so many bytes. For who holds the line. */
  protected *sleep(bytes: number): Coroutine<void> {
    try {
      if (!this.ring.layDown(this.side, bytes)) return;
      // An end without a close(): the other thread is gone.
      if ((yield* this.#bell.recvInto(this.#byte)) === 0) this.ring.close();
    } catch (error) {
      throw this.#bell.closed ? this.over() : error;
    } finally {
      this.ring.getUp(this.side);
    }
  }

  private tell(): void {
    const result = addon.tell(this.#out, 0);
    if (result < 0 && result !== -EAGAIN) this.ring.close(); // EPIPE: nobody is there any more
  }

  private release(): void {
    this.ring.close();
    if (this.ring.wakes(this.side)) this.tell();
    addon.closeDescriptor(this.#out);
  }
}

export class ChannelSender extends ChannelEnd {
  readonly #plain = new PlainWriter();

  /** @internal Use openSender(). */
  constructor(handle: ChannelHandle) {
    super(handle, 'writer');
  }

  /**
   * Sends a copy of the value, as structuredClone() makes it, with three differences: bytes come as a Buffer; each view has
   * memory of its own, also where two had the same; and what has no prototype but Object.prototype, though it was made as
   * something else (a Map by setPrototypeOf()), comes as a plain object. Suspends while there is no room, and
   * while tasks wait that came before: messages leave in the order of the calls. Bytes and text are several times as fast as
   * through a MessagePort, so are small trees of plain objects and arrays; other values are slower.
   * @throws ClosedError; RangeError for what is longer than the channel can hold; TypeError for what cannot be copied, with
   * the reason as its cause.
   */
  send(value: unknown): Operation<void> {
    return made(this.sending(value), 'send()');
  }

  /** Likewise, but false where send() would suspend. */
  trySend(value: unknown): boolean {
    return this.offer(this.encode(value), !this.line.locked);
  }

  /** Sends it if there is room, and if that `may` be now; what can never be sent is an error at once. */
  private offer(message: Message, may: boolean): boolean {
    const { content, kind, length, fresh } = message;
    if (this.ring.closed) throw this.over();
    if (may && this.ring.write(content, kind, length)) {
      for (const shape of fresh) shape.told = true;
      this.wakeOther();
      return true;
    }
    const size = sizeOf(message);
    if (size <= this.ring.longest) return false;
    throw new ArgumentRangeError(
      `a message of ${size} bytes is longer than the channel can hold (${this.ring.longest}): give it more capacity`,
    );
  }

  private *sending(value: unknown): Coroutine<void> {
    let message = this.encode(value);
    // There may be room at every call, and no turn of the loop between them.
    const mayGoOn = !spend();
    if (this.offer(message, mayGoOn && !this.line.locked)) return;
    const { content, length } = message;
    // What it is made of may be changed while we wait.
    if (content instanceof Uint32Array) message = { ...message, content: content.slice(0, (length + 3) >> 2) };
    else if (typeof content !== 'string') message = { ...message, content: Buffer.from(content) };
    const size = sizeOf(message);
    using _ = yield* this.line.acquire();
    while (!this.offer(message, true)) yield* this.sleep(size);
  }

  private encode(value: unknown): Message {
    if (typeof value === 'string' && isWellFormed(value)) {
      return { content: value, kind: TEXT, length: value.length, fresh: NONE };
    }
    if (value instanceof Uint8Array && (value.constructor === Uint8Array || Buffer.isBuffer(value))) {
      return { content: value, kind: BYTES, length: value.length, fresh: NONE };
    }
    try {
      const length = this.#plain.write(value);
      if (length > 0) return { content: this.#plain.words, kind: PLAIN, length, fresh: this.#plain.fresh };
      const content = serialize(value);
      return { content, kind: CLONE, length: content.length, fresh: NONE };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ArgumentTypeError(
        `a channel cannot carry this: ${why} Send data only, without functions, symbols and what stays in its thread`,
        { cause: error },
      );
    }
  }
}

/** A value that is on its way: `length` is that of a text, or how many bytes of the content it is. */
interface Message {
  readonly content: Uint8Array | Uint32Array | string;
  readonly kind: Kind;
  readonly length: number;
  /** Of a plain value: the shapes that are told by it. */
  readonly fresh: readonly Shape[];
}

/** How many bytes of the ring it takes. */
function sizeOf({ content, length }: Message): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : length;
}

export class ChannelReceiver extends ChannelEnd {
  readonly #text = new TextWindow();
  readonly #plain = new PlainReader(this.#text);
  readonly #take: Take<unknown> = (bytes, from, to, kind, ahead) => {
    if (kind === LATIN || kind === PLAIN) {
      this.#text.move(bytes, from, ahead);
      return kind === LATIN ? this.#text.latin1(from, to) : this.#plain.read(bytes, from);
    }
    this.#text.pass(from);
    if (kind === TEXT) return bytes.utf8Slice(from, to);
    const copy = Buffer.allocUnsafe(to - from);
    if (copy.length > FEW) bytes.copy(copy, 0, from, to);
    else for (let i = 0; i < copy.length; i++) copy[i] = bytes[from + i] as number;
    return kind === CLONE ? deserialize(copy) : copy;
  };
  #owes = false;

  /** @internal Use openReceiver(). */
  constructor(handle: ChannelHandle) {
    super(handle, 'reader');
  }

  /**
   * The next value; suspends while there is none, and while tasks wait that came before.
   * @throws ClosedError when it is closed and empty; what cannot be made anew here (a WebAssembly.Module) throws
   * why, once, and the next call gives the next value.
   */
  receive(): Operation<unknown> {
    return made(this.receiving(), 'receive()');
  }

  /** The next value in a list of one, or null where receive() would suspend. Errors as receive(). Never suspends. */
  tryReceive(): [value: unknown] | null {
    return this.line.locked ? null : this.take();
  }

  private take(): [value: unknown] | null {
    const found = this.read();
    if (found !== null || !this.ring.closed) return found;
    const last = this.read(); // what was sent between the two looks
    if (last === null) throw this.over();
    return last;
  }

  /** A message that nothing can be made of here is an error once, and makes room as any. */
  private read(): [value: unknown] | null {
    let taken = true;
    try {
      const found = this.ring.read(this.#take);
      taken = found !== null;
      return found;
    } finally {
      if (taken) this.tellOfRoom();
    }
  }

  /** Not at once while the ring is half full, so that the two do not take turns message by message, but in the next turn. */
  private tellOfRoom(): void {
    if (this.#owes || !this.ring.waits(this.side)) return;
    if (!this.ring.crowded) {
      this.wakeOther();
      return;
    }
    this.#owes = true;
    this.kernel.callSoon(() => {
      this.#owes = false;
      this.wakeOther();
    });
  }

  private *receiving(): Coroutine<unknown> {
    let found = spend() ? null : this.tryReceive();
    if (found !== null) return found[0];
    using _ = yield* this.line.acquire();
    for (;;) {
      found = this.take();
      if (found !== null) return found[0];
      yield* this.sleep(0);
    }
  }
}

/**
 * Opens a channel's end for this thread, in a running loop. Never suspends.
 * @throws ClosedError if the channel is closed; InvalidStateError if this end was opened before, here or in another thread.
 */
export function openSender(handle: ChannelHandle): ChannelSender {
  return new ChannelSender(handle);
}

/** As openSender(). */
export function openReceiver(handle: ChannelHandle): ChannelReceiver {
  return new ChannelReceiver(handle);
}

function closed(): ClosedError {
  return new ClosedError('the channel is closed, or the thread at its other end has ended');
}
