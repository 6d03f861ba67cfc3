// Operations that a user writes with nothing but park() and wake().

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Operation, Park } from '../../src/kernel/operation.ts';
import { park, wake } from '../../src/kernel/park.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { Mailbox, seeded, simulate } from './helpers.ts';

// The example of park()'s docstring.
class Gate {
  #open = false;
  readonly #waiting = new Set<Task<unknown>>();
  get waiting(): number {
    return this.#waiting.size;
  }
  open(): void {
    this.#open = true;
    for (const task of this.#waiting) wake(task);
  }
  wait(): Operation<void> {
    const task = currentTask();
    const next = () => {
      if (this.#open) return { done: true as const, value: undefined };
      this.#waiting.add(task);
      return park(this);
    };
    const leave = () => {
      this.#waiting.delete(task);
      return { done: true as const, value: undefined };
    };
    return { [Symbol.iterator]: (): Iterator<Park, void, void> => ({ next, return: leave }) };
  }
}

test('the Gate of the documentation lets everybody through in the order of arrival, and nobody waits once open', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const gate = new Gate();
    for (const name of ['a', 'b', 'c']) {
      createTask(function* () {
        yield* gate.wait();
        log.push(name, now());
      });
    }
    yield* sleep(10);
    expect(log).toEqual([]);
    gate.open();
    yield* sleep(0);
    yield* gate.wait();
    log.push('main', now());
  });
  expect(log).toEqual(['a', 10, 'b', 10, 'c', 10, 'main', 10]);
});

test('the Gate of the documentation forgets a task that is cancelled', () => {
  simulate(function* () {
    const gate = new Gate();
    const patient = createTask(function* () {
      yield* gate.wait();
    });
    yield* sleep(0);
    expect(gate.waiting).toBe(1);
    patient.cancel();
    yield* sleep(0);
    expect([patient.cancelled, gate.waiting]).toEqual([true, 0]);
  });
});

test('an item that is handed over with wake() reaches exactly one task, whatever is cancelled and woken in between', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const mailbox = new Mailbox<number>();
    const got: number[] = [];
    let put = 0;
    simulate(function* () {
      const consumers: Task<unknown>[] = [];
      for (let round = 0; round < 300; round++) {
        for (let i = random(3); i > 0; i--) {
          consumers.push(
            createTask(function* () {
              for (;;) {
                got.push(yield* mailbox.take());
                if (random(3) === 0) yield* sleep(random(2));
              }
            }),
          );
        }
        for (let i = random(6); i > 0; i--) {
          const victim = consumers[random(consumers.length + 1)];
          const deed = random(4);
          if (deed === 0) victim?.cancel();
          else if (deed === 1 && victim !== undefined) wake(victim);
          else mailbox.put(put++);
        }
        if (random(2) === 0) yield* sleep(random(2));
      }
      yield* sleep(5);
    });
    expect(mailbox.lost).toEqual([]);
    expect([...got, ...mailbox.kept].sort((a, b) => a - b)).toEqual(Array.from({ length: put }, (_, i) => i));
    expect([got.length > 100, mailbox.waiting], `seed ${seed}`).toEqual([true, 0]);
  }
});
