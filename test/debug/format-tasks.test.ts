// The tree of tasks that people read: edges, holders, deadlines, cycles, and what is left out.

import { expect, test } from 'vitest';
import { moveOnAfter, timeout } from '../../src/compose/timeout.ts';
import { formatTasks } from '../../src/debug/format-tasks.ts';
import { callLater } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine, Operation } from '../../src/kernel/operation.ts';
import { park, wake } from '../../src/kernel/park.ts';
import type { Resource } from '../../src/kernel/resource.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { simulate, thrownBy } from '../kernel/helpers.ts';

/** Parks on `resource` for ever; cancel it. */
function on(resource: Resource | null | undefined | string): Operation<void> {
  const iterator = { next: () => park(resource), return: () => ({ done: true as const, value: undefined }) };
  return { [Symbol.iterator]: () => iterator };
}

function* waitFor(operation: () => Operation<unknown>): Coroutine<void> {
  yield* operation();
}

function spawn(name: string, operation: () => Operation<unknown>): Task<void> {
  return createTask(() => waitFor(operation), { name });
}

/** The tree of what `arrange` made, once all of it is parked. */
function tree(arrange: () => unknown, options: { debug?: boolean } = {}): string[] {
  let lines: string[] = [];
  simulate(function* () {
    arrange();
    const self = currentTask();
    self.name = 'main';
    yield* sleep(10);
    lines = formatTasks().split('\n');
  }, options);
  return lines;
}

const gathering = (awaits: readonly Task<unknown>[]): Resource => ({ awaits, toString: () => `all ${awaits.length}` });

test('S25: a task that another awaits stands below it; the others stand beside, oldest first', () => {
  const lines = tree(() => {
    const leaf = spawn('leaf', () => sleep(1500));
    const middle = spawn('middle', () => leaf);
    const other = spawn('other', () => on('a gate'));
    spawn('top', () => on(gathering([middle, other])));
    spawn('lone', () => on(null));
  });
  expect(lines).toEqual([
    'main (running)',
    'top (parked) waits on all 2',
    '├─ middle (parked) waits on leaf',
    '│  └─ leaf (parked) waits on sleep until 1500.000 (in 1.5 s)',
    '└─ other (parked) waits on a gate',
    'lone (parked) waits on something without a name',
  ]);
});

test('a task that runs again does not await what it awaited before', () => {
  let lines: string[] = [];
  simulate(function* () {
    const child = spawn('child', () => sleep(100));
    const self = currentTask();
    let polls = 0;
    const next = () => (polls++ === 0 ? park(gathering([child])) : { done: true as const, value: undefined });
    callLater(10, () => wake(self));
    yield* { [Symbol.iterator]: () => ({ next }) };
    lines = formatTasks().split('\n');
  });
  expect(lines.map((line) => line.slice(0, 16))).toEqual(['Task-1 (running)', 'child (parked) w']);
});

test('every task stands there once: one that several await is pointed at, and so is a cycle', () => {
  const lines = tree(() => {
    const shared = spawn('shared', () => sleep(5000));
    spawn('first', () => shared);
    spawn('second', () => shared);
    const ring: Task<void>[] = [];
    for (let i = 0; i < 3; i++) ring.push(spawn(`ring ${i}`, () => ring[(i + 1) % 3] as Task<void>));
    const all: Task<void> = spawn('all', () => on(gathering([shared, ring[0] as Task<void>, all])));
  });
  expect(lines).toEqual([
    'main (running)',
    'first (parked) waits on shared',
    '└─ shared (parked) waits on sleep until 5000.000 (in 5.0 s)',
    'second (parked) waits on shared (see above)',
    'all (parked) waits on all 3 (all: see above, a cycle) (shared: see above)',
    '└─ ring 0 (parked) waits on ring 1',
    '   └─ ring 1 (parked) waits on ring 2',
    '      └─ ring 2 (parked) waits on ring 0 (see above, a cycle)',
  ]);
});

test('who holds it: a few by name, the task itself, and one that has ended without letting go', () => {
  const lines = tree(() => {
    const holders = ['a', 'b', 'c', 'd', 'e'].map((name) => spawn(name, () => on('x')));
    spawn('many', () => on({ holders, toString: () => 'the permits' }));
    const again: Task<void> = spawn('again', () => on({ holders: [again], toString: () => 'Lock db' }));
    const gone = spawn('gone', () => sleep(0));
    spawn('orphan', () => on({ holders: [gone], toString: () => 'Lock db' }));
  });
  expect(lines.slice(6)).toEqual([
    'many (parked) waits on the permits, held by a, b, c and 2 more',
    'again (parked) waits on Lock db, held by itself',
    'orphan (parked) waits on Lock db, held by gone, which has ended (returned)',
  ]);
});

test('states: ready, and clean-up after a cancel; what a task waited on before is not told', () => {
  const lines = tree(() => {
    const doomed = createTask(
      function* () {
        try {
          yield* sleep(null);
        } finally {
          yield* sleep(20);
        }
      },
      { name: 'doomed' },
    );
    createTask(
      function* () {
        yield* sleep(1);
        doomed.cancel();
        yield* sleep(9);
        spawn('fresh', () => sleep(0));
      },
      { name: 'same time' },
    );
  });
  expect(lines).toEqual([
    'main (running)',
    'doomed (parked, cancelled and cleaning up) waits on sleep until 21.000 (in 11 ms)',
    'same time (ready)',
  ]);
});

