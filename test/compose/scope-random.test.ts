// Random trees of scopes, clean-up and waits, with deadlines that often meet in one turn. Whatever happens, no coroutine
// goes on after one it awaited was told to end, and a scope that took a cancel keeps it from those around it.

import { expect, test } from 'vitest';
import { moveOnAfter, timeout } from '../../src/compose/timeout.ts';
import { callLater } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { TimeoutError } from '../../src/kernel/errors.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { CancelScope } from '../../src/kernel/scope.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { seeded, simulate } from '../kernel/helpers.ts';

const KINDS = ['plain', 'plain', 'timeout', 'moveOn', 'scope'] as const;

interface Node {
  kind: (typeof KINDS)[number];
  ms: number;
  waits: number[];
  children: Node[];
  cleanUp: Node | number | null;
}

function grow(random: (n: number) => number, depth: number): Node {
  const children = Array.from({ length: depth === 0 ? 0 : random(3) }, () => grow(random, depth - 1));
  const cleanUp = random(3) === 0 ? (depth > 0 ? grow(random, depth - 1) : random(4)) : null;
  const waits = Array.from({ length: random(3) }, () => random(4));
  return { kind: KINDS[random(KINDS.length)] as Node['kind'], ms: random(8), waits, children, cleanUp };
}

/** What became of one coroutine: 'returning' if a return() ended it. */
interface Fate {
  state: 'running' | 'ended' | 'threw' | 'returning';
}

class Program {
  readonly wrong: string[] = [];
  entered = 0;
  left = 0;
  absorbed = 0;

  *run(node: Node): Coroutine<Fate> {
    const fate: Fate = { state: 'running' };
    yield* this.coroutine(node, fate);
    return fate;
  }

  *coroutine(node: Node, fate: Fate): Coroutine<void> {
    this.entered++;
    try {
      const inner: Fate = { state: 'running' };
      const body = () => this.body(node, inner);
      if (node.kind === 'plain') {
        yield* body();
        if (inner.state !== 'ended') this.wrong.push(`went on after a coroutine that is ${inner.state}`);
      } else {
        const cut = yield* this.scoped(node, body);
        if (cut) this.absorbed++;
        if (!cut && inner.state !== 'ended') this.wrong.push(`a scope swallowed a ${inner.state} body`);
      }
      fate.state = 'ended';
    } catch (error) {
      fate.state = 'threw';
      throw error;
    } finally {
      if (fate.state === 'running') fate.state = 'returning';
      this.left++;
    }
  }

  *scoped(node: Node, body: () => Coroutine<void>): Coroutine<boolean> {
    if (node.kind === 'timeout') {
      try {
        yield* timeout(node.ms, body);
        return false;
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        return true;
      }
    }
    if (node.kind === 'moveOn') {
      let ended = false;
      yield* moveOnAfter(node.ms, function* () {
        yield* body();
        ended = true;
      });
      return !ended;
    }
    const scope = new CancelScope();
    const timer = callLater(node.ms, () => scope.cancel());
    try {
      yield* scope.run(body);
    } finally {
      timer.cancel();
    }
    return scope.cancelled;
  }

  *body(node: Node, fate: Fate): Coroutine<void> {
    this.entered++;
    try {
      for (const ms of node.waits) yield* sleep(ms);
      for (const child of node.children) {
        const { state } = yield* this.run(child);
        if (state !== 'ended') this.wrong.push(`went on after a child that is ${state}`);
      }
      fate.state = 'ended';
    } finally {
      if (fate.state === 'running') fate.state = 'returning';
      try {
        if (typeof node.cleanUp === 'number') yield* sleep(node.cleanUp);
        else if (node.cleanUp !== null) yield* this.run(node.cleanUp);
      } finally {
        this.left++;
      }
    }
  }
}

test.each([0, 1, 2])('S40: random trees of scopes, with %i cancels from outside', (cancels) => {
  let absorbed = 0;
  let cancelled = 0;
  for (let seed = 1; seed <= 1500; seed++) {
    const random = seeded(seed * 3 + cancels);
    const root = grow(random, 4);
    const at = Array.from({ length: cancels }, () => random(12));
    const program = new Program();
    simulate(function* () {
      const task = createTask(() => program.run(root));
      for (const ms of at) callLater(ms, () => task.cancel());
      yield* sleep(10_000);
      const { kernel } = task;
      expect(program.wrong, `seed ${seed}`).toEqual([]);
      expect([program.left, kernel.timers.size, kernel.cancellations.size], `seed ${seed}`).toEqual([
        program.entered,
        0,
        0,
      ]);
      if (cancels === 0) expect(task.state, `seed ${seed}`).toBe('returned');
      else expect(['returned', 'cancelled'], `seed ${seed}`).toContain(task.state);
      if (task.cancelled) cancelled++;
    });
    absorbed += program.absorbed;
  }
  expect(absorbed).toBeGreaterThan(500);
  if (cancels > 0) expect(cancelled).toBeGreaterThan(300);
});
