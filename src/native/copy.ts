// Copies a few bytes from one memory to another. TypedArray.prototype.set() needs a subarray() for a part, which costs
// more than a small message's bytes; a loop over whole words is faster up to some two hundred.

/** From here on set() is faster. */
const MANY = 256;

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
  const end = (at + whole) >> 2;
  let i = at >> 2;
  let j = place >> 2;
  // Four at a time take a quarter less than one by one.
  for (; i + 4 <= end; i += 4, j += 4) {
    toWords[j] = fromWords[i] as number;
    toWords[j + 1] = fromWords[i + 1] as number;
    toWords[j + 2] = fromWords[i + 2] as number;
    toWords[j + 3] = fromWords[i + 3] as number;
  }
  for (; i < end; i++, j++) toWords[j] = fromWords[i] as number;
  for (let k = whole; k < length; k++) to[place + k] = from[at + k] as number;
}
