// taskGroup: who ends whom, and where every error goes.

import { expect, test } from 'vitest';
import { type TaskGroup, taskGroup } from '../../src/compose/task-group.ts';
import { moveOnAfter, timeout } from '../../src/compose/timeout.ts';
import { callLater } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { CancelledError, InvalidStateError, TaskGroupError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { CancelScope } from '../../src/kernel/scope.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { allTasks } from '../../src/kernel/tasks.ts';
import { Mailbox, thrownBy, thrownIn } from '../kernel/helpers.ts';
import { fail, simulateToEnd as simulate, stubborn, value } from './programs.ts';

function messages(error: unknown): string[] {
  return (error as AggregateError).errors.map((each: Error) => each.message);
}

test('a group waits for its children and gives the result of its body', () => {
  simulate(function* () {
    let child: Task<string> | null = null;
    const result = yield* taskGroup(function* (group) {
      child = group.createTask(() => value('child', 50), { name: 'named' });
      group.createTask(function* () {
        yield* sleep(10);
        group.createTask(() => value('grandchild', 100));
      });
      yield* sleep(1);
      return 'body';
    });
    expect([result, now(), (child as Task<string> | null)?.result(), allTasks().length]).toEqual([
      'body',
      110,
      'child',
      1,
    ]);
    expect(yield* taskGroup(() => value('empty'))).toBe('empty');
  });
});

test('S41: a child fails: siblings and body are cancelled and awaited, then one error carries all failures', () => {
  const log: string[] = [];
  simulate(function* () {
    const error = yield* thrownIn(
      taskGroup(function* (group) {
        group.createTask(() => stubborn(log, 'a', 5));
        group.createTask(() => stubborn(log, 'b', 8, true));
        group.createTask(() => fail('first', 10));
        yield* stubborn(log, 'body', 3);
        log.push('never');
      }),
    );
    expect(error).toBeInstanceOf(TaskGroupError);
    expect(error).toBeInstanceOf(AggregateError);
    expect([error.code, error.name]).toEqual(['ERR_COREACTOR_TASK_GROUP', 'TaskGroupError']);
    expect(messages(error)).toEqual(['first', 'b']);
    expect(error.message).toContain('first; b');
    for (const each of (error as AggregateError).errors) expect(each.stack).toMatch(/programs\.ts/);
    expect([log, now(), allTasks().length, currentTask().cancelling]).toEqual([['body', 'a', 'b'], 18, 1, false]);
    yield* sleep(1);
  });
});

test('S41: several that fail in the same turn are all in it, and none is reported besides', () => {
  simulate(function* () {
    const error = yield* thrownIn(
      taskGroup(function* (group) {
        for (const name of ['a', 'b', 'c']) group.createTask(() => fail(name, 10));
      }),
    );
    expect(messages(error)).toEqual(['a', 'b', 'c']);
    yield* sleep(1);
  });
});

test('S42: the body throws: children are cancelled and awaited; body error and child errors are all in it', () => {
  const log: string[] = [];
  simulate(function* () {
    const error = yield* thrownIn(
      taskGroup(function* (group) {
        group.createTask(() => stubborn(log, 'child', 5, true));
        group.createTask(() => stubborn(log, 'quiet', 7));
        yield* fail('body', 10);
      }),
    );
    expect([messages(error), log, now()]).toEqual([['body', 'child'], ['child', 'quiet'], 17]);
    expect(messages(yield* thrownIn(taskGroup(() => fail('alone'))))).toEqual(['alone']);
  });
});

test('S42: the body that awaits the failing child brings the same error once', () => {
  simulate(function* () {
    const error = yield* thrownIn(
      taskGroup(function* (group) {
        yield* group.createTask(() => fail('child', 10));
      }),
    );
    expect(messages(error)).toEqual(['child']);
  });
});

test('S42: likewise when the body learns of it in the same turn', () => {
  simulate(function* () {
    const mailbox = new Mailbox<number>();
    const error = yield* thrownIn(
      taskGroup(function* (group) {
        const child = group.createTask(function* (): Coroutine<void> {
          yield* sleep(10);
          mailbox.put(1);
          throw new Error('child');
        });
        yield* mailbox.take();
        yield* child;
      }),
    );
    expect(messages(error)).toEqual(['child']);
  });
});

test('S42: the clean-up of the body fails', () => {
  simulate(function* () {
    const error = yield* thrownIn(
      taskGroup(function* (group) {
        group.createTask(() => fail('child', 10));
        yield* stubborn([], 'body', 5, true);
      }),
    );
    expect(messages(error)).toEqual(['child', 'body'].sort());
    yield* sleep(1);
  });
});

test('S43: one child cancelled alone: the group goes on and ends normally', () => {
  simulate(function* () {
    const result = yield* taskGroup(function* (group) {
      const victim = group.createTask(sleep(1000));
      victim.cancel();
      const other = group.createTask(() => stubborn([], 'x'));
      group.createTask(() => value(1, 50));
      yield* sleep(10);
      other.cancel();
      return 'through';
    });
    expect([result, now()]).toEqual(['through', 50]);
  });
});

test('S43: a body that awaits a cancelled child fails with that', () => {
  simulate(function* () {
    const error = yield* thrownIn(
      taskGroup(function* (group) {
        const victim = group.createTask(() => value(1, 50));
        victim.cancel();
        yield* victim;
      }),
    );
    expect((error as AggregateError).errors[0]).toBeInstanceOf(CancelledError);
  });
});

test.each(['before', 'after'])('S44: group failure and outer cancel (%s it) together: nothing is lost', (when) => {
  const log: unknown[] = [];
  simulate(function* () {
    const outer = createTask(function* () {
      if (when === 'before') callLater(10, () => outer.cancel('why'));
      try {
        yield* taskGroup(function* (group) {
          group.createTask(() => stubborn([], 'clean-up', 5, true));
          group.createTask(() => fail('child', 10));
          yield* sleep(1000);
        });
        log.push('never');
      } catch (error) {
        log.push(messages(error), now(), currentTask().cancelling);
      }
      log.push('goes on to the next suspension');
      try {
        yield* sleep(1000);
        log.push('never');
      } finally {
        log.push('finally', now());
      }
    });
    if (when === 'after') {
      yield* sleep(1);
      callLater(9, () => outer.cancel('why'));
    }
    const error = (yield* thrownIn(outer)) as CancelledError;
    expect([outer.state, error.name, error.reason]).toEqual(['cancelled', 'CancelledError', 'why']);
    expect(messages(error.cause).sort()).toEqual(['child', 'clean-up']);
  });
  expect((log[0] as string[]).sort()).toEqual(['child', 'clean-up']);
  expect(log.slice(1)).toEqual([15, false, 'goes on to the next suspension', 'finally', 15]);
});

test('S44: nobody catches the group error: it is the outcome of the outer task', () => {
  simulate(function* () {
    const outer = createTask(() =>
      taskGroup(function* (group) {
        group.createTask(() => stubborn([], 'clean-up', 5, true));
        yield* sleep(1000);
      }),
    );
    yield* sleep(10);
    outer.cancel();
    expect(messages(yield* thrownIn(outer))).toEqual(['clean-up']);
    expect(outer.state).toBe('failed');
  });
});

test('S44: a worker loop that catches everything is ended by the cancel', () => {
  let rounds = 0;
  simulate(function* () {
    const worker = createTask(function* () {
      for (;;) {
        rounds++;
        try {
          yield* taskGroup(function* (group) {
            group.createTask(() => stubborn([], 'clean-up', 5, true));
            yield* sleep(1000);
          });
        } catch {}
      }
    });
    yield* sleep(10);
    worker.cancel();
    yield* thrownIn(worker);
    expect(worker.state).toBe('cancelled');
  });
  expect(rounds).toBeLessThan(3);
});

test('S44: the same under an outer scope: the error comes first, then the scope ends', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const scope = new CancelScope();
    callLater(10, () => scope.cancel());
    const result = yield* scope.run(function* () {
      try {
        yield* taskGroup(function* (group) {
          group.createTask(() => stubborn([], 'clean-up', 5, true));
          yield* sleep(1000);
        });
      } catch (error) {
        log.push(messages(error));
      }
      yield* sleep(1000);
      log.push('never');
    });
    log.push(result, scope.cancelled, now());
    yield* sleep(1);
  });
  expect(log).toEqual([['clean-up'], undefined, true, 15]);
});

