// The kit finds planted bugs: each program passes with the right lock, queue or condition and fails with each mutant, and
// the replay that the error gives fails in the same way.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { cancelEverywhere, type Victim } from '../../src/testing/cancel-everywhere.ts';
import { explore } from '../../src/testing/explore.ts';
import { thrownBy } from '../kernel/helpers.ts';
import { ForgetsLock, GivesUpLock, LosesNotification, RightCondition } from './mutants/condition.ts';
import { ForgetsOthers, LetsBarge, LosesHandOff, RightLock } from './mutants/lock.ts';
import { DropsItem, GivesUndefined, LeavesNobody, RightQueue } from './mutants/queue.ts';
import { ended, replayOf } from './programs.ts';

/** Programs for cancelEverywhere(). */
const cancelled = {
  *lock(lock: RightLock, victim: Victim): Coroutine<void> {
    const line = new Line(lock);
    lock.tryAcquire();
    const first = victim(() => line.use('first', 0, 1));
    const second = createTask(() => line.use('second', 0, 1));
    yield* sleep(0);
    lock.release();
    yield* ended(first, second);
    line.check('second');
  },

  *queue(queue: RightQueue<number>, victim: Victim): Coroutine<void> {
    const taken: number[] = [];
    const getters = [victim(() => takeAll(queue, taken)), createTask(() => takeAll(queue, taken))];
    for (let item = 1; item <= 3; item++) {
      yield* sleep(0);
      queue.put(item);
    }
    yield* sleep(10);
    for (const getter of getters) getter.cancel();
    yield* ended(...getters);
    expect([...taken, ...queue.items].sort()).toEqual([1, 2, 3]);
  },

  *condition(condition: RightCondition, victim: Victim): Coroutine<void> {
    const told: string[] = [];
    const first = victim(() => follow(condition, told), { name: 'first' });
    const second = createTask(() => follow(condition, told), { name: 'second' });
    for (let i = 0; i < 2; i++) {
      yield* sleep(1);
      yield* tell(condition);
    }
    yield* ended(first, second);
    expect([condition.lock.owner, told]).toEqual([null, expect.arrayContaining(['second'])]);
  },
};

/** Programs for explore(): in the kernel's own order they pass with the mutants as well. */
const reordered = {
  *lock(lock: RightLock): Coroutine<void> {
    const line = new Line(lock);
    const c = createTask(() => line.use('c', 2, 0));
    const a = createTask(() => line.use('a', 0, 2));
    const b = createTask(() => line.use('b', 1, 0));
    const d = createTask(() => line.use('d', 1, 0));
    for (let i = 0; i < 2; i++) yield* sleep(1); // so that its timer for 2 ms comes last
    b.cancel();
    yield* ended(a, b, c, d);
    line.check('a', 'c', 'd');
  },

  *queue(queue: RightQueue<number>): Coroutine<void> {
    const taken: number[] = [];
    const getter = createTask(() => takeAll(queue, taken));
    const late = createTask(function* () {
      yield* sleep(1);
      yield* takeAll(queue, taken);
    });
    const canceller = createTask(function* () {
      for (let i = 0; i < 2; i++) yield* sleep(0.5);
      getter.cancel();
    });
    for (let i = 0; i < 2; i++) yield* sleep(0.5); // so that its timer for 1 ms comes after that of the late one
    queue.put(1);
    yield* sleep(0);
    queue.put(2);
    yield* sleep(10);
    late.cancel();
    yield* ended(getter, late, canceller);
    expect([...taken, ...queue.items].sort()).toEqual([1, 2]);
  },

  *condition(condition: RightCondition): Coroutine<void> {
    const told: string[] = [];
    const first = createTask(() => follow(condition, told), { name: 'first' });
    yield* sleep(1);
    const second = createTask(() => follow(condition, told), { name: 'second' });
    yield* sleep(1);
    const teller = createTask(() => tell(condition));
    const canceller = createTask(function* () {
      first.cancel();
      yield* sleep(0);
      first.cancel();
    });
    yield* ended(first, teller, canceller);
    if (told.length === 0)
      yield* ended(second); // what first did not follow is for second
    else yield* tell(condition);
    yield* ended(second);
    expect(condition.lock.owner).toBe(null);
  },
};

/** Who wants a lock, and who got it. */
class Line {
  readonly came: string[] = [];
  readonly entered: string[] = [];
  readonly #lock: RightLock;
  constructor(lock: RightLock) {
    this.#lock = lock;
  }

