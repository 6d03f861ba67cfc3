// What the types do not know of text, though all our runtimes have it.

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