test('S45: the parent cancelled repeatedly while the group ends: it still waits for every child', () => {
  const log: string[] = [];
  simulate(function* () {
    const parent = createTask(function* () {
      try {
        yield* taskGroup(function* (group) {
          group.createTask(() => stubborn(log, 'a', 20));
          group.createTask(() => stubborn(log, 'b', 40));
          yield* sleep(1000);
        });
      } finally {
        log.push('parent');
      }
      log.push('never');
    });
    for (let i = 0; i < 5; i++) {
      yield* sleep(3);
      parent.cancel();
    }
    yield* thrownIn(parent);
    expect([parent.state, log, now(), allTasks().length]).toEqual(['cancelled', ['a', 'b', 'parent'], 43, 1]);
  });
});

test('S45: likewise when the body has ended and the group waits for its children', () => {
  const log: string[] = [];
  simulate(function* () {
    const parent = createTask(() =>
      taskGroup(function* (group) {
        group.createTask(() => stubborn(log, 'a', 20));
      }),
    );
    yield* sleep(3);
    parent.cancel();
    yield* sleep(3);
    parent.cancel();
    yield* thrownIn(parent);
    expect([parent.state, log, now()]).toEqual(['cancelled', ['a'], 23]);
  });
});

test('S46: spawning into an ended group: error, and the generator is closed', () => {
  simulate(function* () {
    let group: TaskGroup | null = null;
    yield* taskGroup(function* (it) {
      group = it;
    });
    const body = value(1);
    const error = thrownBy(() => (group as TaskGroup | null)?.createTask(body));
    expect(error).toBeInstanceOf(InvalidStateError);
    expect(error.message).toContain('has ended');
    expect(body.next()).toEqual({ done: true, value: undefined });
    expect((group as TaskGroup | null)?.cancel()).toBe(false);
  });
});

