// callSoonThreadsafe() and fromThread(): calls from workers into a loop that blocks or is a guest; workers that end.

import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import {
  type Coroutine,
  callSoonThreadsafe,
  createTask,
  Event,
  fromThread,
  type Main,
  type Operation,
  park,
  Queue,
  run,
  runPromise,
  sleep,
  type ThreadsafeHandle,
  timeout,
  wake,
} from '../../src/index.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { start } from '../support/program.ts';

const library = new URL('../../dist/bundle/coreactor.js', import.meta.url).href;

/** A worker that calls `count` times, and ends. */
function caller(handle: ThreadsafeHandle, count: number): Worker {
  const source = `
    import(${JSON.stringify(library)}).then(({ fromThread }) => {
      const { handle, count } = require('node:worker_threads').workerData;
      const tell = fromThread(handle);
      for (let i = 0; i < count; i++) tell(i, { deep: [i] });
    });`;
  const worker = new Worker(source, { eval: true, workerData: { handle, count }, transferList: [handle.port] });
  worker.unref();
  return worker;
}

describe.each<[string, <T>(main: Main<T>) => T | Promise<T>]>([
  ['run()', run],
  ['runPromise()', runPromise],
])('under %s', (_, go) => {
  const goes = (main: () => Coroutine<void>): Promise<void> => Promise.resolve(go(() => timeout(20_000, main)));

  test('calls arrive in their order, all of them, with copies of their arguments; they wake who waits', () =>
    goes(function* () {
      const queue = new Queue<number>();
      using call = callSoonThreadsafe((i: number, { deep }: { deep: number[] }) => {
        expect(deep).toEqual([i]);
        queue.putNowait(i);
      });
      caller(call.handle, 3000);
      for (let i = 0; i < 3000; i++) expect(yield* queue.get()).toBe(i);
    }));

  test('a worker wakes a task that is parked: wake() called from there', () =>
    goes(function* () {
      let open = false;
      const gate: Operation<void> = {
        [Symbol.iterator]: () => ({
          next: () => (open ? { done: true, value: undefined } : park(gate)),
          return: () => ({ done: true, value: undefined }),
        }),
      };
      const parked = createTask(gate);
      using call = callSoonThreadsafe(() => {
        open = true;
        expect(wake(parked)).toBe(true);
      });
      caller(call.handle, 1);
      yield* parked;
    }));

  test('S80: while it is open somebody may call, so that is no deadlock; closed, nobody does', () =>
    goes(function* () {
      const event = new Event();
      const before = countDescriptors();
      const call = callSoonThreadsafe(() => event.set());
      caller(call.handle, 1);
      yield* event.wait();
      call.close();
      call.close();
      yield* sleep(0);
      expect(countDescriptors()).toBeLessThanOrEqual(before + 20); // the worker has its own
      expect(() => fromThread(call.handle)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
    }));
});

test('who calls from a thread can close what it calls by, and a full pipe loses no call', () => {
  run(function* () {
    let calls = 0;
    using call = callSoonThreadsafe(() => calls++);
    const before = countDescriptors();
    for (let i = 0; i < 20; i++) {
      using tell = fromThread(call.handle);
      tell();
    }
    expect(countDescriptors()).toBeLessThan(before + 20); // workers of the tests before may end meanwhile
    const tell = fromThread(call.handle);
    for (let i = 0; i < 100_000; i++) tell(); // more than a pipe takes
    tell.close();
    tell.close();
    expect(() => tell()).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
    yield* timeout(20_000, function* () {
      while (calls < 100_020) yield* sleep(1);
    });
  });
});

test('S14: calls that come by the thousand keep nobody else from running', () => {
  run(function* () {
    let calls = 0;
    using call = callSoonThreadsafe(() => calls++);
    using tell = fromThread(call.handle);
    for (let i = 0; i < 5000; i++) tell();
    let most = 0;
    while (calls < 5000) {
      const before = calls;
      yield* sleep(0);
      most = Math.max(most, calls - before);
    }
    expect(most).toBeLessThan(1000);
  });
});

test('what the function throws is reported as any callback’s; what is no function is refused', () => {
  const reports: unknown[] = [];
  run(
    function* () {
      const event = new Event();
      using call = callSoonThreadsafe(() => {
        event.set();
        throw new Error('of the callback');
      });
      fromThread(call.handle)();
      yield* timeout(5000, () => event.wait());
      yield* sleep(0);
      expect(() => callSoonThreadsafe(5 as never)).toThrow(TypeError);
      // The number of the pipe is another descriptor's by now.
      const { port, bell } = call.handle;
      const stale = { port, bell: { ...bell, identity: bell.identity + 1 } };
      expect(() => fromThread(stale)).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' }));
    },
    { onUnhandled: ({ kind, error }) => reports.push(kind, (error as Error).message) },
  );
  expect(reports).toEqual(['callback', 'of the callback']);
  expect(() => callSoonThreadsafe(() => {})).toThrow(/needs a running loop/);
});

test('H38: a worker that is blocked in run() can be terminated, and process.exit() does not wait for it', async () => {
  const ended = await start(`
    import { Worker } from 'node:worker_threads';
    const source = \`import('coreactor').then(({ listen, run, sleep }) => run(function* () {
      const listener = listen({ host: '127.0.0.1', port: 0 });
      process.getBuiltinModule('node:worker_threads').parentPort.postMessage('blocks');
      yield* listener.accept();
    }))\`;
    const block = async () => {
      const worker = new Worker(source, { eval: true });
      await new Promise((resolve) => worker.once('message', resolve));
      await new Promise((resolve) => setTimeout(resolve, 30)); // until it waits
      return worker;
    };
    for (let i = 0; i < 3; i++) {
      const worker = await block();
      console.log(await worker.terminate());
    }
    await block();
    process.exit(7);
  `).ended;
  expect([ended.stdout, ended.stderr, ended.code]).toEqual(['1\n1\n1\n', '', 7]);
});