test('thousands of the same stay readable: the first of a kind, then a count, with what stands below them', () => {
  const lines = tree(() => {
    for (let i = 0; i < 10_000; i++) spawn(`worker ${i}`, () => sleep(1000 + i));
    for (let i = 0; i < 5; i++) spawn(`reader ${i}`, () => on(`recv on fd ${i}`));
    for (let i = 0; i < 12; i++) {
      const child = spawn(`child ${i}`, () => on('c'));
      spawn(`parent ${i}`, () => child);
    }
  });
  expect(lines.length).toBe(1 + 11 + 5 + 21);
  expect(lines[1]).toMatch(/^worker 0 /);
  expect(lines[10]).toMatch(/^worker 9 /);
  expect(lines[11]).toBe('... and 9,990 more like this');
  expect(lines.slice(12, 17).map((line) => line.slice(0, 8))).toEqual(
    Array.from({ length: 5 }, (_, i) => `reader ${i}`),
  );
  expect(lines.at(-1)).toBe('... and 2 more like this, with 2 below them');
});

test('one more than a few of a kind, and those below a task, are counted likewise', () => {
  const lines = tree(() => {
    const children = Array.from({ length: 11 }, (_, i) => spawn(`child ${i}`, () => on('c')));
    spawn('parent', () => on(gathering(children)));
  });
  expect(lines.length).toBe(1 + 1 + 10 + 1);
  expect(lines.at(-2)).toBe('├─ child 9 (parked) waits on c');
  expect(lines.at(-1)).toBe('└─ ... and 1 more like this');
});

test('a chain of thousands neither overflows the stack nor fills the screen', () => {
  const lines = tree(() => {
    let last = spawn('end', () => on('nothing'));
    for (let i = 0; i < 20_000; i++) {
      const next = last;
      last = spawn(`link ${i}`, () => next);
    }
  });
  expect(lines.length).toBe(1 + 50 + 1);
  expect(lines.at(-1)).toMatch(/└─ \.\.\. and 19,951 more below$/);
});

test('a list of tasks: those and no others; ended ones too; no running loop is needed', () => {
  let tasks: Task<unknown>[] = [];
  simulate(function* () {
    const a = spawn('a', () => sleep(5));
    const b = spawn('b', () => a);
    tasks = [b, a, b];
    yield* sleep(1);
    expect(formatTasks([spawn('c', () => sleep(0))])).toBe('c (new)');
    expect(formatTasks([a])).toBe('a (parked) waits on sleep until 5.000 (in 4 ms)');
    yield* b;
  });
  expect(formatTasks(tasks)).toBe('b (returned)\na (returned)');
  expect(formatTasks([])).toBe('');
  expect(() => formatTasks()).toThrow(/running loop/);
});

test('a resource may be anything: long, of several lines, with getters that throw or hold nonsense', () => {
  const lines = tree(() => {
    spawn('long', () => on('x'.repeat(1000)));
    spawn('lines', () => on('one\n  two'));
    const hostile = {
      get holders(): never {
        throw new Error('no');
      },
      get awaits(): never {
        throw new Error('no');
      },
      get deadline(): never {
        throw new Error('no');
      },
      toString(): never {
        throw new Error('no');
      },
    };
    spawn('hostile', () => on(hostile));
    spawn('nonsense', () => on({ holders: 5, awaits: ['x'], deadline: 'soon', toString: () => 'N' } as never));
  });
  expect(lines.slice(1)).toEqual([
    `long (parked) waits on ${'x'.repeat(120)}...`,
    'lines (parked) waits on one two',
    'hostile (parked) waits on a object',
    'nonsense (parked) waits on N',
  ]);
});

test('debug mode adds since when, the line where it is suspended and the line where it was created', () => {
  const lines = tree(
    () => {
      const child = spawn('child', () => sleep(2000));
      spawn('parent', () => child);
    },
    { debug: true },
  );
  expect(lines[0]).toMatch(/^main \(running\)$/);
  expect(lines[1]).toMatch(/^ {3}created at /);
  expect(lines[2]).toBe('parent (parked) waits on child, for 10 ms');
  expect(lines[3]).toMatch(
    /^│ {2}at waitFor \(test\/debug\/format-tasks\.test\.ts:\d+:\d+\), created at spawn \(test\/debug\/f/,
  );
  expect(lines[4]).toBe('└─ child (parked) waits on sleep until 2000.000 (in 2.0 s), for 10 ms');
  expect(lines[5]).toMatch(/^ {6}at waitFor \(test.*, created at spawn \(/);
  expect(lines.length).toBe(6);
});

test('the timeout around a wait is told, the next one of several', () => {
  const lines = tree(() => {
    spawn('limited', () => timeout(3000, () => moveOnAfter(500, () => on('a gate'))));
    spawn('free', () => on('a gate'));
  });
  expect(lines.slice(1)).toEqual([
    'limited (parked) waits on a gate, times out in 490 ms',
    'free (parked) waits on a gate',
  ]);
});

test('whatever a name is, it stands on one line', () => {
  const lines = tree(() => {
    const odd = spawn('a\nb\x1b[31m', () => on('a gate'));
    spawn('', () => odd);
    spawn('x'.repeat(300), () => on('a gate'));
    createTask(() => on('a gate'), { name: Symbol('s') as never });
  });
  expect(lines.slice(1)).toEqual([
    '(no name) (parked) waits on a b?[31m',
    '└─ a b?[31m (parked) waits on a gate',
    `${'x'.repeat(120)}... (parked) waits on a gate`,
    'Symbol(s) (parked) waits on a gate',
  ]);
});

test('what is no task is refused by name', () => {
  expect(thrownBy(() => formatTasks(['x' as never]))).toBeInstanceOf(TypeError);
  expect(thrownBy(() => formatTasks([null as never])).message).toContain('a list of tasks was expected');
});
