// Awaiting a task: what the awaiter sees of a cancel, and what a cancelled awaiter leaves behind.

import { expect, test } from 'vitest';
import { callSoon } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { CancelledError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import type { Task } from '../../src/kernel/task.ts';
import { bytesInUse, simulate, thrownIn } from './helpers.ts';

test('S22: awaiting a cancelled task throws CancelledError with the reason and who cancelled', () => {
  simulate(function* () {
    const cause = new Error('the disk is full');
    const victims = [0, 1, 2].map(() => createTask(() => forever()));
    const [byTask, byCallback, byMain] = victims as [Task<void>, Task<void>, Task<void>];
    const killer = function* (): Coroutine<void> {
      byTask.cancel(cause);
    };
    createTask(killer, { name: 'killer' });
    callSoon(() => byCallback.cancel({ code: 7 }));
    yield* sleep(1);
    byMain.cancel();
    const errors: Error[] = [];
    for (const victim of victims) errors.push(yield* thrownIn(victim));
    for (const error of errors) expect(error).toBeInstanceOf(CancelledError);
    expect(errors[0]).toMatchObject({ reason: cause, by: 'killer', cause, code: 'ERR_COREACTOR_CANCELLED' });
    expect(errors[0]?.message).toMatch(/Task-2.*killer.*the disk is full/);
    expect(errors[1]).toMatchObject({ reason: { code: 7 }, by: undefined });
    expect(errors[2]).toMatchObject({ reason: undefined, by: 'Task-1' });
  });
});

test('S22: the awaiter is only told, not cancelled: it can catch the error and go on', () => {
  simulate(function* () {
    const victim = createTask(() => forever());
    const awaiter = createTask(function* () {
      const error = yield* thrownIn(victim);
      yield* sleep(5);
      return [error instanceof CancelledError, currentTask().cancelling, now()];
    });
    yield* sleep(10);
    victim.cancel();
    expect(yield* awaiter).toEqual([true, false, 15]);
  });
});

test('a joiner that is cancelled is not woken any more by the end of what it joined', () => {
  const woken: string[] = [];
  simulate(
    function* () {
      const target = createTask(() => sleepFor(20), { name: 'target' });
      const joiners = ['a', 'b', 'c'].map((name) =>
        createTask(
          function* () {
            try {
              yield* target;
            } finally {
              if (currentTask().cancelling) yield* sleep(100);
            }
          },
          { name },
        ),
      );
      yield* sleep(10);
      joiners[0]?.cancel();
      joiners[2]?.cancel();
      yield* sleep(20);
      expect(woken.filter((line) => line.endsWith('by target'))).toEqual(['b by target']);
      expect(joiners.map((joiner) => joiner.done)).toEqual([false, true, false]);
    },
    { instruments: [{ woken: (task, by) => woken.push(`${task} by ${by}`) }] },
  );
});

test('a hundred thousand joiners that came and were cancelled leave no memory with the task they joined', () => {
  simulate(function* () {
    const target = createTask(() => forever());
    const stays = createTask(() => thrownIn(target));
    const round = function* (): Coroutine<void> {
      const joiners = Array.from({ length: 1000 }, () => createTask(() => thrownIn(target)));
      yield* sleep(0);
      for (const joiner of joiners) joiner.cancel();
      yield* sleep(0);
    };
    for (let i = 0; i < 5; i++) yield* round();
    const before = bytesInUse();
    for (let i = 0; i < 100; i++) yield* round();
    expect(bytesInUse() - before).toBeLessThan(2 << 20);
    target.cancel();
    expect(yield* stays).toBeInstanceOf(CancelledError);
  });
});

function* forever(): Coroutine<void> {
  yield* sleep(null);
}

function* sleepFor(ms: number): Coroutine<void> {
  yield* sleep(ms);
}
