// The timers: their order against a plain list, equal deadlines, cancels, and what is kept of them.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import type { Timer } from '../../src/kernel/timer.ts';
import { Timers } from '../../src/kernel/timers.ts';
import { bytesInUse, seeded, simulate } from './helpers.ts';

const MILLION = 1_000_000;
const MEGABYTE = 1 << 20;

class Note implements Timer {
  armed = false;
  readonly deadline: number;
  readonly id: number;
  readonly #fired: number[];

  constructor(deadline: number, id: number, fired: number[]) {
    this.deadline = deadline;
    this.id = id;
    this.#fired = fired;
  }

  fire(): void {
    this.#fired.push(this.id);
  }
}

// The model: the timers that are armed, in the order of creation. What is due fires by deadline, then by age.
function expireModel(model: Note[], now: number): number[] {
  const due = model.filter((timer) => timer.deadline <= now);
  for (const timer of due) model.splice(model.indexOf(timer), 1);
  return due.sort((a, b) => a.deadline - b.deadline || a.id - b.id).map((timer) => timer.id);
}

// Many equal deadlines, few, and fractions; growing, shrinking and (most cancels) sweeping all the time.
test.each([
  { seed: 1, spread: 5, cancels: 3 },
  { seed: 2, spread: 1000, cancels: 3 },
  { seed: 3, spread: 200, cancels: 12 },
  { seed: 4, spread: 100_000, cancels: 18 },
  { seed: 5, spread: 40, cancels: 0 },
])('10,000 random operations fire what a plain list says: %o', ({ seed, spread, cancels }) => {
  const random = seeded(seed);
  const timers = new Timers();
  const fired: number[] = [];
  const expected: number[] = [];
  const armed: Note[] = [];
  const gone: Note[] = [];
  let now = 0;
  let id = 0;
  for (let i = 0; i < 10_000; i++) {
    const deed = random(40);
    if (deed < 20) {
      const timer = new Note(now + random(spread) / 4 - 1, id++, fired);
      timers.add(timer, timer.deadline);
      armed.push(timer);
    } else if (deed < 20 + cancels) {
      const [timer] = armed.splice(random(armed.length), 1);
      if (timer !== undefined) {
        timers.cancel(timer);
        gone.push(timer);
      }
    } else if (deed === 38) {
      const again = gone[random(gone.length)];
      if (again !== undefined) timers.cancel(again); // fired or cancelled before: nothing happens
    } else if (deed === 39) {
      now += random(spread) / (cancels > 10 ? 40 : 4);
      gone.push(...armed.filter((timer) => timer.deadline <= now));
      expected.push(...expireModel(armed, now));
      timers.expire(now);
      expect(fired.length).toBe(expected.length);
    }
    if (timers.size !== armed.length) expect.fail(`${timers.size} timers instead of ${armed.length} after step ${i}`);
    if (i % 16 === 0) expect(timers.next()).toBe(Math.min(...armed.map((timer) => timer.deadline)));
  }
  expected.push(...expireModel(armed, Number.MAX_VALUE));
  timers.expire(Number.MAX_VALUE);
  expect(fired).toEqual(expected);
  expect([timers.size, timers.next()]).toEqual([0, Number.POSITIVE_INFINITY]);
  expect(expected.length).toBeGreaterThan(500);
});

test('a timer is armed from add() until it fires or is cancelled', () => {
  const timers = new Timers();
  const [a, b] = [new Note(1, 0, []), new Note(2, 1, [])];
  expect(a.armed).toBe(false);
  timers.add(a, a.deadline);
  timers.add(b, b.deadline);
  expect([a.armed, b.armed, timers.size]).toEqual([true, true, 2]);
  timers.cancel(b);
  timers.expire(1);
  expect([a.armed, b.armed, timers.size]).toEqual([false, false, 0]);
});

test('S5: timers with equal deadlines fire in creation order: a million of them', () => {
  const timers = new Timers();
  const fired: number[] = [];
  for (let i = 0; i < MILLION; i++) timers.add(new Note(5, i, fired), 5);
  timers.expire(4.999);
  expect(fired.length).toBe(0);
  timers.expire(5);
  expect([fired.length, timers.size]).toEqual([MILLION, 0]);
  expect(fired.findIndex((id, i) => id !== i)).toBe(-1);
});

test('S5: also when others of them were cancelled and the heap was rebuilt', () => {
  const timers = new Timers();
  const fired: number[] = [];
  const all = Array.from({ length: 3000 }, (_, i) => new Note(5 + (i % 2), i, fired));
  for (const timer of all) timers.add(timer, timer.deadline);
  for (const timer of all) if (timer.id % 3 !== 0) timers.cancel(timer);
  timers.expire(6);
  const kept = (odd: number) => all.map(({ id }) => id).filter((id) => id % 3 === 0 && id % 2 === odd);
  expect(fired).toEqual([...kept(0), ...kept(1)]);
});

