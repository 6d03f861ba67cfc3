// A ring of messages in memory that two threads share: one writes, one reads.
//
//   control: head | tail | reader sleeps | writer sleeps | closed | reader there | writer there
//                                                                       head and tail count bytes, and never go back
//   data:    | word, message | word, message | free |                  each message padded to whole words;
//                                                                       the word is its length * 4 + its kind
//
// Who finds nothing to do lies down, and the other one wakes it; nobody is woken that is up. That no wake is lost hangs on
// the order of four accesses, all sequentially consistent:
//
//   reader: lie down, THEN look whether it is still empty      writer: publish, THEN look whether the reader lies
//
// Whichever comes first of the two that are in the middle, one of them sees the other. The same holds with the roles
// exchanged, for a ring that is full. (Dekker's flags; Linux: io_uring's NEED_WAKEUP)

const HEAD = 0;
const TAIL = 1;
const READER_SLEEPS = 2;
const WRITER_SLEEPS = 3;
const CLOSED = 4;
const READER_THERE = 5;
const WRITER_THERE = 6;
const CONTROL_BYTES = 64;
const WORD_BYTES = 4;

/** What a message is. The odd kinds are text, which is written and read without a copy in between. */
export const BYTES = 0;
export const TEXT = 1;
/** A value as bytes, and as text. */
export const CLONE = 2;
export const JSON_TEXT = 3;
export type Kind = typeof BYTES | typeof TEXT | typeof CLONE | typeof JSON_TEXT;

/** Which of the two somebody is. */
export type Side = 'reader' | 'writer';
const SLEEPS = { reader: READER_SLEEPS, writer: WRITER_SLEEPS };
const THERE = { reader: READER_THERE, writer: WRITER_THERE };
const OTHER = { reader: WRITER_SLEEPS, writer: READER_SLEEPS };

const aligned = (bytes: number): number => (bytes + 3) & ~3;

export class SharedRing {
  readonly memory: SharedArrayBuffer;
  readonly capacity: number;
  readonly #control: Int32Array;
  readonly #data: Uint8Array;
  readonly #text: Buffer;
  /** Of the message that was read last. */
  kind: Kind = BYTES;
  readonly #words: Uint32Array;

  /** Of memory that create() has made. */
  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.capacity = memory.byteLength - CONTROL_BYTES;
    this.#control = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.#data = new Uint8Array(memory, CONTROL_BYTES);
    this.#words = new Uint32Array(memory, CONTROL_BYTES);
    this.#text = Buffer.from(memory, CONTROL_BYTES);
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
    return Atomics.exchange(this.#control, THERE[side], 1) === 0;
  }

  /** Writer: takes a message over, whole or not at all. Then `wakes()` must be asked. */
  write(message: Uint8Array | string, kind: Kind): boolean {
    const head = this.#control[HEAD] as number; // nobody else writes it
    const free = this.capacity - ((head - Atomics.load(this.#control, TAIL)) | 0);
    const at = (head + WORD_BYTES) & (this.capacity - 1);
    let length: number;
    if (typeof message === 'string') {
      const most = 3 * message.length;
      if (free < WORD_BYTES + aligned(most) || at + most > this.capacity) return this.write(Buffer.from(message), kind);
      length = this.#text.write(message, at);
    } else {
      length = message.length;
      if (free < WORD_BYTES + aligned(length)) return false;
      const first = Math.min(length, this.capacity - at);
      if (first === length) this.#data.set(message, at);
      else {
        this.#data.set(message.subarray(0, first), at);
        this.#data.set(message.subarray(first), 0);
      }
    }
    this.#words[(head & (this.capacity - 1)) >> 2] = length * 4 + kind;
    Atomics.store(this.#control, HEAD, (head + WORD_BYTES + aligned(length)) | 0);
    return true;
  }

  /** Reader: a copy of the next message, null if there is none; `kind` tells what it is. Then `wakes()` must be asked. */
  read(): Buffer | string | null {
    const tail = this.#control[TAIL] as number; // nobody else writes it
    if (Atomics.load(this.#control, HEAD) === tail) return null;
    const word = this.#words[(tail & (this.capacity - 1)) >> 2] as number;
    const length = word >>> 2;
    this.kind = (word & 3) as Kind;
    const message = this.copy((tail + WORD_BYTES) & (this.capacity - 1), length);
    Atomics.store(this.#control, TAIL, (tail + WORD_BYTES + aligned(length)) | 0);
    return message;
  }

  private copy(at: number, length: number): Buffer | string {
    const first = Math.min(length, this.capacity - at);
    const isText = (this.kind & 1) === 1;
    if (isText && first === length) return this.#text.toString('utf8', at, at + length);
    const message = Buffer.allocUnsafe(length);
    message.set(this.#data.subarray(at, at + first));
    if (first < length) message.set(this.#data.subarray(0, length - first), first);
    return isText ? message.toString() : message;
  }

  /** Whether there is anything to do for this side: a message, or room for one of so many bytes, or the end. */
  ready(side: Side, bytes: number): boolean {
    const { used } = this;
    if (this.closed) return true;
    return side === 'reader' ? used > 0 : this.capacity - used >= WORD_BYTES + aligned(bytes);
  }

  /** First step of going to sleep; the second is ready(): only if that is false may one sleep. */
  lieDown(side: Side): void {
    Atomics.store(this.#control, SLEEPS[side], 1);
  }

  getUp(side: Side): void {
    Atomics.store(this.#control, SLEEPS[side], 0);
  }

  /** After something has changed for the other side: whether it sleeps, and is to be woken now, by this one call. */
  wakes(side: Side): boolean {
    return this.waits(side) && Atomics.exchange(this.#control, OTHER[side], 0) === 1;
  }

  /** Likewise, but it stays asleep: who asks owes it a wakes(). */
  waits(side: Side): boolean {
    return Atomics.load(this.#control, OTHER[side]) === 1;
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
