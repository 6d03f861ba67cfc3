// One listener of the process for all loops of a thread, there as long as somebody needs it: of eleven, Node would warn.

type Event = 'beforeExit' | 'exit' | 'SIGUSR2';

export class SharedListener {
  readonly #event: Event;
  readonly #listener: () => void;
  /** Before the program's: one of its once() is none any more when it has been called. */
  readonly #first: boolean;
  readonly #told = new Set<() => void>();

  /** All are told, in the order in which they came, if `applies` says so. */
  constructor(event: Event, applies: () => boolean = () => true, first = false) {
    this.#event = event;
    this.#first = first;
    this.#listener = () => {
      if (applies()) for (const tell of [...this.#told]) tell();
    };
  }

  /** Gives a function that takes it back. */
  add(fn: () => void): () => void {
    const tell = (): void => fn(); // who is told twice is there twice
    if (this.#told.size === 0) process[this.#first ? 'prependListener' : 'on'](this.#event as 'exit', this.#listener);
    this.#told.add(tell);
    return () => {
      if (this.#told.delete(tell) && this.#told.size === 0) process.off(this.#event, this.#listener);
    };
  }
}
