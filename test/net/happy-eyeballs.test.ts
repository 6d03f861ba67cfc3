// The race of a host's addresses: its order and pace on a virtual clock, its clean-up, and real connections.

import { expect, test } from 'vitest';
import {
  ConnectError,
  type Coroutine,
  connect,
  createTask,
  Event,
  listen,
  now,
  run,
  type Socket,
  sleep,
  sleepUntil,
  timeout,
  wait,
} from '../../src/index.ts';
import type { InternetAddress } from '../../src/native/address.ts';
import { firstToConnect, interleaved } from '../../src/net/happy-eyeballs.ts';
import { cancelEverywhere } from '../../src/testing/index.ts';
import { simulate, thrownIn } from '../kernel/helpers.ts';
import { countDescriptors } from '../support/descriptors.ts';

const to = (...hosts: string[]): InternetAddress[] => hosts.map((host) => ({ host, port: 1 }));

/** Attempts that take their time: "connects after 10" ... What happened stands in `log`, what is open in `open`. */
class Network {
  readonly log: string[] = [];
  readonly open = new Set<string>();
  readonly #after: Record<string, number>;
  readonly #refused: Record<string, number>;

  constructor(after: Record<string, number>, refused: Record<string, number> = {}) {
    this.#after = after;
    this.#refused = refused;
  }

  readonly attempt = ({ host }: InternetAddress): Coroutine<Disposable & { host: string }> => this.attempts(host);

