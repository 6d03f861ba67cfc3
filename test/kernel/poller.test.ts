// The table from the token of a row to the descriptor it is about.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { ClosedError } from '../../src/kernel/errors.ts';
import { here } from '../../src/kernel/here.ts';
import type { Poller } from '../../src/kernel/poller.ts';
import type { Readiness } from '../../src/kernel/readiness.ts';
import { ERROR, READ, ROWS_BEGIN } from '../../src/kernel/selector-port.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { Crank, open, receive, simulate, thrownBy, thrownIn, world } from './helpers.ts';

/** Calls `body` as if the crank's kernel were running. */
function inside<T>(crank: Crank, body: () => T): T {
  here.kernel = crank.kernel;
  try {
    return body();
  } finally {
    here.kernel = null;
  }
}

/** Hands the poller a batch that the test made up. */
function dispatch(crank: Crank, rows: [token: number, events: number][]): void {
  crank.selector.rows.set(
    rows.flatMap((row) => [...row, 0, 0]),
    ROWS_BEGIN,
  );
  crank.kernel.turn(rows.length);
}

test('S70: a row with the token of an earlier owner of the slot is dropped, also for the same fd', () => {
  const crank = new Crank();
  const old = inside(crank, () => open(3));
  old.remove();
  const next = inside(crank, () => open(3));
  const other = inside(crank, () => open(4));
  expect(new Set([old.token, next.token, other.token]).size).toBe(3);
  dispatch(crank, [
    [old.token, READ | ERROR],
    [other.token, READ],
  ]);
  expect([next.readable, next.readToEnd, other.readable]).toEqual([false, false, true]);
  dispatch(crank, [[next.token, READ]]);
  expect(next.readable).toBe(true);
});

test('S70: rows for a slot that is free, or that never was one, are dropped', () => {
  const crank = new Crank();
  const source = inside(crank, () => open(3));
  source.remove();
  const [readable, writable] = [source.readable, source.writable];
  source.readable = false;
  dispatch(crank, [
    [source.token, READ],
    [source.token + 77, READ],
    [2 ** 30 - 1, READ],
  ]);
  expect([source.readable, crank.kernel.poller.size]).toEqual([false, 0]);
  expect([readable, writable]).toEqual([true, true]);
});

test('S70: A closes B in the same batch, and the number is used again: the new one sees nothing of the old row', () => {
  const { clock, selector } = world();
  simulate(
    function* () {
      const [a, b] = [open(3), open(4)];
      let next: Readiness | undefined;
      createTask(function* () {
        yield* receive(a);
        b.remove();
        next = open(4);
      });
      const reader = createTask(() => thrownIn(receive(b)));
      yield* sleep(0);
      selector.signal(3, READ);
      selector.signal(4, READ);
      yield* sleep(5);
      expect(next?.readable).toBe(false);
      expect(yield* reader).toBeInstanceOf(ClosedError);
      const fresh = next as Readiness;
      selector.signalAt(10, 4, READ);
      expect([yield* receive(fresh), now()]).toEqual(['data', 10]);
    },
    { clock, selector },
  );
});

test('tokens are small positive integers, no two alike within 1024 owners of a slot, and the generation wraps', () => {
  const crank = new Crank();
  const kept = inside(crank, () => open(3));
  const tokens: number[] = [];
  for (let i = 0; i < 2 * 1024; i++) {
    const source = inside(crank, () => open(4));
    tokens.push(source.token);
    dispatch(crank, [[source.token, READ]]);
    expect([source.readable, kept.readable]).toEqual([true, false]);
    source.remove();
  }
  expect(new Set([...tokens.slice(0, 1024), kept.token]).size).toBe(1025);
  expect(tokens.slice(1024)).toEqual(tokens.slice(0, 1024));
  expect(Math.min(...tokens)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...tokens)).toBeLessThan(2 ** 30);
});

test('an fd that the selector refuses leaves the table as it was', () => {
  const crank = new Crank();
  const { poller }: { poller: Poller } = crank.kernel;
  const first = inside(crank, () => open(3));
  expect(thrownBy(() => inside(crank, () => open(3))).message).toMatch(/EEXIST/);
  expect([poller.size, poller.owners().length]).toEqual([1, 1]);
  const second = inside(crank, () => open(4));
  dispatch(crank, [[second.token, READ]]);
  expect([first.readable, second.readable, poller.size]).toEqual([false, true, 2]);
});
