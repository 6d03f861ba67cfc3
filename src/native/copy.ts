// Copies a few bytes from one memory to another. TypedArray.prototype.set() needs a subarray() for a part, which costs
// more than a small message's bytes; a loop over whole words is faster up to a few hundred.

/** From here on set() is faster. */
const MANY = 512;

/** The view's memory by the word; null if it does not begin at one. */
export function wordsOf(view: Uint8Array): Int32Array | null {
  return view.byteOffset % 4 === 0 ? new Int32Array(view.buffer, view.byteOffset, view.length >> 2) : null;
}

/** from[at, at + length) to to[place, ...); the two words are the same memories, or null. */
export function copy(
  from: Uint8Array,
  fromWords: Int32Array | null,
  at: number,
  to: Uint8Array,
  toWords: Int32Array | null,
  place: number,
  length: number,
): void {
  if (fromWords === null || toWords === null || length > MANY || ((at | place) & 3) !== 0) {
    to.set(at === 0 && length === from.length ? from : from.subarray(at, at + length), place);
    return;
  }
  const whole = length & ~3;
  for (let i = at >> 2, j = place >> 2, end = (at + whole) >> 2; i < end; i++, j++) toWords[j] = fromWords[i] as number;
  for (let i = whole; i < length; i++) to[place + i] = from[at + i] as number;
}
