// Timers that were added in the order of their deadlines: a queue, sorted without anybody sorting it. Many of them are the
// timers of a kernel (see timers.ts).

import type { Timer } from './timer.ts';

/** How many timers lie in one piece of a run. */
const PIECE = 512;

/** A piece of a run, so that a long one grows and shrinks without being copied. */
class Piece {
  readonly deadlines: number[] = [];
  readonly timers: (Timer | null)[] = [];
  /** Where it begins: what is before has been taken out. */
  from = 0;
  following: Piece | null = null;

  sweep(): void {
    const { deadlines, timers } = this;
    let kept = 0;
    for (let i = this.from; i < timers.length; i++) {
      const timer = timers[i] as Timer;
      if (!timer.armed) continue;
      timers[kept] = timer;
      deadlines[kept++] = deadlines[i] as number;
    }
    this.from = 0;
    timers.length = kept;
    deadlines.length = kept;
  }
}

/** Timers in the order of their deadlines, oldest first among equal ones. */
export class Run {
  /** The deadline of the last that was added, though it may be gone: nothing earlier may follow. */
  end = 0;
  /** The first deadline; the last one there was when it is empty. */
  first = 0;
  #first = new Piece();
  #last = this.#first;

  /** The timer of the first deadline, undefined when it is empty. */
  get head(): Timer | undefined {
    return this.#first.timers[this.#first.from] as Timer | undefined;
  }

  append(timer: Timer, deadline: number): void {
    let piece = this.#last;
    if (piece.timers.length === PIECE) piece = this.grow();
    if (this.head === undefined) this.first = deadline;
    piece.deadlines.push(deadline);
    piece.timers.push(timer);
    this.end = deadline;
  }

  takeFirst(): Timer {
    const piece = this.#first;
    const timer = piece.timers[piece.from] as Timer;
    piece.timers[piece.from++] = null; // it may hold a task that has ended
    if (piece.from === piece.timers.length) this.shrink();
    if (this.head !== undefined) this.first = this.#first.deadlines[this.#first.from] as number;
    return timer;
  }

  forEach(visit: (timer: Timer, deadline: number) => void): void {
    for (let piece: Piece | null = this.#first; piece !== null; piece = piece.following) {
      const { timers, deadlines } = piece;
      for (let i = piece.from; i < timers.length; i++) visit(timers[i] as Timer, deadlines[i] as number);
    }
  }

  /** Drops those that are armed no more, each piece for itself. Its end stays. */
  sweep(): void {
    let before: Piece | null = null;
    for (let piece: Piece | null = this.#first; piece !== null; piece = piece.following) {
      piece.sweep();
      if (before !== null && piece.timers.length === 0) before.following = piece.following;
      else before = piece;
    }
    this.#last = before as Piece;
    if (this.#first.timers.length === 0) this.shrink();
    if (this.head !== undefined) this.first = this.#first.deadlines[0] as number;
  }

  private grow(): Piece {
    this.#last = this.#last.following = new Piece();
    return this.#last;
  }

  // Its first piece is used up.
  private shrink(): void {
    const { following } = this.#first;
    if (following !== null) this.#first = following;
    else this.#first = this.#last = new Piece();
  }
}
