// The ring of a channel: its protocol of sleeping and waking in every interleaving, and that nothing changes on the way.

import { expect, test } from 'vitest';
import { BYTES, CLONE, type Kind, LATIN, SharedRing, type Side, TEXT } from '../../src/threads/shared-ring.ts';

// --- the protocol: each step has one access to what is shared

interface World {
  ring: SharedRing;
  /** Bytes in the pipe that wakes this side. */
  bells: Record<Side, number>;
  got: number;
}
/** One step of one side; false if it can only wait. */
type Actor = Generator<'step' | 'blocked', void, void>;
type Order = 'right' | 'looks first' | 'wakes before it publishes';

const take = (bytes: Buffer, from: number, to: number, kind: Kind): [string, Kind] => [
  bytes.toString('latin1', from, to),
  kind,
];
const MESSAGE = new Uint8Array(40);
const MESSAGES = 2;

function* sleeping(world: World, side: Side, order: Order): Actor {
  const { ring, bells } = world;
  if (order === 'looks first') {
    const ready = ring.ready(side, MESSAGE.length);
    yield 'step';
    ring.lieDown(side);
    yield 'step';
    if (ready) {
      ring.getUp(side);
      yield 'step';
      return;
    }
  } else {
    const steps = ring.layingDown(side, MESSAGE.length);
    let step = steps.next();
    for (; !step.done; step = steps.next()) yield 'step';
    yield 'step';
    if (!step.value) {
      ring.getUp(side);
      yield 'step';
      return;
    }
  }
  while (bells[side] === 0) yield 'blocked';
  bells[side] = 0;
  yield 'step';
  ring.getUp(side);
  yield 'step';
}

function* writing(world: World, order: Order): Actor {
  const { ring, bells } = world;
  for (let i = 0; i < MESSAGES; i++) {
    for (;;) {
      if (order === 'wakes before it publishes') {
        if (ring.wakes('writer')) bells.reader++;
        yield 'step';
      }
      const done = ring.write(MESSAGE, BYTES);
      yield 'step';
      if (done) break;
      yield* sleeping(world, 'writer', order);
    }
    if (order !== 'wakes before it publishes') {
      if (ring.wakes('writer')) bells.reader++;
      yield 'step';
    }
  }
}

function* reading(world: World, order: Order): Actor {
  const { ring, bells } = world;
  while (world.got < MESSAGES) {
    const message = ring.read(take);
    yield 'step';
    if (message === null) {
      yield* sleeping(world, 'reader', order);
      continue;
    }
    world.got++;
    if (ring.wakes('reader')) bells.writer++;
    yield 'step';
  }
}

/** Runs every interleaving; gives how many there were, and how many ended with both asleep. */
function interleavings(order: Order): { runs: number; stuck: number } {
  let runs = 0;
  let stuck = 0;
  const choices: number[] = []; // of the present run; after its end the last that has another one is moved on
  do {
    const world: World = { ring: SharedRing.create(64), bells: { reader: 0, writer: 0 }, got: 0 };
    const actors = [writing(world, order), reading(world, order)];
    const over = [false, false];
    let blocked = 0; // in a row
    let last = 0;
    for (let at = 0; !(over[0] && over[1]); ) {
      const live = [0, 1].filter((each) => !over[each]);
      if (blocked >= live.length) {
        stuck++;
        break;
      }
      let who = live[0] as number;
      if (live.length === 2 && blocked === 0) {
        if (at === choices.length) choices.push(0);
        who = choices[at++] as number;
      } else if (live.length === 2) {
        who = 1 - last;
      }
      last = who;
      const { done, value } = (actors[who] as Actor).next();
      if (done) over[who] = true;
      blocked = value === 'blocked' ? blocked + 1 : 0;
    }
    runs++;
    while (choices.at(-1) === 1) choices.pop();
    if (choices.length > 0) choices[choices.length - 1] = 1;
  } while (choices.length > 0 && runs < 3_000_000 && (order === 'right' || stuck === 0));
  return { runs, stuck };
}

test('no wake is lost, in every interleaving of two threads with two messages and room for one', () => {
  const { runs, stuck } = interleavings('right');
  expect(runs).toBeGreaterThan(1000);
  expect(runs).toBeLessThan(3_000_000); // all of them
  expect(stuck).toBe(0);
}, 120_000);

test.each<Order>(['looks first', 'wakes before it publishes'])(
  '... and the checker finds the protocol that %s',
  (order) => {
    expect(interleavings(order).stuck).toBeGreaterThan(0);
  },
  120_000,
);

// --- the ring itself, access by access: what the checker above takes for one step is several

