// The mistakes everybody makes once: each ends in an error that says what to do, and none hangs.

import { expect, test } from 'vitest';
import { gather } from '../../src/compose/gather.ts';
import { taskGroup } from '../../src/compose/task-group.ts';
import { timeout, waitFor } from '../../src/compose/timeout.ts';
import { wait } from '../../src/compose/wait.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { TaskGroupError } from '../../src/kernel/errors.ts';
import type { Coroutine, Operation } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { Condition } from '../../src/sync/condition.ts';
import { Lock } from '../../src/sync/lock.ts';
import { PriorityQueue } from '../../src/sync/priority-queue.ts';
import { Queue } from '../../src/sync/queue.ts';
import { Semaphore } from '../../src/sync/semaphore.ts';
import { simulate, thrownBy, thrownIn } from '../kernel/helpers.ts';
import { simulateToEnd, value } from './programs.ts';

// What compiles in JavaScript only.
const anything = (given: unknown): never => given as never;

const mistakes: Record<string, [() => Operation<unknown>, string]> = {
  'yield in place of yield*': [() => bad(sleep(1)), 'yielded an operation: write "yield*"'],
  'a promise yielded': [() => bad(Promise.resolve()), 'by yield* fromPromise(promise)'],
  'yield* of an array': [() => arrayOf(sleep(1)), 'use gather([...])'],
  'yield* of a text': [() => anything('abc'[Symbol.iterator]()), 'use gather([...])'],
  'with() and its call': [() => new Lock().with(anything(value(1))), 'not what its call gave'],
  'with() and a number': [() => new Semaphore().with(anything(5)), 'not a number: write function*'],
  'with() and a plain function': [() => new Lock().with(anything(() => 5)), 'the body of Lock.with() gave a number'],
  'a group and a plain function': [() => taskGroup(anything(() => {})), 'the body of taskGroup() gave undefined'],
  'timeout() and a generator': [() => timeout(5, anything(value(1))), 'timeout() takes a function* as its body'],
  'timeout() and an async function': [
    () =>
      timeout(
        5,
        anything(async () => {}),
      ),
    'gave a promise',
  ],
  'waitFor() and a function': [
    () =>
      waitFor(
        anything(() => value(1)),
        5,
      ),
    'waitFor(worker(), ms)',
  ],
  'wait() and a task': [() => wait(anything(createTask(value(1)))), 'wait([task])'],
  'wait() and a coroutine': [() => wait(anything(value(1))), 'wait([task])'],
  'wait() and nothing': [() => wait(anything(undefined)), 'wait([task])'],
  'gather() and a nested array': [() => gather([anything([sleep(1)])]), 'one of these is an array'],
  'gather() and null': [() => gather([anything(null)]), 'one of these is null'],
  'a condition that is a coroutine': [() => heldAnd((it) => it.waitFor(anything(() => value(1)))), 'an operation'],
  'a condition and options': [() => anything(new Condition(anything({ name: 'x' }))), 'takes its Lock first'],
  'a queue and options': [() => anything(new Queue(anything({ name: 'x' }))), 'comes first; not object'],
  'a priority queue of arrays': [() => putBoth([10, 'a'], [9, 'b']), 'needs { compare'],
  'an async generator': [() => anything(createTask(anything(async function* () {}))), 'an async generator'],
};

test.each(Object.entries(mistakes))('%s: an error that says what to do', (_, [make, advice]) => {
  simulateToEnd(function* () {
    const error = yield* thrownIn(createTask(trying(make)));
    const [first = error] = error instanceof TaskGroupError ? error.errors : [];
    expect(first.message).toContain(advice);
  });
});

test('a wrong yield in a loop that catches everything ends its task, and not the loop', () => {
  simulateToEnd(function* () {
    const task = createTask(function* (): Coroutine<void> {
      for (;;) {
        try {
          yield anything(sleep(1));
        } catch {}
      }
    });
    expect((yield* thrownIn(task)).message).toContain('write "yield*"');
  });
});

test('run() takes a plain function that makes an operation', () => {
  expect(simulate(() => sleep(5))).toBe(undefined);
  expect(simulate(() => timeout(50, () => value('result', 5)))).toBe('result');
  expect(thrownBy(() => simulate(anything(() => 5))).message).toContain('not a number');
});

test('S65: forEach takes a body that gives what it likes', () => {
  simulateToEnd(function* () {
    const queue = new Queue<string>();
    const got: string[] = [];
    for (const item of ['a', 'b']) queue.putNowait(item);
    queue.shutdown();
    const collect = (item: string) => got.push(item);
    yield* queue.forEach(collect);
    yield* queue.join();
    expect(got).toEqual(['a', 'b']);
  });
});

function* trying(make: () => Operation<unknown>): Coroutine<unknown> {
  return yield* make();
}

function* bad(given: unknown): Coroutine<void> {
  yield anything(given);
}

function* arrayOf(given: unknown): Coroutine<void> {
  yield* [given] as unknown as Operation<void>;
}

function* heldAnd(then: (condition: Condition) => Operation<void>): Coroutine<void> {
  const condition = new Condition();
  yield* condition.with(() => then(condition));
}

function* putBoth(...items: unknown[]): Coroutine<void> {
  const queue = new PriorityQueue<unknown>();
  for (const item of items) yield* queue.put(item);
}
