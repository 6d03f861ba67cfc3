// The queue of what steps in the coming turn.

import { Ring } from './ring.ts';

/** What a turn can run: a task or a plain callback. */
export interface Step {
  step(): void;
}

export class ReadyQueue extends Ring<Step> {
  /** Lets `order` rearrange the oldest `count` items, in place: for tests of every order that is allowed. */
  arrange(count: number, order: (items: Step[]) => void): void {
    const items: Step[] = [];
    for (let i = 0; i < count; i++) items.push(this.shift());
    order(items);
    // Behind the younger ones, and then those behind them: a turn around the ring.
    for (const item of items) this.push(item);
    for (let i = this.size - count; i > 0; i--) this.push(this.shift());
  }
}
