// The budget of a step: operations that complete at once may not keep the others from running.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine, Operation, Park } from '../../src/kernel/operation.ts';
import { giveWay, spend } from '../../src/kernel/park.ts';
import { READ, WRITE } from '../../src/kernel/selector-port.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { open, receive, simulate, world } from './helpers.ts';

const BUDGET = 128;

/** Always ready, as the docstring of spend() has it. */
function tick(): Operation<void> {
  const iterator = {
    next(): IteratorResult<Park, void> {
      if (spend()) return giveWay('tick');
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.iterator]: () => iterator };
}

test('S14: an operation that is always ready gives way after as many as the budget has, in each step anew', () => {
  const { clock, selector } = world();
  const steps: number[] = [];
  simulate(
    function* () {
      for (let i = 0; i < 1000; i++) {
        yield* tick();
        steps[selector.waits.length] = (steps[selector.waits.length] ?? 0) + 1;
      }
    },
    { clock, selector },
  );
  expect(steps).toEqual([BUDGET, BUDGET, BUDGET, BUDGET, BUDGET, BUDGET, BUDGET, 1000 - 7 * BUDGET]);
});

test('S14: meanwhile other tasks step, I/O is delivered and timers fire', () => {
  const { clock, selector } = world();
  const seen: Record<string, number> = {};
  let ticks = 0;
  simulate(
    function* () {
      const source = open(3);
      const note = (name: string, body: () => Operation<unknown>) =>
        createTask(function* () {
          yield* body();
          seen[name] = ticks;
        });
      note('task', () => sleep(0));
      note('I/O', () => receive(source));
      note('timer', () => sleep(5));
      yield* sleep(0);
      selector.signal(3, READ);
      clock.advance(5);
      while (ticks < 10_000) {
        yield* tick();
        ticks++;
      }
    },
    { clock, selector },
  );
  expect(seen).toEqual({ 'I/O': BUDGET, timer: BUDGET, task: BUDGET });
});

test('S14: two tasks that never wait share the steps', () => {
  const counts = [0, 0];
  simulate(function* () {
    const busy = counts.map((_, i) =>
      createTask(function* () {
        for (;;) {
          yield* tick();
          counts[i] = (counts[i] as number) + 1;
        }
      }),
    );
    for (let i = 0; i < 10; i++) yield* sleep(0);
    for (const task of busy) task.cancel();
  }, world());
  expect(counts).toEqual([10 * BUDGET, 10 * BUDGET]);
});

test('S14: a task that gave way over its budget can be cancelled there', () => {
  simulate(function* () {
    let left = false;
    const task = createTask(function* () {
      try {
        for (;;) yield* tick();
      } finally {
        left = true;
      }
    });
    yield* sleep(0);
    expect(task.state).toBe('ready');
    task.cancel();
    yield* sleep(0);
    expect([left, task.state, now()]).toEqual([true, 'cancelled', 0]);
  }, world());
});

test('S14: awaiting a task that is done, over and over, cannot starve the others either', () => {
  let others = 0;
  simulate(function* () {
    const done = createTask(function* (): Coroutine<void> {});
    yield* done;
    const other = createTask(function* () {
      for (;;) {
        others++;
        yield* sleep(0);
      }
    });
    for (let i = 0; i < 100 * BUDGET; i++) yield* done;
    expect(currentTask().state).toBe('running');
    other.cancel();
  }, world());
  expect(others).toBeGreaterThan(50);
});

test('S14: nor can waiting for a descriptor that stays writable', () => {
  let others = 0;
  simulate(function* () {
    const source = open(3, WRITE);
    source.writable = true;
    createTask(function* () {
      for (;;) {
        others++;
        yield* sleep(0);
      }
    });
    for (let i = 0; i < 100 * BUDGET; i++) yield* source.whenWritable(source);
  });
  expect(others).toBeGreaterThan(50);
});
