// Text in buffers: what the types do not know of it, though all our runtimes have it; and short texts read many at a time.

/** A Buffer with what is behind write() and toString(): those look at their arguments first, which takes as long again. */
export type TextBuffer = Buffer & {
  utf8Write(text: string, at: number): number;
  utf8Slice(from: number, to: number): string;
  latin1Slice(from: number, to: number): string;
};

/** Whether UTF-8 can carry it: whether it has no lone surrogates. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

/** So short a text is quicker letter by letter. */
export const SHORT = 32;

/** Writes a byte for each letter, from `at` on; false if a letter needs more than that, and what lies there means nothing. */
export function writeLetters(bytes: TextBuffer, text: string, at: number): boolean {
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bits |= code;
    bytes[at + i] = code;
  }
  return bits < 256;
}

/** So many bytes become text at once: a string that is a part of a longer one keeps that in memory. */
const MOST = 1024;

/**
 * Short texts of one byte per letter out of messages that lie one behind the other. To make a string costs a call into the
 * runtime, a part of one next to nothing: so what lies ahead becomes text with the first that is asked for.
 */
export class TextWindow {
  #bytes: TextBuffer | null = null;
  #ahead = 0;
  #text = '';
  #from = 0;
  #to = 0;
  #last = 0;

  /** The next message lies there; behind it, what lies there already goes up to `ahead`. Of each other one tell pass(). */
  move(bytes: TextBuffer, from: number, ahead: number): void {
    if (bytes !== this.#bytes) this.#to = 0;
    this.pass(from);
    this.#bytes = bytes;
    this.#ahead = ahead;
  }

  /** A message lies there that is not read by this: its bytes, which may be many and a copy, are not kept. */
  pass(from: number): void {
    if (from <= this.#last) this.#to = 0; // other bytes lie there now
    this.#last = from;
  }

  latin1(from: number, to: number): string {
    if (from < this.#from || to > this.#to) {
      const end = Math.max(to, Math.min(this.#ahead, from + MOST));
      this.#text = (this.#bytes as TextBuffer).latin1Slice(from, end);
      this.#from = from;
      this.#to = end;
    }
    return this.#text.slice(from - this.#from, to - this.#from);
  }
}