test('S5: sleeps of equal length end in the order in which they began', () => {
  const log: number[] = [];
  simulate(function* () {
    const sleepers = Array.from({ length: 200 }, (_, i) =>
      createTask(function* () {
        yield* sleep(10);
        log.push(i);
      }),
    );
    for (let i = 0; i < 200; i += 3) sleepers[i]?.cancel();
    yield* sleep(20);
  });
  expect(log).toEqual(Array.from({ length: 200 }, (_, i) => i).filter((i) => i % 3 !== 0));
});

// Long runs lie in pieces: of some nothing is left, of the last one too.
test.each([
  [0, 2600],
  [700, 3000],
  [1400, 4000],
])('S9: cancelling timers %i to %i of 4,000 leaves the others in order, and those added later', (from, to) => {
  const timers = new Timers();
  const fired: number[] = [];
  const all = Array.from({ length: 4000 }, (_, i) => new Note(i, i, fired));
  for (const timer of all) timers.add(timer, timer.deadline);
  for (const timer of all.slice(from, to).reverse()) timers.cancel(timer);
  for (let i = 4000; i < 5000; i++) timers.add(new Note(i, i, fired), i);
  timers.expire(5000);
  expect(fired).toEqual([...Array(5000).keys()].filter((i) => i < from || i >= to));
});

test('a timer that has fired is not held', async () => {
  const timers = new Timers();
  const weak = (() => {
    const note = new Note(2, 1, []);
    timers.add(note, note.deadline);
    return new WeakRef(note);
  })();
  timers.add(new Note(1e9, 2, []), 1e9);
  timers.expire(3);
  await new Promise(setImmediate); // a WeakRef holds until its job is over
  bytesInUse(); // collects the garbage
  expect([weak.deref(), timers.size]).toEqual([undefined, 1]);
});

test('S10: a timer that the firing of another one cancels does not fire, though it was due in the same batch', () => {
  const timers = new Timers();
  const log: string[] = [];
  class Canceller implements Timer {
    armed = false;
    fire(): void {
      log.push('first');
      for (const victim of victims) timers.cancel(victim);
    }
  }
  const victims = Array.from({ length: 200 }, (_, i) => new Note(5, i, log as never));
  timers.add(new Canceller(), 5);
  for (const victim of victims) timers.add(victim, victim.deadline);
  timers.expire(10);
  expect([log, timers.size]).toEqual([['first'], 0]);
});

test('a timer that is added while others fire, due already, fires in the same batch', () => {
  const timers = new Timers();
  const fired: number[] = [];
  class Adder implements Timer {
    armed = false;
    fire(): void {
      timers.add(new Note(3, 1, fired), 3);
    }
  }
  timers.add(new Adder(), 5);
  timers.add(new Note(7, 2, fired), 7);
  timers.expire(10);
  expect(fired).toEqual([1, 2]);
});

test('S9: a million timers added and cancelled leave memory where it was, with one that stays', () => {
  const timers = new Timers();
  timers.add(new Note(1e9, 0, []), 1e9);
  const before = bytesInUse();
  for (let i = 0; i < MILLION; i++) {
    const timer = new Note(1000 + i, i, []);
    timers.add(timer, timer.deadline);
    timers.cancel(timer);
  }
  expect(timers.size).toBe(1);
  expect(bytesInUse() - before).toBeLessThan(4 * MEGABYTE);
});

test('S9: likewise when all of them are alive at once before they are cancelled', () => {
  const timers = new Timers();
  const before = bytesInUse();
  let all: Note[] | null = Array.from({ length: MILLION }, (_, i) => new Note(i, i, []));
  for (const timer of all) timers.add(timer, timer.deadline);
  for (const timer of all) timers.cancel(timer);
  all = null;
  expect(timers.size).toBe(0);
  expect(bytesInUse() - before).toBeLessThan(4 * MEGABYTE);
});

test('S9: a million sleeps made and cancelled leave memory where it was', () => {
  simulate(function* () {
    const forget = (): void => {};
    const round = function* (): Coroutine<void> {
      const sleepers = Array.from({ length: 10_000 }, (_, i) => createTask(() => sleepFor(1000 + i)));
      yield* sleep(0);
      for (const sleeper of sleepers) sleeper.cancel();
      yield* sleep(0);
      sleepers.forEach(forget);
    };
    for (let i = 0; i < 5; i++) yield* round();
    const before = bytesInUse();
    for (let i = 0; i < 100; i++) yield* round();
    expect(bytesInUse() - before).toBeLessThan(4 * MEGABYTE);
  });
});

function* sleepFor(ms: number): Coroutine<void> {
  yield* sleep(ms);
}