  private *attempts(host: string): Coroutine<Disposable & { host: string }> {
    this.log.push(`${now()} ${host}`);
    this.open.add(host);
    let connected = false;
    try {
      const refusal = this.#refused[host];
      if (refusal !== undefined) {
        if (refusal > 0) yield* sleep(refusal);
        throw Object.assign(new Error(`${host} refuses`), { code: `E${host.toUpperCase()}` });
      }
      yield* sleep(this.#after[host] ?? Number.POSITIVE_INFINITY);
      connected = true;
      return { host, [Symbol.dispose]: () => this.open.delete(host) };
    } finally {
      if (!connected) {
        this.open.delete(host);
        this.log.push(`${now()} ${host} ends`);
      }
    }
  }

  race(hosts: string[], delay = 250): Coroutine<Disposable & { host: string }> {
    return firstToConnect(to(...hosts), delay, 'example:1', this.attempt);
  }
}

test('families take turns, each in its own order, the family of the first before the other', () => {
  const order = (...hosts: string[]) => interleaved(to(...hosts)).map(({ host }) => host);
  expect(order('::1', '::2', '::3', '1.1.1.1', '2.2.2.2')).toEqual(['::1', '1.1.1.1', '::2', '2.2.2.2', '::3']);
  expect(order('1.1.1.1', '::1', '2.2.2.2')).toEqual(['1.1.1.1', '::1', '2.2.2.2']);
  expect(order('1.1.1.1', '2.2.2.2')).toEqual(['1.1.1.1', '2.2.2.2']);
  expect(order()).toEqual([]);
});

test('the first address that connects in its time is the only one that is tried', () => {
  const network = new Network({ a: 249, b: 1 });
  const winner = simulate(() => network.race(['a', 'b']));
  expect(winner.host).toBe('a');
  expect(network.log).toEqual(['0 a']);
  expect([...network.open]).toEqual(['a']);
});

test('the next address is tried after the delay, while the one before goes on; the first connection wins', () => {
  const network = new Network({ b: 400, c: 100 });
  expect(simulate(() => network.race(['a', 'b', 'c', 'd'])).host).toBe('c');
  expect(network.log).toEqual(['0 a', '250 b', '500 c', '600 a ends', '600 b ends']);
  expect([...network.open]).toEqual(['c']);

  const slow = new Network({ a: 300, b: 100 });
  expect(simulate(() => slow.race(['a', 'b'])).host).toBe('a');
  expect(slow.log).toEqual(['0 a', '250 b', '300 b ends']);
});

test('a failure starts the next address at once, whichever it is', () => {
  const network = new Network({ d: 10 }, { a: 0, b: 30, c: 300 });
  expect(simulate(() => network.race(['a', 'b', 'c', 'd'])).host).toBe('d');
  expect(network.log).toEqual(['0 a', '0 a ends', '0 b', '30 b ends', '30 c', '280 d', '290 c ends']);
});

test('attemptDelay sets the pace', () => {
  const network = new Network({ c: 1 });
  simulate(() => network.race(['a', 'b', 'c'], 20));
  expect(network.log).toEqual(['0 a', '20 b', '40 c', '41 a ends', '41 b ends']);
});

test('after the last address it waits for those that are under way', () => {
  const network = new Network({ a: 5000 }, { b: 10 });
  expect(simulate(() => network.race(['a', 'b'])).host).toBe('a');
  expect(network.log).toEqual(['0 a', '250 b', '260 b ends']);
});

test('when all fail, one error has the error of each and the code of the first', () => {
  const network = new Network({}, { a: 500, b: 100, c: 0 });
  const error = simulate(() => thrownIn(network.race(['a', 'b', 'c']))) as ConnectError;
  expect(error).toBeInstanceOf(ConnectError);
  expect(error).toBeInstanceOf(AggregateError);
  expect(error.code).toBe('EB'); // the first that failed
  expect(error.errors.map(({ code }) => code)).toEqual(['EB', 'EC', 'EA']);
  expect(error.message).toBe('connect to example:1 has failed at all its addresses: b refuses; c refuses; a refuses');
  expect(network.open.size).toBe(0);
});

test('two that connect in the same turn: one is given, the other closed; two that fail: both are told', () => {
  const both = new Network({ a: 250, b: 0.001 });
  const winner = simulate(() => both.race(['a', 'b'], 249.999));
  expect([...both.open]).toEqual([winner.host]);
  const none = new Network({}, { a: 250, b: 50 });
  const error = simulate(() => thrownIn(none.race(['a', 'b'], 200))) as ConnectError;
  expect(error.errors.length).toBe(2);
  const mixed = new Network({ a: 250 }, { b: 50 });
  expect(simulate(() => mixed.race(['a', 'b'], 200)).host).toBe('a'); // and the failure is nobody's concern
  const other = new Network({ b: 50 }, { a: 250 });
  expect(simulate(() => other.race(['a', 'b'], 200)).host).toBe('b');
});

test('one that connects just when another has won is closed', () => {
  simulate(function* () {
    const open = new Set<string>();
    const established = new Event();
    const attempt = function* ({ host }: InternetAddress) {
      if (host === 'a') yield* sleepUntil(10);
      else yield* established.wait();
      open.add(host);
      return { host, [Symbol.dispose]: () => open.delete(host) };
    };
    // Its step comes after the end of "a" and before the race has heard of that.
    createTask(function* () {
      yield* sleep(1);
      yield* sleepUntil(10);
      established.set();
    });
    const { host } = yield* firstToConnect(to('a', 'b'), 0, 'example:1', attempt);
    expect([...open]).toEqual(['a']);
    yield* sleep(1);
    expect([host, ...open]).toEqual(['a', 'a']);
  });
});

test('a delay of 0 tries all at once, and then waits without spinning', () => {
  const network = new Network({ b: 1000 });
  let waits = 0;
  simulate(() => network.race(['a', 'b', 'c'], 0), { instruments: [{ selectEnd: () => waits++ }] });
  expect(network.log.slice(0, 3)).toEqual(['0 a', '0 b', '0 c']);
  expect(waits).toBeLessThan(20);
});

test('S82: cancelled anywhere, a race leaves nothing open', () => {
  for (const [after, refused] of [
    [{ a: 300, b: 40, c: 10 }, {}],
    [{ c: 10 }, { a: 0, b: 0 }],
    [{ a: 250, b: 50, c: 0.5 }, {}],
    [{}, { a: 10, b: 10, c: 10 }],
  ] as Record<string, number>[][]) {
    cancelEverywhere(
      function* (victim) {
        const network = new Network(after as Record<string, number>, refused);
        let left: string[] = [];
        const task = victim(function* () {
          let given = false;
          try {
            const connection = yield* network.race(['a', 'b', 'c'], 200);
            given = true;
            return connection;
          } finally {
            if (!given) left = [...network.open];
          }
        });
        yield* wait([task]);
        if (task.state === 'returned') task.result()[Symbol.dispose]();
        else if (task.state === 'failed') expect(task.exception()).toBeInstanceOf(ConnectError);
        if (task.state === 'returned') yield* sleep(0); // the losers end in the turn after
        expect([...network.open, ...left]).toEqual([]);
      },
      { twice: true },
    );
  }
});

test("'localhost' is both loopback addresses: whichever listens is reached", () => {
  const before = countDescriptors();
  run(function* () {
    for (const host of ['127.0.0.1', '::1']) {
      using listener = listen({ host, port: 0 });
      using client = yield* connect({ host: 'localhost', port: listener.address.port });
      expect(client.remoteAddress).toEqual(listener.address);
    }
    using both = listen({ port: 0 });
    using client = yield* connect({ host: 'localhost', port: both.address.port });
    expect(client.remoteAddress?.host).toBe('127.0.0.1'); // where listen({ host: 'localhost' }) is
    using named = listen({ host: 'localhost', port: 0 });
    expect(named.address.host).toBe('127.0.0.1');
  });
  expect(countDescriptors()).toBe(before);
});

test('H26: when all addresses refuse, the error names each, and no descriptor is left', () => {
  run(function* () {
    const listener = listen({ port: 0 });
    const { port } = listener.address;
    listener.close();
    const before = countDescriptors();
    const error = (yield* thrownIn(connect({ host: 'localhost', port }))) as ConnectError;
    expect(error).toBeInstanceOf(ConnectError);
    expect(error.code).toBe('ECONNREFUSED');
    expect(error.message).toContain(`connect to 127.0.0.1:${port}: ECONNREFUSED`);
    expect(error.message).toContain(`connect to [::1]:${port}: ECONNREFUSED`);
    expect(countDescriptors()).toBe(before);
  });
});

test('H26: an address that does not answer holds nobody up: the next wins, the silent one is closed', () => {
  run(function* () {
    using silent = listen({ host: '127.0.0.1', port: 0 }, { backlog: 0 });
    const { port } = silent.address;
    using other = listen({ host: '::1', port }, { ipv6Only: true });
    const filled: Socket[] = [];
    const fillers = Array.from({ length: 6 }, () =>
      createTask(function* () {
        filled.push(yield* connect(silent.address));
      }),
    );
    yield* sleep(50);
    for (const filler of fillers) filler.cancel();
    yield* sleep(0);
    yield* sleep(0);
    const before = countDescriptors();
    using client = yield* timeout(5000, () => connect({ host: 'localhost', port }, { attemptDelay: 10 }));
    expect(client.remoteAddress?.host).toBe('::1');
    yield* sleep(0);
    expect(countDescriptors()).toBe(before + 1);
    using server = yield* timeout(5000, () => other.accept());
    yield* server.sendAll(Buffer.from('hello'));
    expect((yield* client.recv(10)).toString()).toBe('hello');

    const late = createTask(() => connect({ host: 'localhost', port }, { attemptDelay: Number.POSITIVE_INFINITY }));
    yield* sleep(20);
    expect(late.done).toBe(false); // it waits for the silent one alone
    late.cancel();
    yield* sleep(0);
    yield* sleep(0);
    yield* sleep(0);
    expect(late.cancelled).toBe(true);
    for (const socket of filled) socket.close();
  });
});
