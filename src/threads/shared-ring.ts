// A ring of messages in memory that two threads share: one writes, one reads.
//
//   control: head | tail | reader sleeps | writer sleeps | closed | reader there | writer there
//                                                                       head and tail count bytes, and never go back
//   data:    | word, message | word, message | free |                  each message padded to whole words;
//                                                                       the word is its length * 8 + its kind
//
// Who finds nothing to do lies down, and the other one wakes it; nobody is woken that is up. That no wake is lost hangs on
// the order of four accesses, all sequentially consistent:
//
//   reader: lie down, THEN look whether it is still empty      writer: publish, THEN look whether the reader lies
//
// Whichever comes first of the two that are in the middle, one of them sees the other. The same holds with the roles
// exchanged, for a ring that is full. (Dekker's flags; Linux: io_uring's NEED_WAKEUP)

import { SHORT, type TextBuffer, writeLetters } from './text-buffer.ts';

// By the word. What one side writes with every message has lines of the cache for itself (two, as they are fetched in pairs),
// or the other one's would be taken away each time.
const HEAD = 0;
const TAIL = 32;
const READER_SLEEPS = 64;
const WRITER_SLEEPS = 65;
const CLOSED = 66;
const READER_THERE = 67;
const WRITER_THERE = 68;
const CONTROL_BYTES = 384;
const WORD_BYTES = 4;

/** What a message is: bytes, which may stand for a value, or text, as UTF-8 or a byte for each letter. */
export const BYTES = 0;
export const TEXT = 1;
export const LATIN = 2;
export const CLONE = 3;
export const PLAIN = 4;
export type Kind = typeof BYTES | typeof TEXT | typeof LATIN | typeof CLONE | typeof PLAIN;
const KINDS = 8;

/** Makes something of the bytes of a message, which lie there only while this runs. Up to `ahead` lies what comes next. */
export type Take<T> = (bytes: TextBuffer, from: number, to: number, kind: Kind, ahead: number) => T;

/** Which of the two somebody is. */
export type Side = 'reader' | 'writer';
// Not by a table: a name that varies takes longer to look up.
const sleeps = (side: Side): number => (side === 'reader' ? READER_SLEEPS : WRITER_SLEEPS);
const otherSleeps = (side: Side): number => (side === 'reader' ? WRITER_SLEEPS : READER_SLEEPS);

/** So few bytes are copied quicker one by one, and so many by the word. */
export const FEW = 64;
const FEW_BY_WORD = 256;

/**
 * A reader that has caught up looks again after so many steps. Or the quicker of the two would look for each message, and the
 * line of the cache that the writer counts in would go to and fro as often.
 */
const BREATH = 500;

const aligned = (bytes: number): number => (bytes + 3) & ~3;

export class SharedRing {
  readonly memory: SharedArrayBuffer;
  readonly capacity: number;
  readonly #control: Int32Array;
  readonly #data: Uint8Array;
  readonly #text: TextBuffer;
  readonly #words: Uint32Array;
  /** Counts as they were when the other side last looked, which it does only when they do not suffice. */
  #headSeen = 0;
  #tailSeen = 0;
  /** Whether there was something when the reader last looked. */
  #flows = false;
  /** What comes of a breath: kept, or the compiler would leave it out. */
  #breath = 0;

