// The timeout of a connection on which nothing comes and nothing goes: socket.setTimeout() of node:net.

import { LONGEST } from '../hosts/host-timers.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../kernel/errors.ts';

export class Inactivity {
  readonly #tell: () => void;
  /** How far the writing is: that it goes on is activity, though a large piece takes its time. */
  readonly #progress: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #seen = 0;

  constructor(tell: () => void, progress: () => number) {
    this.#tell = tell;
    this.#progress = progress;
  }

  /** 0 for never. */
  set(ms: number): void {
    if (typeof ms !== 'number') throw new ArgumentTypeError(`setTimeout() takes milliseconds, not ${typeof ms}`);
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      throw new ArgumentRangeError(`setTimeout() was given ${ms}: it must be 0 or more milliseconds, 0 for no timeout`);
    }
    this.stop();
    if (ms > 0) this.#timer = setTimeout(() => this.expire(), Math.min(ms, LONGEST)).unref();
    this.renew();
  }

  /** Something has come or gone. It may be after the end of the time: then it begins anew. */
  renew(): void {
    if (this.#timer === undefined) return;
    this.#seen = this.#progress();
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  private expire(): void {
    if (this.#progress() === this.#seen) this.#tell();
    else this.renew();
  }
}