/** Runs `body`, and at its nth access to what is shared `other`, before or after it; gives whether there was such an access. */
function atAccess(nth: number, when: 'before' | 'after', other: () => void, body: () => void): boolean {
  const { load, store, exchange } = Atomics;
  let left = nth;
  const hooked = (access: (...args: never[]) => number) => {
    return (...args: never[]): number => {
      const now = left-- === 0; // so that those of `other` do not count
      if (now && when === 'before') other();
      const value = access(...args);
      if (now && when === 'after') other();
      return value;
    };
  };
  Object.assign(Atomics, { load: hooked(load), store: hooked(store), exchange: hooked(exchange) });
  try {
    body();
  } finally {
    Object.assign(Atomics, { load, store, exchange });
  }
  return left < 0;
}

/** Does it with the other side at each of its accesses; gives how many there were. */
function everyAccess(round: (during: (other: () => void, body: () => void) => void) => void): number {
  let accesses = 0;
  for (const when of ['before', 'after'] as const) {
    for (let nth = 0, found = true; found; nth++) {
      round((other, body) => {
        found = atAccess(nth, when, other, body);
      });
      if (found) accesses++;
    }
  }
  return accesses;
}

test.each<[Side, Side]>([
  ['reader', 'writer'],
  ['writer', 'reader'],
])('a %s that lies down at whatever moment of the other one finds something to do, or is woken once', (side, other) => {
  let [woken, found] = [0, 0];
  for (const interrupted of ['who lies down', 'who wakes']) {
    const accesses = everyAccess((during) => {
      const ring = SharedRing.create(64);
      if (side === 'writer') ring.write(MESSAGE, BYTES); // now there is no room for another one
      let [slept, done, bells] = [false, false, 0];
      const lieDown = (): void => {
        slept = ring.layDown(side, MESSAGE.length);
      };
      const act = (): void => {
        done = true;
        if (side === 'reader') ring.write(MESSAGE, BYTES);
        else ring.read(take);
        if (ring.wakes(other)) bells++;
      };
      if (interrupted === 'who wakes') during(lieDown, act);
      else during(act, lieDown);
      if (!done) act();
      if (slept) woken++;
      else found++;
      if (slept) expect(bells).toBe(1);
    });
    expect(accesses).toBeGreaterThan(3);
  }
  expect(Math.min(woken, found)).toBeGreaterThan(1);
});

test('a message is there whole or not at all, at whatever moment of its writing the other one looks', () => {
  for (const bytes of [Buffer.from('first message'), 'another message']) {
    const text = bytes.toString();
    let seen = 0;
    everyAccess((during) => {
      const ring = SharedRing.create(64);
      for (let i = 0; i < 3; i++) {
        ring.write(new Uint8Array(16).fill(9), CLONE); // what lies there from before
        ring.read(take);
      }
      const kind = typeof bytes === 'string' ? LATIN : BYTES;
      let got: unknown = null;
      during(
        () => {
          got = ring.read(take);
          if (got !== null) seen++;
        },
        () => {
          ring.write(bytes, kind);
        },
      );
      expect(got ?? ring.read(take)).toEqual([[text, kind]]);
      expect(ring.read(take)).toBe(null);
    });
    expect(seen).toBeGreaterThan(0);
  }
});

test('what is being read is not written over, at whatever moment of the reading the other one writes', () => {
  let written = 0;
  everyAccess((during) => {
    const ring = SharedRing.create(64);
    ring.write(new Uint8Array(60).fill(65), BYTES);
    let got: unknown = null;
    during(
      () => {
        if (ring.write(new Uint8Array(60).fill(66), BYTES)) written++;
      },
      () => {
        got = ring.read((bytes, from, to, kind) => {
          expect(ring.write(new Uint8Array(1), BYTES)).toBe(false);
          return take(bytes, from, to, kind);
        });
      },
    );
    expect(got).toEqual([['A'.repeat(60), BYTES]]);
  });
  expect(written).toBeGreaterThan(0);
});

test('who has been woken, or has got up, is woken no second time', () => {
  const ring = SharedRing.create(64);
  for (const [side, other] of [
    ['reader', 'writer'],
    ['writer', 'reader'],
  ] as const) {
    expect(ring.wakes(other)).toBe(false);
    ring.lieDown(side);
    expect([ring.waits(other), ring.wakes(side)]).toEqual([true, false]);
    expect([ring.wakes(other), ring.wakes(other)]).toEqual([true, false]);
    ring.lieDown(side);
    ring.getUp(side);
    expect(ring.wakes(other)).toBe(false);
  }
});

