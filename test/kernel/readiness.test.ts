// What a row makes of a descriptor's flags, and who is woken.

import { expect, test } from 'vitest';
import { createTask } from '../../src/kernel/create-task.ts';
import { BusyError, ClosedError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import type { Readiness } from '../../src/kernel/readiness.ts';
import { EDGE, ERROR, HANGUP, PRIORITY, READ, READ_HANGUP, WRITE } from '../../src/kernel/selector-port.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { FakeSelector } from '../../src/testing/fake-selector.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { open, receive, simulate, thrownIn, world } from './helpers.ts';

test.each([
  ['READ', READ, true, false, false],
  ['WRITE', WRITE, false, true, false],
  ['READ and WRITE', READ | WRITE, true, true, false],
  ['PRIORITY', PRIORITY, true, false, true],
  ['READ and READ_HANGUP', READ | READ_HANGUP, true, false, true],
  ['ERROR', ERROR, true, true, true],
  ['HANGUP', HANGUP, true, true, true],
])('a row with %s', (_, events, readable, writable, readToEnd) => {
  const { clock, selector } = world();
  simulate(
    function* () {
      const source = open(3, READ | WRITE);
      selector.signal(3, events);
      yield* sleep(0);
      expect([source.readable, source.writable, source.readToEnd]).toEqual([readable, writable, readToEnd]);
    },
    { clock, selector },
  );
});

test('a reader and a writer wait on the same descriptor, and each is woken by its own events', () => {
  const { clock, selector } = world();
  const log: unknown[] = [];
  simulate(
    function* () {
      const source = open(3, READ | WRITE);
      createTask(function* () {
        log.push(yield* receive(source), now());
      });
      createTask(function* () {
        yield* source.whenWritable(source);
        log.push('writable', now());
      });
      selector.signalAt(5, 3, WRITE);
      selector.signalAt(10, 3, READ);
      yield* sleep(20);
      expect([source.reader, source.writer, source.readable, source.writable]).toEqual([null, null, false, true]);
    },
    { clock, selector },
  );
  expect(log).toEqual(['writable', 5, 'data', 10]);
});

test('readiness that came before the first wait costs none', () => {
  const { clock, selector } = world();
  simulate(
    function* () {
      const source = open(3);
      selector.signal(3, READ);
      yield* sleep(0);
      const waits = selector.waits.length;
      expect(yield* receive(source)).toBe('data');
      expect(selector.waits.length).toBe(waits);
    },
    { clock, selector },
  );
});

test('a second reader gets a BusyError that names the first and the fd; the first is not disturbed', () => {
  const { clock, selector } = world();
  simulate(
    function* () {
      const source = open(3, READ | WRITE);
      const first = createTask(() => once(source), { name: 'first' });
      yield* sleep(0);
      const error = yield* thrownIn(receive(source));
      expect(error).toBeInstanceOf(BusyError);
      expect(error.message).toMatch(/first.*fd 3/);
      const writer = createTask(() => writableOnce(source), { name: 'writer' });
      yield* sleep(0);
      expect((yield* thrownIn(source.whenWritable(source))).message).toMatch(/writer.*fd 3/);
      selector.signal(3, READ | WRITE);
      expect(yield* first).toBe('data');
      yield* writer;
    },
    { clock, selector },
  );
});

test('a cancelled reader or writer leaves its side to the next one', () => {
  const { clock, selector } = world();
  simulate(
    function* () {
      const source = open(3, READ | WRITE);
      const tasks = [createTask(() => once(source)), createTask(() => writableOnce(source))];
      yield* sleep(0);
      for (const task of tasks) task.cancel();
      yield* sleep(0);
      expect([source.reader, source.writer]).toEqual([null, null]);
      selector.signalAt(5, 3, READ | WRITE);
      expect(yield* receive(source)).toBe('data');
      yield* source.whenWritable(source);
    },
    { clock, selector },
  );
});

test('remove() wakes whoever waits, who then finds it closed, and unregisters it', () => {
  simulate(function* () {
    const source = open(3, READ | WRITE);
    const { poller } = currentTask().kernel;
    const reader = createTask(() => thrownIn(receive(source)));
    yield* sleep(0);
    expect([poller.size, source.closed]).toEqual([1, false]);
    source.remove();
    expect([poller.size, source.closed]).toEqual([0, true]);
    expect(yield* reader).toBeInstanceOf(ClosedError);
    expect(yield* thrownIn(receive(source))).toBeInstanceOf(ClosedError);
  });
});

test('remove() a second time changes nothing: the next two descriptors do not share a place', () => {
  simulate(function* () {
    const source = open(3);
    const { poller } = currentTask().kernel;
    source.remove();
    source.remove();
    const next = [open(4), open(5)] as const;
    expect([poller.size, poller.owners().length, next[0].token === next[1].token]).toEqual([2, 2, false]);
    yield* sleep(0);
  });
});

test('what is still registered at the end of the run is asked to close, once', () => {
  const closed: number[] = [];
  simulate(function* () {
    const sources: Readiness[] = [];
    const add = (fd: number) => sources.push(open(fd, READ, () => closed.push(sources[fd - 3]?.remove() ?? -1)));
    for (const fd of [3, 4, 5]) add(fd);
    sources[1]?.remove();
    yield* sleep(0);
    expect(closed).toEqual([]);
  });
  expect(closed).toEqual([3, 5]);
});

class Recording extends FakeSelector {
  readonly asked: number[] = [];
  override add(fd: number, interest: number, token: number): void {
    this.asked.push(interest);
    super.add(fd, interest, token);
  }
  override modify(fd: number, interest: number, token: number): void {
    this.asked.push(interest);
    super.modify(fd, interest, token);
  }
}

function* bothWays(selector: FakeSelector): Coroutine<void> {
  const source = open(3, READ | WRITE);
  selector.signalAt(5, 3, READ);
  yield* receive(source);
  selector.signalAt(10, 3, WRITE);
  yield* source.whenWritable(source);
  selector.signalAt(15, 3, READ);
  yield* receive(source);
  source.writable = false;
  selector.signalAt(20, 3, WRITE);
  yield* source.whenWritable(source);
}

test.each([
  ['edges, dear to ask: all at once, never again', { edges: true, lazy: false }, [READ | WRITE]],
  ['edges, cheap to ask: when somebody waits first', { edges: true, lazy: true }, [0, READ, READ | WRITE]],
  ['no edges: again when it has told and somebody waits', { edges: false, lazy: false }, [READ | WRITE, READ, WRITE]],
])('what a selector is asked for (%s)', (_, kind, expected) => {
  const clock = new VirtualClock();
  const selector = Object.assign(new Recording(clock), kind) as Recording;
  simulate(() => bothWays(selector), { clock, selector });
  expect(selector.asked).toEqual(expected.map((interest) => interest | EDGE));
});

test('with edges nothing is armed again', () => {
  const { clock, selector } = world();
  selector.modify = () => expect.fail('modify() was called');
  simulate(
    function* () {
      const source = open(3);
      for (let i = 1; i < 4; i++) {
        selector.signalAt(i, 3, READ);
        yield* receive(source);
      }
    },
    { clock, selector },
  );
});

function* once(source: Readiness): Coroutine<string> {
  return yield* receive(source);
}

function* writableOnce(source: Readiness): Coroutine<void> {
  yield* source.whenWritable(source);
}
