// A ring of messages in memory that two threads share: one writes, one reads.
//
//   control: head | tail | reader sleeps | writer sleeps | closed      head and tail count bytes, and never go back
//   data:    | length, message | length, message | free |              each message padded to whole words
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
const CONTROL_BYTES = 64;
const LENGTH_BYTES = 4;

/** Which of the two somebody is. */
export type Side = 'reader' | 'writer';
const SLEEPS = { reader: READER_SLEEPS, writer: WRITER_SLEEPS };
const OTHER = { reader: WRITER_SLEEPS, writer: READER_SLEEPS };

const aligned = (bytes: number): number => (bytes + 3) & ~3;

export class SharedRing {
  readonly memory: SharedArrayBuffer;
  readonly capacity: number;
  readonly #control: Int32Array;
  readonly #data: Uint8Array;
  readonly #lengths: Int32Array;

  /** Of memory that create() has made. */
  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.capacity = memory.byteLength - CONTROL_BYTES;
    this.#control = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.#data = new Uint8Array(memory, CONTROL_BYTES);
    this.#lengths = new Int32Array(memory, CONTROL_BYTES);
  }

  /** For `capacity` bytes, a power of two. */
  static create(capacity: number): SharedRing {
    return new SharedRing(new SharedArrayBuffer(CONTROL_BYTES + capacity));
  }

  /** What a message may have at most. */
  get longest(): number {
    return this.capacity - LENGTH_BYTES;
  }

  /** Writer: takes a message over, whole or not at all. Then `wakes()` must be asked. */
  write(message: Uint8Array): boolean {
    const control = this.#control;
    const head = control[HEAD] as number; // nobody else writes it
    const size = LENGTH_BYTES + aligned(message.length);
    if (this.capacity - ((head - Atomics.load(control, TAIL)) | 0) < size) return false;
    const mask = this.capacity - 1;
    this.#lengths[(head & mask) >> 2] = message.length;
    const at = (head + LENGTH_BYTES) & mask;
    const first = Math.min(message.length, this.capacity - at);
    if (first === message.length) this.#data.set(message, at);
    else {
      this.#data.set(message.subarray(0, first), at);
      this.#data.set(message.subarray(first), 0);
    }
    Atomics.store(control, HEAD, (head + size) | 0);
    return true;
  }

  /** Reader: a copy of the next message, null if there is none. Then `wakes()` must be asked. */
  read(): Buffer | null {
    const control = this.#control;
    const tail = control[TAIL] as number; // nobody else writes it
    if (Atomics.load(control, HEAD) === tail) return null;
    const mask = this.capacity - 1;
    const length = this.#lengths[(tail & mask) >> 2] as number;
    const message = Buffer.allocUnsafe(length);
    const at = (tail + LENGTH_BYTES) & mask;
    const first = Math.min(length, this.capacity - at);
    message.set(this.#data.subarray(at, at + first));
    if (first < length) message.set(this.#data.subarray(0, length - first), first);
    Atomics.store(control, TAIL, (tail + LENGTH_BYTES + aligned(length)) | 0);
    return message;
  }

  /** Whether there is anything to do for this side: a message, or room for one of so many bytes, or the end. */
  ready(side: Side, bytes: number): boolean {
    const control = this.#control;
    const used = (Atomics.load(control, HEAD) - Atomics.load(control, TAIL)) | 0;
    if (this.closed) return true;
    return side === 'reader' ? used > 0 : this.capacity - used >= LENGTH_BYTES + aligned(bytes);
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
    const place = OTHER[side];
    return Atomics.load(this.#control, place) === 1 && Atomics.exchange(this.#control, place, 0) === 1;
  }

  get closed(): boolean {
    return Atomics.load(this.#control, CLOSED) === 1;
  }

  close(): void {
    Atomics.store(this.#control, CLOSED, 1);
  }
}
