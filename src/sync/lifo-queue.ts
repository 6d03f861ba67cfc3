// Last in, first out: a stack that can be awaited. (asyncio: LifoQueue)

import { Queue, type Store } from './queue.ts';

/** As Queue, but the newest item leaves first. */
export class LifoQueue<T> extends Queue<T> {
  protected override createStore(): Store<T> {
    return new LifoStore<T>();
  }
}

class LifoStore<T> implements Store<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    this.#items.push(item);
  }

  take(): T {
    return this.#items.pop() as T;
  }

  putBack(item: T): void {
    this.#items.push(item);
  }
}