  /** Of memory that create() has made. */
  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.capacity = memory.byteLength - CONTROL_BYTES;
    this.#control = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.#data = new Uint8Array(memory, CONTROL_BYTES);
    this.#words = new Uint32Array(memory, CONTROL_BYTES);
    this.#text = Buffer.from(memory, CONTROL_BYTES) as TextBuffer;
  }

  /** For `capacity` bytes, a power of two. */
  static create(capacity: number): SharedRing {
    return new SharedRing(new SharedArrayBuffer(CONTROL_BYTES + capacity));
  }

  /** What a message may have at most. */
  get longest(): number {
    return this.capacity - WORD_BYTES;
  }

  /** Whether nobody has had this side before; from now on somebody has. */
  claim(side: Side): boolean {
    return Atomics.exchange(this.#control, side === 'reader' ? READER_THERE : WRITER_THERE, 1) === 0;
  }

  /**
   * Writer: takes a message over, whole or not at all: so many bytes of it, which may begin in words. Then `wakes()` must be
   * asked.
   */
  write(message: Uint8Array | Uint32Array | string, kind: Kind, length = message.length): boolean {
    const head = this.#control[HEAD] as number; // nobody else writes it
    const mask = this.capacity - 1;
    const at = (head + WORD_BYTES) & mask;
    if (typeof message === 'string' && this.putLetters(message, head, at)) {
      kind = LATIN;
    } else if (typeof message === 'string') {
      const most = 3 * length;
      if (at + most > this.capacity || !this.hasRoom(head, most)) return this.write(Buffer.from(message), kind);
      length = this.#text.utf8Write(message, at);
    } else if (message instanceof Uint32Array) {
      if (length > FEW_BY_WORD) return this.write(new Uint8Array(message.buffer, message.byteOffset, length), kind);
      if (!this.hasRoom(head, length)) return false;
      const first = at / WORD_BYTES;
      const last = mask >> 2;
      for (let i = 0; i < (length + 3) >> 2; i++) this.#words[(first + i) & last] = message[i] as number;
    } else {
      if (!this.hasRoom(head, length)) return false;
      if (length === message.length && at + length <= this.capacity) {
        this.#data.set(message, at);
      } else if (length <= FEW) {
        for (let i = 0; i < length; i++) this.#data[(at + i) & mask] = message[i] as number;
      } else {
        const first = Math.min(length, this.capacity - at);
        this.#data.set(message.subarray(0, first), at);
        if (first < length) this.#data.set(message.subarray(first, length), 0);
      }
    }
    this.#words[(head & mask) >> 2] = length * KINDS + kind;
    Atomics.store(this.#control, HEAD, (head + WORD_BYTES + aligned(length)) | 0);
    return true;
  }

  /** Reader: what is made of the next message, in a list of one; null if there is none. Then `wakes()` must be asked. */
  read<T>(take: Take<T>): [T] | null {
    const tail = this.#control[TAIL] as number; // nobody else writes it
    if (this.#headSeen === tail) {
      if (this.#flows) this.breathe();
      this.#headSeen = Atomics.load(this.#control, HEAD);
      this.#flows = this.#headSeen !== tail;
      if (!this.#flows) return null;
    }
    const mask = this.capacity - 1;
    const word = this.#words[(tail & mask) >> 2] as number;
    const length = (word - (word % KINDS)) / KINDS;
    const kind = (word % KINDS) as Kind;
    const at = (tail + WORD_BYTES) & mask;
    try {
      if (at + length > this.capacity) return [take(this.joined(at, length), 0, length, kind, length)];
      const ahead = Math.min(at - WORD_BYTES + ((this.#headSeen - tail) | 0), this.capacity);
      return [take(this.#text, at, at + length, kind, ahead)];
    } finally {
      // Also what nothing can be made of is behind us.
      Atomics.store(this.#control, TAIL, (tail + WORD_BYTES + aligned(length)) | 0);
    }
  }

  /** Half a microsecond or so, in which this thread touches nothing that is shared. */
  private breathe(): void {
    let breath = this.#breath;
    for (let i = 0; i < BREATH; i++) breath = (Math.imul(breath, 31) + i) | 0;
    this.#breath = breath;
  }

  /** A short text whose letters are a byte each; false if it is none, or has no room in one piece. */
  private putLetters(text: string, head: number, at: number): boolean {
    const { length } = text;
    if (length >= SHORT || at + length > this.capacity || !this.hasRoom(head, length)) return false;
    return writeLetters(this.#text, text, at);
  }

  private hasRoom(head: number, bytes: number): boolean {
    if (bytes > this.longest) return false; // beyond 2 GiB it would look small below
    const least = WORD_BYTES + aligned(bytes);
    if (this.capacity - ((head - this.#tailSeen) | 0) >= least) return true;
    this.#tailSeen = Atomics.load(this.#control, TAIL);
    return this.capacity - ((head - this.#tailSeen) | 0) >= least;
  }

  /** A copy of what goes across the end of the memory. */
  private joined(at: number, length: number): TextBuffer {
    const message = Buffer.allocUnsafe(length) as TextBuffer;
    const first = this.capacity - at;
    message.set(this.#data.subarray(at), 0);
    message.set(this.#data.subarray(0, length - first), first);
    return message;
  }

  /** Whether there is anything to do for this side: a message, or room for one of so many bytes, or the end. */
  ready(side: Side, bytes: number): boolean {
    const { used } = this;
    if (this.closed) return true;
    return side === 'reader' ? used > 0 : this.capacity - used >= WORD_BYTES + aligned(bytes);
  }

  /** Whether this side may sleep now; if not, or when it has slept, it gets up. */
  layDown(side: Side, bytes: number): boolean {
    const steps = this.layingDown(side, bytes);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  /** Its steps, each with one access to what is shared: between two of them the other side may do anything. */
  *layingDown(side: Side, bytes: number): Generator<void, boolean> {
    this.lieDown(side);
    yield;
    return !this.ready(side, bytes);
  }

  lieDown(side: Side): void {
    Atomics.store(this.#control, sleeps(side), 1);
  }

  getUp(side: Side): void {
    Atomics.store(this.#control, sleeps(side), 0);
  }

  /** After something has changed for the other side: whether it sleeps, and is to be woken now, by this one call. */
  wakes(side: Side): boolean {
    return this.waits(side) && Atomics.exchange(this.#control, otherSleeps(side), 0) === 1;
  }

  /** Likewise, but it stays asleep: who asks owes it a wakes(). */
  waits(side: Side): boolean {
    return Atomics.load(this.#control, otherSleeps(side)) === 1;
  }

  /** Whether more than half of the ring is used. */
  get crowded(): boolean {
    return this.used > this.capacity >> 1;
  }

  private get used(): number {
    return (Atomics.load(this.#control, HEAD) - Atomics.load(this.#control, TAIL)) | 0;
  }

  get closed(): boolean {
    return Atomics.load(this.#control, CLOSED) === 1;
  }

  close(): void {
    Atomics.store(this.#control, CLOSED, 1);
  }
}
