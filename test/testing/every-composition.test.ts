// Every way to put tasks together, cancelled everywhere and in every order: children have ended when their parent has,
// nobody else is disturbed, and no result or failure is lost.

import { expect, test } from 'vitest';
import { asCompleted } from '../../src/compose/as-completed.ts';
import { gather } from '../../src/compose/gather.ts';
import { shield } from '../../src/compose/shield.ts';
import { taskGroup } from '../../src/compose/task-group.ts';
import { moveOnAfter, timeout, waitFor } from '../../src/compose/timeout.ts';
import { FIRST_COMPLETED, wait } from '../../src/compose/wait.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { CancelledError, TaskGroupError, TimeoutError } from '../../src/kernel/errors.ts';
import type { Coroutine, Operation } from '../../src/kernel/operation.ts';
import { CancelScope } from '../../src/kernel/scope.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { TaskLocal } from '../../src/kernel/task-local.ts';
import { everyWay, type Program, Work } from './every-way.ts';
import { ended } from './programs.ts';

const programs: Record<string, Program> = {
  *gather(victim) {
    const work = new Work();
    const task = victim(() => gather([work.do('a', 1), work.do('b', 2)]));
    yield* ended(task);
    expect(work.busy).toBe(0);
    if (!task.cancelled) expect(task.result()).toEqual(['a', 'b']);
  },

  *'gather with a failure'(victim) {
    const work = new Work();
    const task = victim(function* () {
      return yield* thrown(gather([work.fail('no', 1), work.do('b', 2)]));
    });
    yield* ended(task);
    expect(work.busy).toBe(0);
    if (!task.cancelled) expect((task.result() as Error).message).toBe('no');
  },

  *'gather that leaves the others'(victim) {
    const work = new Work();
    const other = createTask(() => work.do('b', 2));
    const task = victim(() => thrown(gather([work.fail('no', 0), other], { onFailure: 'leave' })));
    yield* ended(task, other);
    expect(work.busy).toBe(0);
    if (!task.cancelled) expect(other.result()).toBe('b');
  },

  *'gather with errors as results'(victim) {
    const work = new Work();
    const failing = createTask(() => work.fail('no', 1));
    const looking = createTask(() => thrown(failing)); // a gather that is cancelled takes no failure with it
    const task = victim(() => gather([failing, work.do('b', 2)], { returnExceptions: true }));
    yield* ended(task, looking);
    expect(work.busy).toBe(0);
    if (!task.cancelled) expect(task.result()).toEqual([expect.objectContaining({ message: 'no' }), 'b']);
  },

  *wait(victim) {
    const work = new Work();
    const tasks = [createTask(() => work.do('a', 1)), createTask(() => work.do('b', 2))];
    const task = victim(() => wait(tasks, { timeout: 2, returnWhen: FIRST_COMPLETED }));
    yield* ended(task);
    if (!task.cancelled) expect(task.result().done.size + task.result().pending.size).toBe(2);
    yield* ended(...tasks);
    expect(tasks.map((each) => each.result())).toEqual(['a', 'b']);
  },

  *asCompleted(victim) {
    const work = new Work();
    const tasks = [createTask(() => work.do('a', 1)), createTask(() => work.do('b', 2))];
    const taken: string[] = [];
    const task = victim(function* () {
      for (const next of asCompleted(tasks)) taken.push(yield* next);
    });
    yield* ended(task, ...tasks);
    expect(taken).toEqual(work.done.slice(0, taken.length));
    if (!task.cancelled) expect([...taken].sort()).toEqual(['a', 'b']);
  },

  *'asCompleted in time'(victim) {
    const work = new Work();
    const tasks = [createTask(() => work.do('a', 1)), createTask(() => work.do('b', 9))];
    const task = victim(function* () {
      const errors: unknown[] = [];
      for (const next of asCompleted(tasks, { timeout: 4 })) errors.push(yield* thrown(next));
      return errors;
    });
    yield* ended(task, ...tasks);
    if (!task.cancelled) expect(task.result()).toEqual(['a', expect.any(TimeoutError)]);
  },

  *'waitFor a task'(victim) {
    const work = new Work();
    const child = createTask(() => work.do('a', 2));
    const task = victim(() => thrown(waitFor(child, 1)));
    yield* ended(task);
    // It is cancelled and awaited when it is late; and nobody awaited it yet if the victim never ran.
    if (!task.cancelled) expect([child.done, work.busy]).toEqual([true, 0]);
    yield* ended(child);
    expect(work.busy).toBe(0);
  },

  *timeout(victim) {
    const work = new Work();
    const task = victim(() => thrown(timeout(2, () => work.do('a', 2))));
    yield* ended(task);
    expect(work.busy).toBe(0);
    if (!task.cancelled) expect(task.result()).toEqual(expect.any(TimeoutError)); // late by its clean-up
  },

  *'timeouts within each other'(victim) {
    const work = new Work();
    const task = victim(() =>
      thrown(
        timeout(2, function* () {
          yield* moveOnAfter(1, () => work.do('a', 5));
          return yield* moveOnAfter(2, () => work.do('b', 5));
        }),
      ),
    );
    yield* ended(task);
    expect([work.busy, work.done]).toEqual([0, []]);
    if (!task.cancelled) expect([task.result(), now() <= 5]).toEqual([expect.any(TimeoutError), true]);
  },

  *moveOnAfter(victim) {
    const work = new Work();
    const after: string[] = [];
    const task = victim(function* () {
      const result = yield* moveOnAfter(1, () => work.do('a', 1));
      after.push(String(result));
      yield* sleep(1);
    });
    yield* ended(task);
    expect(work.busy).toBe(0);
    if (!task.cancelled) expect(after.length).toBe(1);
  },

  *shield(victim) {
    const work = new Work();
    let inner: Task<unknown> | null = null;
    const task = victim(function* () {
      inner = createTask(() => work.do('a', 2));
      return yield* shield(inner as Task<string>);
    });
    yield* ended(task);
    if (inner !== null) yield* inner as Task<string>; // it was not cancelled
    expect([work.busy, work.done]).toEqual([0, inner === null ? [] : ['a']]);
  },

  *CancelScope(victim) {
    const work = new Work();
    const scope = new CancelScope({ deadline: 3 });
    const task = victim(function* () {
      const result = yield* scope.run(() => work.do('a', 2));
      expect(result === undefined).toBe(scope.cancelled);
      yield* work.do('after', 1);
    });
    const other = createTask(function* () {
      yield* sleep(2);
      scope.cancel();
    });
    yield* ended(task, other);
    expect(work.busy).toBe(0);
    if (!task.cancelled) expect(work.done).toContain('after');
  },

  *taskGroup(victim) {
    const work = new Work();
    const task = victim(() =>
      taskGroup(function* (group) {
        group.createTask(() => work.do('a', 2));
        group.createTask(() => work.do('b', 1));
        return yield* work.do('body', 1);
      }),
    );
    yield* ended(task);
    expect(work.busy).toBe(0);
    if (!task.cancelled) expect([task.result(), work.done.length]).toEqual(['body', 3]);
  },

  *'taskGroup with failures'(victim) {
    const work = new Work();
    const task = victim(() =>
      taskGroup(function* (group) {
        group.createTask(() => work.fail('a', 1));
        group.createTask(() => work.fail('b', 1));
        yield* work.do('body', 2);
      }),
    );
    const error = yield* thrown(task);
    expect(work.busy).toBe(0);
    // A failure is not lost, even if a cancel came with it.
    if (error instanceof TaskGroupError) expect(error.errors.map(({ message }) => message)).toContain('a');
    else expect(error).toBeInstanceOf(CancelledError);
  },

  *'groups within each other'(victim) {
    const work = new Work();
    const task = victim(() =>
      taskGroup(function* (outer) {
        outer.createTask(() =>
          taskGroup(function* (inner) {
            inner.createTask(() => work.do('a', 2));
            yield* work.do('b', 1);
          }),
        );
        yield* sleep(2);
        outer.cancel();
      }),
    );
    yield* ended(task);
    expect(work.busy).toBe(0);
  },

  *TaskLocal(victim) {
    const local = new TaskLocal('none');
    const seen: string[] = [];
    function* child(name: string): Coroutine<void> {
      seen.push(`${name} inherits ${local.get()}`);
      local.set(name);
      try {
        yield* sleep(1);
      } finally {
        expect(local.get()).toBe(name);
      }
    }
    const task = victim(function* () {
      local.set('victim');
      try {
        yield* gather([child('a'), child('b')]);
      } finally {
        expect(local.get()).toBe('victim');
      }
    });
    yield* ended(task);
    expect(local.get()).toBe('none');
    for (const line of seen) expect(line).toMatch(/^[ab] inherits victim$/);
  },
};

test.each(Object.entries(programs))(
  'S82: %s loses nothing, wherever a cancel comes and in whatever order',
  (_, program) => {
    const { cancels, orders } = everyWay(program);
    expect(Math.min(cancels, orders)).toBeGreaterThan(1);
  },
);

/** What it throws, or what it gives. */
function* thrown(operation: Operation<unknown>): Coroutine<unknown> {
  try {
    return yield* operation;
  } catch (error) {
    return error;
  }
}