  *use(name: string, from: number, ms: number): Coroutine<void> {
    if (from > 0) yield* sleep(from);
    this.came.push(name);
    yield* this.#lock.acquire();
    expect(this.#lock.owner).toBe(currentTask());
    this.entered.push(name);
    try {
      yield* sleep(ms);
    } finally {
      this.#lock.release();
    }
  }

  /** First come, first served; and these at least had it. */
  check(...names: string[]): void {
    expect(this.#lock.owner).toBe(null);
    expect(this.entered).toEqual(this.came.filter((name) => this.entered.includes(name)));
    expect(this.entered).toEqual(expect.arrayContaining(names));
  }
}

function* takeAll(queue: RightQueue<number>, taken: number[]): Coroutine<void> {
  try {
    for (;;) taken.push(yield* queue.get());
  } finally {
    yield* sleep(1); // a clean-up that takes a while
  }
}

function* follow(condition: RightCondition, told: string[]): Coroutine<void> {
  const { lock } = condition;
  yield* lock.acquire();
  try {
    yield* condition.wait();
    told.push(currentTask().name);
  } finally {
    expect(lock.owner).toBe(currentTask());
    lock.release();
  }
}

function* tell(condition: RightCondition): Coroutine<void> {
  yield* condition.lock.acquire();
  condition.notify();
  yield* sleep(1);
  condition.lock.release();
}

type Kind = keyof typeof cancelled;

function findByCancel(kind: Kind, Made: new () => unknown, replay?: string): number {
  const program = cancelled[kind] as (made: unknown, victim: Victim) => Coroutine<void>;
  return cancelEverywhere((victim) => program(new Made(), victim), { ...(replay === undefined ? {} : { replay }) });
}

function findByOrder(kind: Kind, Made: new () => unknown, options = {}): ReturnType<typeof explore> {
  const program = reordered[kind] as (made: unknown) => Coroutine<void>;
  return explore(() => program(new Made()), options);
}

const right: [Kind, new () => unknown][] = [
  ['lock', RightLock],
  ['queue', RightQueue],
  ['condition', RightCondition],
];

test.each(right)('S82: the right %s passes every cancel and every order', (kind, Made) => {
  expect(findByCancel(kind, Made)).toBeGreaterThan(3);
  const { runs, exhaustive } = findByOrder(kind, Made, { maxRuns: 20_000 });
  expect([runs > 1, exhaustive]).toEqual([true, true]);
});

const foundByCancel: [string, Kind, new () => unknown, string][] = [
  ['a lock that loses its hand-off', 'lock', LosesHandOff, 'victim parked 1'],
  ['a lock that forgets the others', 'lock', ForgetsOthers, 'victim parked 1'],
  ['a queue that drops an item', 'queue', DropsItem, 'victim parked 1'],
  ['a queue that hands items to who has left', 'queue', LeavesNobody, 'victim parked 2'],
  ['a condition that forgets the lock', 'condition', ForgetsLock, 'victim parked 1'],
  ['a condition that gives up the lock', 'condition', GivesUpLock, 'victim parked 2'],
];

test.each(foundByCancel)(
  'S82: cancelEverywhere() finds %s, and the replay finds it again',
  (_, kind, Mutant, replay) => {
    const error = thrownBy(() => findByCancel(kind, Mutant));
    expect(replayOf(error)).toEqual({ replay });
    expect(thrownBy(() => findByCancel(kind, Mutant, replay)).message).toBe(error.message);
  },
);

const foundByOrder: [string, Kind, new () => unknown, string][] = [
  ['a lock that loses its hand-off', 'lock', LosesHandOff, '0.0.0.0.0.0.1'],
  ['a lock that forgets the others', 'lock', ForgetsOthers, '0.0.0.0.0.0.1'],
  ['a lock that lets others barge in', 'lock', LetsBarge, '0.0.0.0.0.1'],
  ['a queue that drops an item', 'queue', DropsItem, '0.0.0.0.1'],
  ['a queue whose items may be stolen', 'queue', GivesUndefined, '0.0.0.1'],
  ['a condition that loses a notification', 'condition', LosesNotification, '1'],
];

test.each(foundByOrder)('S82: explore() finds %s, and the replay finds it again', (_, kind, Mutant, replay) => {
  findByOrder(kind, Mutant, { replay: '0' }); // the kernel's own order does not find it
  const error = thrownBy(() => findByOrder(kind, Mutant));
  expect(replayOf(error)).toEqual({ replay });
  expect(thrownBy(() => findByOrder(kind, Mutant, { replay })).message).toBe(error.message);
});

test.each(foundByOrder)('S82: random orders find %s, and the seed finds it again', (_, kind, Mutant) => {
  const error = thrownBy(() => findByOrder(kind, Mutant, { seed: 1 }));
  expect(thrownBy(() => findByOrder(kind, Mutant, replayOf(error))).message).toBe(error.message);
});
