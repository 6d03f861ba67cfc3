// Something that has happened, or not yet. (asyncio: Event)

import { made } from '../kernel/made.ts';
import type { Operation } from '../kernel/operation.ts';
import { label } from './label.ts';
import { Wait } from './wait.ts';
import { WaitQueue } from './wait-queue.ts';

/**
 * @example
 * const ready = new Event();
 * createTask(function* () {
 *   yield* ready.wait();
 *   console.log('go');
 * });
 * ready.set();
 */
export class Event {
  readonly #name: string | undefined;
  readonly #waiters = new WaitQueue<EventWait>();
  #isSet = false;

  /** @param options.name for people: it is in messages and in formatTasks(). */
  constructor(options: { name?: string } = {}) {
    this.#name = options.name;
  }

  get isSet(): boolean {
    return this.#isSet;
  }

  /** Lets everybody go on who waits now, and everybody who comes until clear(). Never suspends. */
  set(): void {
    this.#isSet = true;
    while (this.#waiters.handOff() !== null);
  }

  /** From now on wait() waits again. Who was waiting at set() goes on all the same. */
  clear(): void {
    this.#isSet = false;
  }

  /** Suspends until it is set; goes on at once if it is. */
  wait(): Operation<void> {
    return made(new EventWait(this), 'wait()');
  }

  toString(): string {
    return label(this, 'Event', this.#name);
  }

  /** @internal */
  get waiters(): WaitQueue<EventWait> {
    return this.#waiters;
  }
}

class EventWait extends Wait<void> {
  readonly #event: Event;

  constructor(event: Event) {
    super();
    this.#event = event;
  }

  toString(): string {
    return String(this.#event);
  }

  protected get line(): WaitQueue<EventWait> {
    return this.#event.waiters;
  }

  protected attempt(): boolean {
    return this.#event.isSet;
  }

  protected deliver(): void {}

  protected decline(): void {} // it is there for all

  protected renew(): EventWait {
    return new EventWait(this.#event);
  }
}
