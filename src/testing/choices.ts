// The choices that one run of explore() makes: which of n goes first, again and again. As a row of numbers they are the
// name of the order, and the next row in counting order is the next order.
//
//   0.0.0  0.0.1  0.1.0  0.1.1  1.0.0 ...    (each place has its own number of alternatives; 0 is the kernel's own order)

import { ArgumentRangeError, InvalidStateError } from '../kernel/errors.ts';

/** The choices do not fit: the program makes others than before. */
export class OtherProgramError extends InvalidStateError {}

export class Choices {
  readonly #taken: number[] = [];
  readonly #alternatives: number[] = [];
  readonly #given: readonly number[];
  readonly #expected: readonly number[];
  readonly #beyond: (n: number) => number;

  /**
   * @param given what to choose first
   * @param expected of how many alternatives, where that is known
   * @param beyond makes all further choices
   */
  constructor(
    given: readonly number[] = [],
    expected: readonly number[] = [],
    beyond: (n: number) => number = () => 0,
  ) {
    this.#given = given;
    this.#expected = expected;
    this.#beyond = beyond;
  }

  /** The choices of a text such as '0.1.0.2'. */
  static parse(text: string): Choices {
    if (!/^[0-9]+(\.[0-9]+)*$/.test(text)) {
      throw new ArgumentRangeError(`replay is a text such as '0.1.0.2', not '${text}': copy it from the error`);
    }
    return new Choices(text.split('.').map(Number));
  }

  /** One of 0 to n - 1. */
  take(n: number): number {
    const at = this.#taken.length;
    const choice = this.#given[at] ?? this.#beyond(n);
    if (choice >= n || (this.#expected[at] ?? n) !== n) {
      throw new OtherProgramError(
        `choice ${at + 1} is one of ${n} now, and was not before: the program is not the same in each run`,
      );
    }
    this.#taken.push(choice);
    this.#alternatives.push(n);
    return choice;
  }

  /** Puts the items at `places` of `list` into an order of choice. */
  permute<T>(list: T[], places: readonly number[]): void {
    const left = places.map((place) => list[place] as T);
    for (const place of places) {
      const choice = left.length === 1 ? 0 : this.take(left.length);
      list[place] = left.splice(choice, 1)[0] as T;
    }
  }

  /** For the next run: the same choices but the last that has an alternative left. Null when this was the last order. */
  next(): Choices | null {
    let last = this.#taken.length - 1;
    while (last >= 0 && (this.#taken[last] as number) + 1 === this.#alternatives[last]) last--;
    if (last < 0) return null;
    const given = [...this.#taken.slice(0, last), (this.#taken[last] as number) + 1];
    return new Choices(given, this.#alternatives.slice(0, last + 1));
  }

  /** Whether the choices that were given were all made; a 0 may be left over. */
  get spent(): boolean {
    return this.#given.slice(this.#taken.length).every((choice) => choice === 0);
  }

  /** Without the zeros at its end, which need not be given. */
  toString(): string {
    let length = this.#taken.length;
    while (length > 1 && this.#taken[length - 1] === 0) length--;
    return this.#taken.slice(0, length).join('.') || '0';
  }
}
