// Something that has happened, or not yet. (asyncio: Event)

import { made } from '../kernel/made.ts';
import type { Operation } from '../kernel/operation.ts';
import { label } from './label.ts';
import { type Source, Wait } from './wait.ts';
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
export class Event implements Source<void> {
  /** @internal */ readonly waiters = new WaitQueue<void>();
  readonly #name: string | undefined;
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
    this.waiters.handOffAll();
  }

  /** From now on wait() waits again. Who was waiting at set() goes on all the same. */
  clear(): void {
    this.#isSet = false;
  }

  /** Suspends until it is set; goes on at once if it is. */
  wait(): Operation<void> {
    return made(new Wait(this), 'wait()');
  }

  toString(): string {
    return label(this, 'Event', this.#name);
  }

  /** @internal */
  attempt(): boolean {
    return this.#isSet;
  }

  /** @internal It is there for all. */
  letGo(): void {}
}
