// Random stacks of coroutines, cancelled at every wait, against what generator.return() does where nothing suspends.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { seeded, simulate } from './helpers.ts';

interface Frame {
  id: number;
  children: Frame[];
  helper: Frame | null; // awaited in the finally block
  catches: boolean;
  throws: boolean; // in the finally block
}

/**
 * Runs a tree of coroutines that cancels itself at its `at`th wait. With `still`, no clean-up suspends: then
 * generator.return() does it all by itself, and that is what the other way has to look like as well.
 */
function trace(root: Frame, at: number, still: boolean): { log: string[]; waits: number } {
  const log: string[] = [];
  let waits = 0;
  function* wait(): Coroutine<void> {
    if (currentTask().cancelling) {
      if (!still) yield* sleep(waits % 2);
      return;
    }
    if (++waits === at) currentTask().cancel();
    yield* sleep(waits % 2);
  }
  function* run(frame: Frame): Coroutine<void> {
    log.push(`enter ${frame.id}`);
    try {
      yield* wait();
      for (const child of frame.children) yield* run(child);
      yield* wait();
      log.push(`through ${frame.id}`);
    } catch (error) {
      log.push(`${frame.id} catches ${(error as Error).message}`);
      if (!frame.catches) throw error;
      yield* wait();
    } finally {
      log.push(`finally ${frame.id}`);
      yield* wait();
      if (frame.helper !== null) yield* run(frame.helper);
      log.push(`left ${frame.id}`);
      // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
      if (frame.throws) throw new Error(`of ${frame.id}`);
    }
    log.push(`end ${frame.id}`);
  }
  simulate(
    function* () {
      const task = createTask(() => run(root));
      yield* sleep(1000);
      log.push(task.state, task.state === 'failed' ? String(task.exception()) : '');
    },
    { onUnhandled: () => {} },
  );
  return { log, waits };
}

function grow(random: (n: number) => number, depth: number, count: { n: number }): Frame {
  const id = count.n++;
  const children = Array.from({ length: depth === 0 ? 0 : random(3) }, () => grow(random, depth - 1, count));
  const helper = depth > 0 && random(4) === 0 ? grow(random, 1, count) : null;
  return { id, children, helper, catches: random(2) === 0, throws: random(8) === 0 };
}

test('S19: clean-up that suspends comes to the same as clean-up that does not: 200 random stacks, at each wait', () => {
  let cancelled = 0;
  let suspensions = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const root = grow(seeded(seed), 4, { n: 0 });
    const { waits } = trace(root, 0, true);
    for (let at = 1; at <= Math.min(waits, 40); at++) {
      const [expected, got] = [trace(root, at, true), trace(root, at, false)];
      expect(got.log, `seed ${seed}, cancelled at wait ${at}`).toEqual(expected.log);
      if (got.log.includes('cancelled')) cancelled++;
      suspensions++;
    }
  }
  expect(cancelled).toBeGreaterThan(500);
  expect(suspensions).toBeGreaterThan(cancelled);
});