test('text of every size goes round the ring unchanged, across its end too, and what is not told apart is its kind', () => {
  const ring = SharedRing.create(256);
  let seed = 1;
  let [sent, got] = [0, 0];
  const message = (i: number): string => ['é', '🎉', 'a', ''][i % 4]?.repeat((i * 7) % 40) as string;
  const kinds = new Set<Kind>();
  const asText = (bytes: Buffer, from: number, to: number, kind: Kind): string => {
    kinds.add(kind);
    return bytes.toString(kind === LATIN ? 'latin1' : 'utf8', from, to);
  };
  while (got < 5000) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    const isText = sent % 3 > 0;
    if (seed & 64 && ring.write(isText ? message(sent) : Buffer.from(message(sent)), isText ? TEXT : CLONE)) sent++;
    else {
      const found = ring.read(asText);
      if (found === null) continue;
      expect(found).toEqual([message(got)]);
      got++;
    }
  }
  expect([...kinds].sort()).toEqual([TEXT, LATIN, CLONE]);
});

test('messages of every size go round the ring unchanged', () => {
  const ring = SharedRing.create(256);
  let seed = 1;
  let [sent, got] = [0, 0];
  const message = (i: number): Buffer => Buffer.alloc((i * 37) % ring.longest, i);
  while (got < 5000) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    if (seed & 64 && ring.write(message(sent), BYTES)) sent++;
    else {
      const found = ring.read(take);
      if (found !== null) expect(found[0][0]).toBe(message(got++).toString('latin1'));
    }
  }
});

test('counts that have passed 2 GiB, and 4 GiB, begin anew: as much has room, and comes, as before', () => {
  const capacity = 1 << 16;
  const ring = SharedRing.create(capacity);
  const whole = new Uint8Array(capacity - 4);
  const size = (_bytes: Buffer, from: number, to: number): number => to - from;
  const full = capacity / 64;
  let passed = 0; // so many times the ring's size
  for (const times of [2 ** 31 / capacity, 2 ** 32 / capacity]) {
    for (; passed < times - 1; passed++) if (!ring.write(whole, BYTES) || ring.read(size) === null) break;
    expect(passed).toBe(times - 1);
    // From a half before to a half behind, and once more, so that each side has seen the other one's count on either side.
    for (const messages of [full / 2, full, full / 2]) {
      for (let i = 0; i < messages; i++) if (!ring.write(whole, BYTES, 60)) expect(i).toBe(messages);
      expect([ring.crowded, ring.ready('writer', 60)]).toEqual(messages === full ? [true, false] : [false, true]);
      if (messages === full) expect(ring.write('', TEXT)).toBe(false);
      for (let i = 0; i < messages; i++) if (ring.read(size)?.[0] !== 60) expect(i).toBe(messages);
      expect([ring.read(size), ring.ready('reader', 0), ring.ready('writer', whole.length)]).toEqual([
        null,
        false,
        true,
      ]);
    }
    passed += 2;
  }
});

test('a message that nothing can be made of is an error once, and the next one comes', () => {
  const ring = SharedRing.create(64);
  for (let i = 0; i < 20; i++) {
    ring.write(new Uint8Array(20).fill(i), BYTES);
    ring.write(Uint8Array.of(i), BYTES);
    const refuse = () => {
      throw new RangeError('of the taker');
    };
    expect(() => ring.read(refuse)).toThrow('of the taker');
    expect(ring.read((bytes, from) => bytes[from])).toEqual([i]);
    expect(ring.read(take)).toBe(null);
  }
});

test('a message beyond 2 GiB is refused as any that is too long, and changes nothing', () => {
  const ring = SharedRing.create(64);
  ring.write(Uint8Array.of(1, 2, 3), BYTES);
  const zeros = new Uint8Array(100);
  for (const length of [61, 2 ** 31 - 4, 2 ** 31 + 8, 2 ** 32]) expect(ring.write(zeros, BYTES, length)).toBe(false);
  expect(ring.read(take)).toEqual([['\x01\x02\x03', BYTES]]);
  expect(ring.write(new Uint8Array(ring.longest), BYTES)).toBe(true);
});

test('who waits for a message or for so much room as there is need not sleep, and who waits for a byte more must', () => {
  const ring = SharedRing.create(64);
  expect(ring.layDown('reader', 0)).toBe(true);
  ring.write(new Uint8Array(20), BYTES);
  expect(ring.layDown('reader', 0)).toBe(false);
  expect(ring.layDown('writer', 36)).toBe(false);
  expect(ring.layDown('writer', 37)).toBe(true);
  ring.close();
  expect(ring.layDown('writer', 37)).toBe(false);
});
