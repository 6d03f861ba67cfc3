// Values that belong to a task.

import { expect, test } from 'vitest';
import { callLater, callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { InvalidStateError } from '../../src/kernel/errors.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { TaskLocal } from '../../src/kernel/task-local.ts';
import { simulate, thrownBy } from './helpers.ts';

test('S31: a task inherits the values of its creator as they were when it was created', () => {
  simulate(function* () {
    const id = new TaskLocal('none');
    const read = function* (): Coroutine<string> {
      yield* sleep(1);
      return id.get();
    };
    const before = createTask(read);
    id.set('42');
    const between = createTask(read);
    id.set('43');
    const grandchild = createTask(function* () {
      return yield* createTask(read);
    });
    id.set('44');
    const seen = [yield* before, yield* between, yield* grandchild, id.get()];
    expect(seen).toEqual(['none', '42', '43', '44']);
  });
});

test('S31: what a child sets, neither its creator nor its siblings see; its own children do', () => {
  simulate(function* () {
    const id = new TaskLocal('parent');
    id.set('parent');
    const child = function* (name: string): Coroutine<string[]> {
      const seen = [id.get()];
      id.set(name);
      yield* sleep(1);
      const below = createTask(function* (): Coroutine<string> {
        const inherited = id.get();
        id.set('below');
        return inherited;
      });
      seen.push(yield* below);
      seen.push(id.get());
      return seen;
    };
    const both = [createTask(() => child('a')), createTask(() => child('b'))] as const;
    expect(yield* both[0]).toEqual(['parent', 'a', 'a']);
    expect(yield* both[1]).toEqual(['parent', 'b', 'b']);
    expect(id.get()).toBe('parent');
  });
});

test('S31: several values are independent of each other, and are there in clean-up too', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const [a, b] = [new TaskLocal<number>(), new TaskLocal<number>(0)];
    a.set(1);
    const task = createTask(function* () {
      b.set(2);
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(1);
        log.push(a.get(), b.get());
      }
    });
    yield* sleep(1);
    task.cancel();
    a.set(5);
    yield* sleep(5);
    expect([a.get(), b.get()]).toEqual([5, 0]);
  });
  expect(log).toEqual([1, 2]);
});

test('without a value: the initial one, be it undefined, or an error that says what to do', () => {
  simulate(function* () {
    expect(new TaskLocal<string | undefined>(undefined).get()).toBe(undefined);
    const empty = new TaskLocal<string | undefined>();
    const error = thrownBy(() => empty.get());
    expect(error).toBeInstanceOf(InvalidStateError);
    expect(error.message).toMatch(/set\(\)/);
    empty.set(undefined);
    expect(empty.get()).toBe(undefined);
    yield* sleep(0);
  });
});

test('outside a task get() gives the initial value, and set() throws', () => {
  const id = new TaskLocal('initial');
  expect(id.get()).toBe('initial');
  expect(thrownBy(() => new TaskLocal().get())).toBeInstanceOf(InvalidStateError);
  simulate(function* () {
    callSoon(() => {
      expect(thrownBy(() => id.set('x'))).toBeInstanceOf(InvalidStateError);
    });
    yield* sleep(0);
  });
});

test('S31: a callback and the tasks it starts have the values of the task that asked for it, as they were then', () => {
  simulate(function* () {
    const id = new TaskLocal('none');
    const seen: string[] = [];
    const note = (): void => {
      seen.push(id.get());
    };
    const done = createTask(function* () {});
    callSoon(note);
    id.set('42');
    callSoon(note);
    callLater(1, () => callSoon(note));
    done.addDoneCallback(note);
    callLater(2, () =>
      createTask(function* () {
        note();
        id.set('another');
      }),
    );
    id.set('43');
    callLater(3, note);
    yield* sleep(5);
    expect(seen).toEqual(['none', '42', '42', '42', '42', '43']);
  });
});