test('S46: likewise into one that is ending: no child escapes the cancel', () => {
  const log: string[] = [];
  simulate(function* () {
    yield* thrownIn(
      taskGroup(function* (group) {
        group.createTask(function* () {
          try {
            yield* sleep(1000);
          } finally {
            log.push(thrownBy(() => group.createTask(() => value(1))).message);
          }
        });
        group.createTask(() => fail('first', 10));
      }),
    );
  });
  expect(log[0]).toContain('is ending');
});

test('S46: nor does one while the group is cancelled from outside', () => {
  const log: string[] = [];
  simulate(function* () {
    const parent = createTask(
      taskGroup(function* (group) {
        group.createTask(function* () {
          try {
            yield* sleep(1000);
          } finally {
            log.push(thrownBy(() => group.createTask(() => value(1))).message);
          }
        });
        yield* sleep(1000);
      }),
    );
    yield* sleep(1);
    parent.cancel();
    yield* thrownIn(parent);
  });
  expect(log[0]).toContain('is ending');
});

test('group.cancel() ends body and children, and the group gives undefined', () => {
  const log: string[] = [];
  simulate(function* () {
    for (const where of ['body', 'child', 'outside']) {
      const result = yield* taskGroup(function* (group) {
        group.createTask(() => stubborn(log, where, 5));
        if (where === 'child') {
          group.createTask(function* () {
            yield* sleep(1);
            group.cancel();
            yield* sleep(1000);
          });
        }
        if (where === 'outside') callLater(1, () => group.cancel());
        yield* sleep(1);
        if (where === 'body') group.cancel();
        yield* sleep(1000);
        return 'never';
      });
      expect([result, currentTask().cancelling]).toEqual([undefined, false]);
    }
    expect([log, now()]).toEqual([['body', 'child', 'outside'], 18]);
  });
});

test('a group under a timeout ends its children before TimeoutError; one in a clean-up works as elsewhere', () => {
  const log: string[] = [];
  simulate(function* () {
    const late = yield* thrownIn(
      timeout(10, () =>
        taskGroup(function* (group) {
          group.createTask(() => stubborn(log, 'a', 20));
        }),
      ),
    );
    expect([late.name, now()]).toEqual(['TimeoutError', 30]);
    const victim = createTask(function* () {
      try {
        yield* sleep(1000);
      } finally {
        const error = yield* thrownIn(
          taskGroup(function* (group) {
            group.createTask(() => fail('in clean-up', 5));
            yield* moveOnAfter(1, () => sleep(1000));
            yield* sleep(1000);
          }),
        );
        log.push(...messages(error));
        yield* sleep(1);
        log.push('cleaned up');
      }
    });
    yield* sleep(1);
    victim.cancel();
    yield* thrownIn(victim);
    expect(victim.state).toBe('cancelled');
  });
  expect(log).toEqual(['a', 'in clean-up', 'cleaned up']);
});

test('nested groups: an inner failure ends the inner group, then the outer one', () => {
  simulate(function* () {
    const error = yield* thrownIn(
      taskGroup(function* (outer) {
        outer.createTask(() => stubborn([], 'sibling'));
        yield* taskGroup(function* (inner) {
          inner.createTask(() => fail('deep', 10));
        });
      }),
    );
    const [inner] = (error as AggregateError).errors;
    expect(messages(inner)).toEqual(['deep']);
  });
});
