// The stretch of the caller's memory that a recv or send works on. A view that comes again and again is registered with
// native code, so that the hot call needs no argument; one that comes once is passed along. One per side of a socket.

import { constants } from 'node:os';
import { ArgumentRangeError, ArgumentTypeError } from '../kernel/errors.ts';
import { isLent, type Mailbox } from '../kernel/mailbox.ts';
import { addon } from './addon.ts';
import { copy, wordsOf } from './copy.ts';
import { BUFFER, FD, frame, LENGTH, OFFSET, RESULT } from './frame.ts';

const { receive, transmit } = addon;
const UNREGISTERED = -1;
const EBADF = -constants.errno.EBADF;

/** The views that are registered, each once however many sockets share it: so their entries stay in the cache. */
interface Entry {
  readonly id: number;
  /** The same memory by the word, if it begins at one. */
  readonly words: Int32Array | null;
  users: number;
}

const registered = new Map<Uint8Array, Entry>();

function register(view: Uint8Array): Entry {
  let entry = registered.get(view);
  if (entry === undefined) {
    entry = { id: addon.registerBuffer(view), words: wordsOf(view), users: 0 };
    registered.set(view, entry);
  }
  entry.users++;
  return entry;
}

function unregister(view: Uint8Array): void {
  const entry = registered.get(view) as Entry;
  if (--entry.users > 0) return;
  registered.delete(view);
  addon.releaseBuffer(entry.id);
}

export class Window {
  #view: Uint8Array | null = null;
  #id: number = UNREGISTERED; // what the frame's BUFFER takes
  #words: Int32Array | null = null;
  #offset = 0;
  #end = 0;

  /** How many bytes the stretch has. */
  get length(): number {
    return this.#end - this.#offset;
  }

  /** Points at view[offset, offset + length), by default the rest of the view. */
  point(view: Uint8Array, offset: number, length: number | undefined): void {
    if (view !== this.#view) this.take(view);
    // A view without bytes has no memory that could be registered.
    else if (this.#id === UNREGISTERED && view.length > 0) this.register(view);
    const size = view.length; // 0 if the memory was transferred away
    const end = length == null ? size : offset + length;
    // Written so that NaN and fractions fail too.
    if (!(offset >= 0 && offset <= end && end <= size && (offset | 0) === offset && (end | 0) === end)) {
      throw outside(offset, length, size);
    }
    this.#offset = offset;
    this.#end = end;
  }

  // Two call sites, not one that takes the function: so each is a direct call for the optimizing compiler.

  /** Receives into the stretch; gives the count, or -errno. */
  receive(fd: number): number {
    if (!this.fill(fd, 0)) return EBADF;
    if (this.#id === UNREGISTERED) receive(this.#view as Uint8Array);
    else receive();
    return frame[RESULT] as number;
  }

  /** Sends the stretch less its first `done` bytes; gives the count, or -errno. */
  transmit(fd: number, done: number): number {
    if (!this.fill(fd, done)) return EBADF;
    if (this.#id === UNREGISTERED) transmit(this.#view as Uint8Array);
    else transmit();
    return frame[RESULT] as number;
  }

  /** Writes `length` bytes of the inbox, those at `from`, into the stretch. */
  load(mailbox: Mailbox, from: number, length: number): void {
    copy(mailbox.inbox, mailbox.inboxWords, from, this.memory(), this.#words, this.#offset, length);
  }

  /** Writes bytes into the stretch. */
  loadFrom(bytes: Uint8Array): void {
    this.memory().set(bytes, this.#offset);
  }

  /** Copies the stretch less its first `done` bytes to the outbox, at `to`. */
  store(mailbox: Mailbox, to: number, done: number): void {
    const { outbox, outboxWords } = mailbox;
    const length = this.length - done;
    const lent = this.placeIn(mailbox);
    if (lent >= 0) copy(outbox, outboxWords, lent + done, outbox, outboxWords, to, length);
    else copy(this.memory(), this.#words, this.#offset + done, outbox, outboxWords, to, length);
  }

  /** Where in the mailbox's memory the stretch begins; -1 if it is of another. */
  placeIn(mailbox: Mailbox): number {
    const place = this.#view === null ? -1 : mailbox.placeOf(this.#view);
    return place < 0 ? place : place + this.#offset;
  }

  /** Sees to it that the stretch stays what it is while others run: a copy if it was only lent. */
  keep(): void {
    if (this.#view === null || !isLent(this.#view)) return;
    const copied = Buffer.from(this.memory().subarray(this.#offset, this.#end));
    this.point(copied, 0, copied.length);
  }

  /** Lets go of the view. */
  release(): void {
    if (this.#id !== UNREGISTERED) unregister(this.#view as Uint8Array);
    this.#id = UNREGISTERED;
    this.#words = null;
    this.#view = null;
  }

  private memory(): Uint8Array {
    const view = this.#view as Uint8Array;
    if (this.#end > view.length) throw lostMemory();
    return view;
  }

  private register(view: Uint8Array): void {
    const { id, words } = register(view);
    this.#id = id;
    this.#words = words;
  }

  // The frame for the hot call; false after release(), when the socket is closed.
  private fill(fd: number, done: number): boolean {
    if (this.#view === null) return false;
    this.memory();
    frame[FD] = fd;
    frame[BUFFER] = this.#id;
    frame[OFFSET] = this.#offset + done;
    frame[LENGTH] = this.#end - this.#offset - done;
    return true;
  }

  private take(view: Uint8Array): void {
    if (!(view instanceof Uint8Array)) {
      const what = view === null ? 'null' : typeof view;
      throw new ArgumentTypeError(`a buffer must be a Uint8Array (a Buffer is one), not ${what}: encode strings first`);
    }
    this.release();
    this.#view = view;
  }
}

/** Of a stretch that is not in a buffer of so many bytes. */
export function outside(offset: number, length: number | undefined, size: number): Error {
  return new ArgumentRangeError(
    `offset ${offset} and length ${length ?? 'to the end'} do not lie within the buffer's ${size} bytes`,
  );
}

/** RangeError unless a buffer of so many bytes can be made for what `caller` receives. */
export function checkSize(size: number, caller: string): void {
  if (Number.isInteger(size) && size >= 1) return;
  throw new ArgumentRangeError(`${caller} was given size ${size}: it must be a whole number of bytes, at least 1`);
}

function lostMemory(): Error {
  return new ArgumentRangeError('the buffer was transferred, detached or shrunk while the operation waited: keep it');
}
