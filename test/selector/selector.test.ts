// The public Selector on every mechanism this machine has: the conformance that a student's program relies on.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { READ, Selector, type SelectorKey, syscalls, WRITE } from '../../src/index.ts';
import { addon } from '../../src/native/addon.ts';
import { countDescriptors } from '../support/descriptors.ts';

/** Two connected sockets without a loop. */
function pair(): [number, number] {
  const { fd, address } = syscalls.listen({ port: 0 });
  const [a] = addon.connectTcp(address.host, address.port);
  let b = syscalls.accept(fd);
  while (b === null) b = syscalls.accept(fd);
  syscalls.close(fd);
  return [a, b];
}

function code(call: () => unknown): unknown {
  try {
    call();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

const fds = (ready: [SelectorKey, number][]): number[] => ready.map(([key]) => key.fd).sort((a, b) => a - b);

describe.each([...Selector.available])('%s', (name) => {
  test('register, select, modify, unregister: readiness is reported until it is used up', () => {
    using selector = new Selector<string>(name);
    const [a, b] = pair();
    const key = selector.register(a, READ, 'a');
    expect(key).toEqual({ fd: a, events: READ, data: 'a' });
    expect(selector.select(0)).toEqual([]);
    syscalls.send(b, Buffer.from('x'));
    expect(selector.select(1000)).toEqual([[key, READ]]);
    expect(selector.select(0)).toEqual([[key, READ]]); // level-triggered
    const both = selector.modify(a, READ | WRITE, 'both');
    expect(selector.select(0)).toEqual([[both, READ | WRITE]]);
    syscalls.recv(a, Buffer.alloc(10));
    expect(selector.select(0)).toEqual([[both, WRITE]]);
    expect(selector.getKey(a)).toBe(both);
    expect([...selector.getMap().keys()]).toEqual([a]);
    expect(selector.unregister(a)).toBe(both);
    expect(selector.select(0)).toEqual([]);
    syscalls.close(a);
    syscalls.close(b);
  });

  test('H4: double registration, unknown and closed descriptors give the same codes everywhere', () => {
    using selector = new Selector(name);
    const [a, b] = pair();
    selector.register(a, READ);
    expect(code(() => selector.register(a, WRITE))).toBe('EEXIST');
    expect(code(() => selector.modify(b, READ))).toBe('ENOENT');
    expect(code(() => selector.unregister(b))).toBe('ENOENT');
    expect(code(() => selector.getKey(b))).toBe('ENOENT');
    syscalls.close(b);
    expect(code(() => selector.register(b, READ))).toBe('EBADF');
    expect(code(() => selector.register(-1, READ))).toBe('EBADF');
    expect(code(() => selector.register(2 ** 31, READ))).toBe('EBADF');
    for (const wrong of ['1', 1.5, Number.NaN, null, undefined]) {
      expect(code(() => selector.register(wrong as never, READ))).toBe('ERR_COREACTOR_ARGUMENT');
    }
    for (const wrong of [0, 4, -1, READ | 8, 'READ', undefined]) {
      expect(code(() => selector.register(a, wrong as never))).toBe('ERR_COREACTOR_RANGE');
    }
    syscalls.close(a);
    expect(selector.unregister(a).fd).toBe(a); // H5: after close too
  });

  test('H7: a regular file, a directory and /dev/null are refused with EPERM', () => {
    using selector = new Selector(name);
    for (const path of ['package.json', '.', '/dev/null']) {
      const fd = openSync(path, 'r');
      expect(code(() => selector.register(fd, READ))).toBe('EPERM');
      closeSync(fd);
    }
  });

  test('S8: timeouts: negative looks only, NaN and strings are refused, null waits until wake()', () => {
    using selector = new Selector(name);
    expect(selector.select(-5)).toEqual([]);
    expect(code(() => selector.select(Number.NaN))).toBe('ERR_COREACTOR_RANGE');
    expect(code(() => selector.select('1' as never))).toBe('ERR_COREACTOR_ARGUMENT');
    selector.wake();
    selector.wake();
    expect(selector.select(null)).toEqual([]);
    selector.wake();
    expect(selector.select(Number.POSITIVE_INFINITY)).toEqual([]);
    selector.wake();
    expect(selector.select(1e300)).toEqual([]);
    const begin = performance.now();
    expect(selector.select(5)).toEqual([]); // with nothing registered the time is kept all the same
    expect(performance.now() - begin).toBeGreaterThanOrEqual(5);
  });

  test('use after close: the same error from every method, close twice is fine, no descriptor stays', () => {
    const before = countDescriptors();
    const selector = new Selector(name);
    selector.close();
    selector.close();
    expect(countDescriptors()).toBe(before);
    const calls: (() => unknown)[] = [
      () => selector.register(0, READ),
      () => selector.modify(0, READ),
      () => selector.unregister(0),
      () => selector.select(0),
      () => selector.getKey(0),
      () => selector.getMap(),
      () => selector.wake(),
    ];
    for (const call of calls) expect(code(call)).toBe('ERR_COREACTOR_CLOSED');
  });

  test('S70: a row of a descriptor that was unregistered and taken again goes to nobody', () => {
    using selector = new Selector<string>(name);
    const [a, b] = pair();
    const [c, d] = pair();
    selector.register(a, READ, 'a');
    selector.register(c, READ, 'c');
    for (const fd of [b, d]) syscalls.send(fd, Buffer.from('x'));
    while (selector.select(1000).length < 2);
    selector.unregister(a);
    syscalls.close(a);
    const [e, f] = pair(); // takes a's number
    expect([e, f]).toContain(a);
    selector.register(e, READ, 'e');
    selector.register(f, READ, 'f');
    expect(fds(selector.select(0))).toEqual([c]);
    for (const fd of [c, e, f]) selector.unregister(fd);
    for (const fd of [b, c, d, e, f]) syscalls.close(fd);
  });

  test('S73, H3: closed before unregister while a duplicate lives in a child: no row, no spin', () => {
    using selector = new Selector(name);
    const [a, b] = pair();
    selector.register(a, READ);
    const child = spawn('sleep', ['30'], { stdio: [a, 'ignore', 'ignore'] });
    try {
      syscalls.send(b, Buffer.from('x'));
      syscalls.close(a);
      selector.unregister(a); // too late for epoll, which cannot find the registration by the number any more
      expect(selector.select(0.001)).toEqual([]); // over when epoll has told of nothing
      let calls = 0;
      for (let longest = 0; longest < 20 && calls < 100; calls++) {
        const begin = performance.now();
        expect(selector.select(20)).toEqual([]);
        longest = performance.now() - begin;
      }
      expect(calls).toBeLessThan(10); // a selector that spins never waits its 20 ms
    } finally {
      child.kill('SIGKILL');
      syscalls.close(b);
    }
  });

  test('many descriptors: all that are ready are told within a few calls', () => {
    using selector = new Selector<number>(name);
    const pairs = Array.from({ length: 700 }, pair);
    for (const [a] of pairs) selector.register(a, READ);
    for (const [, b] of pairs) syscalls.send(b, Buffer.from('x'));
    const seen = new Set<number>();
    for (let i = 0; i < 10 && seen.size < pairs.length; i++) {
      for (const [key] of selector.select(100)) {
        seen.add(key.fd);
        syscalls.recv(key.fd, Buffer.alloc(1));
      }
    }
    expect(seen.size).toBe(pairs.length);
    for (const [a, b] of pairs) {
      selector.unregister(a);
      syscalls.close(a);
      syscalls.close(b);
    }
  });
});

test('an unknown name is refused and the known ones are listed', () => {
  expect(code(() => new Selector('kpoll'))).toBe('ERR_COREACTOR_UNKNOWN_SELECTOR');
  expect(() => new Selector('kpoll')).toThrow(Selector.available.join(', '));
  expect(code(() => new Selector(5 as never))).toBe('ERR_COREACTOR_ARGUMENT');
});

test('the bits and their order are the same on both sides of the addon', () => {
  const header = readFileSync('native/selector.h', 'utf8');
  const port = readFileSync('src/kernel/selector-port.ts', 'utf8');
  const names = { kRead: 'READ', kWrite: 'WRITE', kPriority: 'PRIORITY', kError: 'ERROR', kHangup: 'HANGUP' };
  for (const [native, ours] of Object.entries({ ...names, kReadHangup: 'READ_HANGUP', kEdge: 'EDGE' })) {
    const bit = new RegExp(`${native} = (\\d+)`).exec(header)?.[1];
    expect(port).toMatch(new RegExp(`const ${ours} = ${bit};`));
  }
});
