// runPromise(): the loop as a guest of the runtime's, by libuv and by a thread; promises, signals and queues both ways.

import { AsyncLocalStorage } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  allTasks,
  CancelScope,
  type Coroutine,
  connect,
  createTask,
  currentTask,
  Event,
  fromPromise,
  gather,
  getAddrInfo,
  listen,
  moveOnAfter,
  now,
  Queue,
  Runner,
  runPromise,
  Selector,
  type Socket,
  signals,
  sleep,
  type Task,
  timeout,
  wait,
} from '../../src/index.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { start } from '../support/program.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that echoes, and `clients` that each send and get back `messages`. */
function* echoes(clients: number, messages: number): Coroutine<number> {
  using listener = listen({ host: '127.0.0.1', port: 0 });
  function* serve(socket: Socket): Coroutine<void> {
    using own = socket;
    for (;;) {
      const data = yield* own.recv(100_000);
      if (data.length === 0) return;
      yield* own.sendAll(data);
    }
  }
  const server = createTask(function* () {
    for (;;) createTask(serve(yield* listener.accept()));
  });
  let answered = 0;
  const tasks = Array.from({ length: clients }, (_, i) =>
    createTask(function* () {
      using socket = yield* connect(listener.address as { host: string; port: number });
      for (let j = 0; j < messages; j++) {
        const message = `${i}:${j}${'x'.repeat((j * 977) % 20_000)}`;
        yield* socket.sendAll(Buffer.from(message));
        expect(String(yield* socket.reader().readExactly(message.length))).toBe(message);
        answered++;
      }
    }),
  );
  for (const task of tasks) yield* task;
  server.cancel();
  return answered;
}

describe.each(['libuv', 'thread'])('by %s', (way) => {
  beforeEach(() => void vi.stubEnv('COREACTOR_HOST', way === 'thread' ? 'thread' : ''));
  afterEach(() => void vi.unstubAllEnvs());

  test('H37: sockets and timers work, promises and timers of the runtime go on meanwhile, and nothing is left', async () => {
    await runPromise(() => sleep(1));
    const before = countDescriptors();
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 1);
    await timely(
      runPromise(function* () {
        for (let round = 0; round < 30 && (round === 0 || ticks <= 3); round++) {
          expect(yield* echoes(20, 30)).toBe(600);
        }
        expect(ticks).toBeGreaterThan(3);
      }),
    );
    clearInterval(ticking);
    await pause(20); // libuv closes its handle in its own time
    expect(countDescriptors()).toBe(before);
  });

  test('timers fire in order and not early, also when an earlier one comes later or one is cancelled', async () => {
    const seen: string[] = [];
    const due = new Map<string, number>(); // in another order, if this process was not let run for a while
    let inTime = false; // not if that was too long
    let cancelled = false;
    await runPromise(function* () {
      const begun = performance.now();
      const at = (ms: number): Task<void> =>
        createTask(function* () {
          due.set(String(ms), performance.now() + ms);
          yield* sleep(ms);
          expect(performance.now() - begun).toBeGreaterThan(ms - 0.1);
          seen.push(String(ms));
        });
      const late = at(60);
      const never = at(30);
      yield* sleep(0);
      const soon = [at(20), at(0.5)];
      yield* sleep(5);
      inTime = performance.now() < (due.get('30') as number) - 1;
      never.cancel();
      yield* wait([late, never, ...soon]);
      cancelled = never.cancelled; // one that was woken takes its wake
    });
    expect(due.size).toBe(4);
    if (inTime) expect(cancelled).toBe(true);
    if (cancelled) due.delete('30');
    expect(seen).toEqual([...due].sort(([, one], [, other]) => one - other).map(([name]) => name));
  });

  test('fake timers of a test runner move a guest on, as all that waits for timers', async () => {
    vi.useFakeTimers();
    try {
      const hour = 3_600_000;
      const slept = runPromise(function* () {
        const before = now();
        yield* sleep(hour);
        return now() - before;
      });
      vi.advanceTimersByTime(hour + 1); // from its first step on, before the runtime makes a pass
      expect(await slept).toBeGreaterThanOrEqual(hour);
    } finally {
      vi.useRealTimers();
    }
  });

  test('fake timers that nobody moves on stop sleeps only, and a run goes on when they are gone', async () => {
    const queue = new Queue<string>();
    const aborter = new AbortController();
    const seen: string[] = [];
    const older = runPromise(
      function* () {
        createTask(function* () {
          for (;;) {
            yield* sleep(1);
            seen.push('slept');
          }
        });
        for (;;) seen.push(yield* queue.get());
      },
      { signal: aborter.signal },
    );
    const { setImmediate } = globalThis;
    const saw = async (what: string): Promise<void> => {
      seen.length = 0;
      while (!seen.includes(what)) await new Promise(setImmediate);
    };
    await saw('slept');
    vi.useFakeTimers();
    try {
      expect(await runPromise(() => echoes(2, 3))).toBe(6);
      queue.putNowait('while');
      await saw('while');
      queue.putNowait('at the end');
    } finally {
      vi.useRealTimers();
    }
    await saw('at the end');
    await saw('slept');
    aborter.abort('enough');
    await expect(older).rejects.toThrow('enough');
  });

  test('whatever comes from outside of a turn wakes who waits for it', async () => {
    const [event, queue] = [new Event(), new Queue<string>()];
    let task: Task<void> | undefined;
    const running = runPromise(function* () {
      using listener = listen({ host: '127.0.0.1', port: 0 });
      const accepting = createTask(listener.accept());
      task = createTask(sleep(1e6));
      const scope = new CancelScope({ deadline: performance.now() + 1e6 });
      setTimeout(() => event.set(), 3);
      yield* event.wait();
      setTimeout(() => queue.putNowait('item'), 3);
      expect(yield* queue.get()).toBe('item');
      setTimeout(() => task?.cancel(), 3);
      yield* wait([task]);
      setTimeout(() => (scope.deadline = performance.now() + 5), 3);
      expect(yield* scope.run(() => sleep(1e6))).toBe(undefined);
      setTimeout(() => listener.close(), 3);
      yield* wait([accepting]);
      expect(accepting.exception()).toMatchObject({ code: 'ERR_COREACTOR_CLOSED' });
      return 'end';
    });
    expect(await timely(running)).toBe('end');
    expect(task?.cancelled).toBe(true);
  });

  test('H37: between two turns promises go on: a coroutine that never waits stops only the turn', async () => {
    let over = false;
    let turns = 0;
    const ending = async (): Promise<void> => {
      while (turns < 3) await pause(0);
      over = true;
    };
    void ending();
    await timely(
      runPromise(function* () {
        for (; !over; turns++) yield* sleep(0);
      }),
    );
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  test.each(Selector.available)(
    'what is said last of a descriptor that was closed does not keep %s awake',
    async (selector) => {
      let looks = 0;
      await timely(
        runPromise(
          function* () {
            const listener = listen({ host: '127.0.0.1', port: 0 });
            const accepting = createTask(listener.accept());
            yield* sleep(2); // so that the system has been asked for it
            accepting.cancel();
            yield* wait([accepting]);
            listener.close();
            looks = 0;
            yield* sleep(100);
            expect(looks).toBeLessThan(20);
          },
          { selector: selector as 'auto', instruments: [{ selectEnd: () => void looks++ }] },
        ),
      );
    },
  );

  test('a signal, and several runs beside each other, each with its own descriptors', async () => {
    const runs = [1, 2, 3].map((i) => runPromise(() => echoes(i, 10)));
    let listens = (): void => {};
    const listening = new Promise<void>((resolve) => {
      listens = resolve;
    });
    const signalled = runPromise(function* () {
      using listener = signals('SIGUSR2');
      listens();
      return yield* timeout(10_000, () => listener.receive());
    });
    await listening;
    process.kill(process.pid, 'SIGUSR2');
    expect(await timely(Promise.all([...runs, signalled]))).toEqual([10, 20, 30, 'SIGUSR2']);
  });

  test('S80: nothing left that could wake a task, and nobody outside: a DeadlockError, not a silent end', async () => {
    const ended = await start(
      `import { Event, runPromise } from 'coreactor';
      await runPromise(() => new Event({ name: 'never' }).wait()).catch(({ name, message, waits }) =>
        console.log(name, waits.length, message.includes('put the item'), message.includes('while run() blocks')));
      await runPromise(function* () {
        try { yield* new Event().wait(); } finally { yield* new Event().wait(); }
      }).catch((error) => console.log('again', error.name));
      setTimeout(() => {}, 10);
      const event = new Event();
      setTimeout(() => event.set(), 50);
      console.log(await runPromise(function* () { yield* event.wait(); return 'somebody outside'; }));`,
      { prefix: ['env', `COREACTOR_HOST=${way === 'thread' ? 'thread' : ''}`] },
    ).ended;
    expect([ended.stdout, ended.stderr, ended.code]).toEqual([
      'DeadlockError 1 true false\nagain DeadlockError\nsomebody outside\n',
      '',
      0,
    ]);
  });

  test('H37: tasks keep the process alive exactly while they live', async () => {
    const ended = await start(
      `import { createTask, listen, runPromise, sleep } from 'coreactor';
      runPromise(function* () {
        const listener = listen({ host: '127.0.0.1', port: 0 });
        const accepting = createTask(listener.accept());
        yield* sleep(30);
        console.log('slept');
        setTimeout(() => { console.log('close'); accepting.cancel(); }, 30).unref();
        try { yield* accepting; } catch { console.log('over'); }
      });`,
      { prefix: ['env', `COREACTOR_HOST=${way === 'thread' ? 'thread' : ''}`] },
    ).ended;
    expect([ended.stdout, ended.stderr, ended.code]).toEqual(['slept\nclose\nover\n', '', 0]);
  });

  test('H32: what is thrown in a turn rejects the promise; what a listener throws ends the process in its own way', async () => {
    const failing = { selectBegin: () => {}, stepBegin: () => {} };
    await expect(
      runPromise(() => sleep(5), {
        instruments: [
          {
            ...failing,
            selectEnd: () => {
              throw new Error('instrument');
            },
          },
        ],
      }),
    ).rejects.toThrow('instrument');
    const ended = await start(
      `import { runPromise, sleep } from 'coreactor';
      process.on('uncaughtException', (error) => { console.log('uncaught', error.message); process.exit(3); });
      runPromise(function* () { yield* sleep(1); throw new Error('of main'); });`,
      { prefix: ['env', `COREACTOR_HOST=${way === 'thread' ? 'thread' : ''}`] },
    ).ended;
    expect([ended.stdout, ended.code]).toEqual(['uncaught of main\n', 3]);
  });

  test('H38: process.exit() within a step ends at once, and a worker that is terminated takes nobody along', async () => {
    const ended = await start(
      `import { Worker } from 'node:worker_threads';
      import { listen, createTask, runPromise, sleep } from 'coreactor';
      const source = \`import('coreactor').then(({ listen, runPromise, createTask, sleep }) => runPromise(function* () {
        const listener = listen({ host: '127.0.0.1', port: 0 });
        createTask(listener.accept());
        for (;;) yield* sleep(1);
      }))\`;
      for (let i = 0; i < 5; i++) {
        const worker = new Worker(source, { eval: true });
        await new Promise((resolve) => setTimeout(resolve, 20 + 10 * i));
        await worker.terminate();
      }
      console.log('terminated');
      await runPromise(function* () { yield* sleep(1); process.exit(7); });`,
      { prefix: ['env', `COREACTOR_HOST=${way === 'thread' ? 'thread' : ''}`] },
    ).ended;
    expect([ended.stdout, ended.stderr, ended.code, ended.signal]).toEqual(['terminated\n', '', 7, null]);
  });
});

async function timely<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('not finished in 15 seconds')), 15_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

test('what main returns and throws; what it leaves behind is cancelled and awaited', async () => {
  expect(await runPromise(() => sleep(0))).toBe(undefined);
  const error = new Error('own');
  await expect(
    runPromise(function* () {
      yield* sleep(0);
      throw error;
    }),
  ).rejects.toBe(error);
  const seen: string[] = [];
  await runPromise(function* () {
    createTask(function* () {
      try {
        yield* sleep(1e6);
      } finally {
        yield* sleep(2);
        seen.push('cleaned up');
      }
    });
    yield* sleep(0);
  });
  expect(seen).toEqual(['cleaned up']);
  const before = countDescriptors();
  await expect(runPromise(5 as never)).rejects.toMatchObject({ code: 'ERR_COREACTOR_ARGUMENT' });
  await expect(runPromise(() => sleep(0), { selector: 'none' as never })).rejects.toMatchObject({
    code: 'ERR_COREACTOR_UNKNOWN_SELECTOR',
  });
  expect(countDescriptors()).toBe(before);
});

test('debug mode: SIGUSR2 prints the tasks of every run, each time; after them it does what it did before', async () => {
  const program = start(`
    import { Event, fromPromise, runPromise, sleep } from 'coreactor';
    setInterval(() => {}, 1000); // somebody outside
    const [event, hangup] = [new Event(), new Promise((resolve) => process.once('SIGHUP', resolve))];
    const runs = [
      runPromise(() => event.wait(), { debug: true, slowStep: Infinity, name: 'first' }),
      runPromise(() => fromPromise(hangup), { debug: true, slowStep: Infinity, name: 'second' }),
      runPromise(() => event.wait(), { debug: false, name: 'without' }),
    ];
    await runPromise(() => sleep(5));
    console.log('up');
    await runs[1];
    event.set();
    await Promise.all(runs);
    console.log('over', process.listenerCount('SIGUSR2'));`);
  await program.says('up');
  for (let times = 1; times <= 2; times++) {
    program.child.kill('SIGUSR2');
    await vi.waitFor(() => expect(program.output.stderr.match(/^second /gm)?.length).toBe(times), { timeout: 15_000 });
  }
  program.child.kill('SIGHUP');
  await program.says('over 0');
  program.child.kill('SIGUSR2');
  const { signal, stderr } = await program.ended;
  expect(signal).toBe('SIGUSR2');
  expect(stderr).toMatch(/^coreactor: 1 task\nfirst \(parked\) waits on Event-1, for /);
  expect(stderr).toMatch(/^second \(parked\) waits on a promise, for /m);
  expect(stderr).not.toMatch(/^without /m);
});

test.each(['before', 'after'])(
  'a program that listens to SIGUSR2 itself, since %s the run began, keeps it',
  async (when) => {
    const { stdout, stderr, signal } = await start(`
    import { fromPromise, runPromise, sleep } from 'coreactor';
    const outside = setInterval(() => {}, 1000); // a listener keeps no process alive
    const listen = () => new Promise((resolve) => process.once('SIGUSR2', resolve));
    let heard = '${when}' === 'before' ? listen() : undefined;
    await runPromise(function* () {
      heard ??= listen();
      process.kill(process.pid, 'SIGUSR2');
      yield* fromPromise(heard);
      yield* sleep(1);
      console.log('mine');
      clearInterval(outside);
    }, { debug: true });`).ended;
    expect([stdout, stderr, signal]).toEqual(['mine\n', '', null]);
  },
);

test('main begins after its caller, and not as a part of the task that calls', async () => {
  const order: string[] = [];
  const first = runPromise(function* () {
    order.push('main');
    // An asynchronous function that has a loop of its own, called from a coroutine.
    const inner = async (): Promise<string> =>
      `inner ${await runPromise(() => fromPromise(pause(1).then(() => 'run')))}`;
    return yield* fromPromise(inner());
  });
  order.push('caller');
  expect(await first).toBe('inner run');
  expect(order).toEqual(['caller', 'main']);
});

test('inside run() no promise settles: runPromise() and fromPromise() say so', () => {
  using runner = new Runner(); // which is no guest, whatever run() is in this run of the suite
  runner.run(function* () {
    expect(() => runPromise(() => sleep(0))).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_INVALID_STATE' }));
    expect(() => fromPromise(Promise.resolve(1))).toThrow(/use runPromise\(\)/);
    yield* sleep(0);
  });
  expect(() => fromPromise(Promise.resolve(1))).toThrow(/needs a running loop/);
});

test('fromPromise: values, errors with their own identity, what is no promise, and one that has settled before', async () => {
  const error = new Error('of the promise');
  await runPromise(function* () {
    expect(yield* fromPromise(Promise.resolve(1))).toBe(1);
    expect(yield* fromPromise(pause(2).then(() => 'late'))).toBe('late');
    let caught: unknown;
    try {
      yield* fromPromise(Promise.reject(error));
    } catch (thrown) {
      caught = thrown;
    }
    expect(caught).toBe(error);
    for (const wrong of [undefined, null, 5, {}]) expect(() => fromPromise(wrong as never)).toThrow(TypeError);
  });
});

test('fromPromise: a cancel lets go, and aborts the signal of a function; the rejection that follows is nobody’s', async () => {
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  await runPromise(function* () {
    let reason: unknown;
    const task = createTask(
      fromPromise(
        (signal) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              reason = signal.reason;
              reject(signal.reason);
            });
          }),
      ),
    );
    let fail: (error: Error) => void = () => {};
    const plain = createTask(fromPromise(new Promise((_, reject) => (fail = reject))));
    yield* sleep(0);
    task.cancel();
    plain.cancel();
    yield* wait([task, plain]);
    expect([task.cancelled, plain.cancelled]).toEqual([true, true]);
    expect(reason).toMatchObject({ name: 'AbortError' });
    fail(new Error('late'));
    yield* sleep(20);
    let aborted = false;
    yield* fromPromise(async (signal) => signal.addEventListener('abort', () => (aborted = true)));
    expect(aborted).toBe(false);
  });
  process.off('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

test('fromPromise: several tasks await one operation, at once and later; a function is called anew for each', async () => {
  await timely(
    runPromise(function* () {
      const slow = fromPromise(pause(5).then(() => 'value'));
      const [left, ...tasks] = [1, 2, 3].map(() => createTask(slow));
      yield* sleep(0);
      left?.cancel();
      for (const task of tasks) expect(yield* task).toBe('value');
      expect(yield* slow).toBe('value');

      const error = new Error('of the promise');
      const failing = fromPromise(pause(1).then(() => Promise.reject(error)));
      const failures = [createTask(failing), createTask(failing)];
      yield* wait(failures);
      expect(failures.map((task) => task.exception())).toEqual([error, error]);

      let calls = 0;
      const calling = fromPromise(async () => ++calls);
      const answers = [createTask(calling), createTask(calling)];
      yield* wait(answers);
      expect(answers.map((task) => task.result())).toEqual([1, 2]);
      expect(yield* calling).toBe(3);
    }),
  );
});

test('S14: fromPromise: one that has settled and is awaited again and again lets others run', async () => {
  let steps = 0;
  await runPromise(function* () {
    const other = createTask(function* () {
      for (;;) {
        steps++;
        yield* sleep(0);
      }
    });
    const settled = fromPromise(Promise.resolve('value'));
    yield* settled;
    const before = steps;
    for (let i = 0; i < 1000; i++) expect(yield* settled).toBe('value');
    other.cancel();
    expect(steps - before).toBeGreaterThan(3);
  });
});

test('fromPromise: a promise that is awaited in vain again and again is listened to once, a thenable each time', async () => {
  const slow = pause(30);
  const listening = vi.spyOn(slow, 'then');
  let begun = 0;
  const lazy = {
    // biome-ignore lint/suspicious/noThenProperty: it is the subject
    then(ok: (value: number) => void): void {
      ok(++begun);
    },
  };
  await runPromise(function* () {
    for (let i = 0; i < 100; i++) yield* moveOnAfter(0, () => fromPromise(slow));
    yield* fromPromise(slow);
    expect(listening).toHaveBeenCalledTimes(1);
    for (let i = 1; i <= 3; i++) expect(yield* fromPromise(lazy as PromiseLike<number>)).toBe(i);
    class Lazy extends Promise<number> {
      // biome-ignore lint/suspicious/noThenProperty: it is the subject
      override then(): Promise<never> {
        begun++;
        return super.then() as Promise<never>;
      }
    }
    const ofOthers = new Lazy(() => {});
    for (let i = 4; i <= 6; i++) {
      yield* moveOnAfter(1, () => fromPromise(ofOthers));
      expect(begun).toBe(i);
    }
  });
});

test('fromPromise: an error that nobody awaits is reported by the runtime; one that is awaited a little later is not', async () => {
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  const failed = (message: string): Promise<never> => Promise.reject(new Error(message));
  const options = { returnExceptions: true };
  await runPromise(function* () {
    yield* gather([fromPromise(failed('a')), fromPromise(failed('b'))], options);
    yield* createTask(gather([gather([fromPromise(failed('c'))], options)]));
    const late = createTask(timeout(1000, () => fromPromise(failed('d'))));
    yield* wait([late]);
    expect(late.exception()).toMatchObject({ message: 'd' });
  });
  await pause(20);
  expect(unhandled).not.toHaveBeenCalled();
  await runPromise(function* () {
    fromPromise(failed('lost'));
  });
  await vi.waitFor(() => expect(unhandled).toHaveBeenCalled(), { timeout: 15_000 });
  process.off('unhandledRejection', unhandled);
  expect(unhandled.mock.calls.map(([error]) => error.message)).toEqual(['lost']);
});

test('a task can be awaited: its result, its error, its cancel, also after the run', async () => {
  let kept: Task<number> | undefined;
  await runPromise(function* () {
    const good = createTask(function* () {
      yield* sleep(2);
      return 7;
    });
    kept = good;
    const bad = createTask(function* () {
      yield* sleep(1);
      throw new Error('bad');
    });
    const gone = createTask(sleep(1e6));
    const all = Promise.allSettled([good, bad, gone]);
    gone.cancel('enough');
    const [a, b, c] = yield* fromPromise(all);
    expect(a).toEqual({ status: 'fulfilled', value: 7 });
    expect(b).toMatchObject({ status: 'rejected', reason: { message: 'bad' } });
    expect(c).toMatchObject({ status: 'rejected', reason: { name: 'CancelledError', reason: 'enough' } });
  });
  expect(await kept).toBe(7);
});

test('AbortSignal: cancels main and tasks with its reason, before and after they begin; listeners do not pile up', async () => {
  const aborter = new AbortController();
  const waiting = runPromise(() => sleep(1e6), { signal: aborter.signal });
  setTimeout(() => aborter.abort('stop'), 3);
  await expect(waiting).rejects.toMatchObject({ name: 'CancelledError', reason: 'stop' });
  await expect(runPromise(() => sleep(0), { signal: aborter.signal })).rejects.toMatchObject({ reason: 'stop' });
  await runPromise(function* () {
    const other = new AbortController();
    const quick = createTask(sleep(0), { signal: other.signal });
    const slow = createTask(sleep(1e6), { signal: other.signal });
    yield* quick;
    expect(getEventListeners(other.signal, 'abort').length).toBe(1);
    other.abort();
    expect(getEventListeners(other.signal, 'abort').length).toBe(0);
    yield* wait([slow]);
    expect(slow.cancelled).toBe(true);
  });
});

test('any number of tasks share a signal: no warning of a leak, all are cancelled, and no listener is left', async () => {
  const { stdout, stderr } = await start(
    `import { getEventListeners } from 'node:events';
    import { createTask, runPromise, sleep } from 'coreactor';
    const [aborter, other] = [new AbortController(), new AbortController()];
    const listeners = () => [aborter, other].map(({ signal }) => getEventListeners(signal, 'abort').length).join();
    const many = function* (count, { signal }) {
      const tasks = Array.from({ length: count }, (_, i) => createTask(sleep(i === 0 ? 1 : 1e6), { signal }));
      yield* tasks[0]; // the end of one is not that of the others
      return tasks;
    };
    const ends = function* (tasks) {
      yield* sleep(1);
      return tasks.filter((task) => task.cancelled).length;
    };
    await runPromise(function* () {
      const tasks = yield* many(51, aborter);
      const others = yield* many(2, other);
      console.log(listeners());
      others[1].cancel();
      yield* sleep(0);
      console.log(listeners());
      aborter.abort('all');
      console.log(yield* ends(tasks), listeners());
      console.log(yield* ends([createTask(sleep(1e6), aborter)]), listeners());
      const again = yield* many(2, other); // after the last of its tasks had ended
      other.abort();
      console.log(yield* ends(again), listeners());
    });
    // Runs too share it.
    const third = new AbortController();
    const runs = Array.from({ length: 30 }, () => runPromise(() => sleep(1e6), third));
    setTimeout(() => third.abort('runs'), 1);
    console.log(new Set((await Promise.allSettled(runs)).map(({ reason }) => reason.reason)));`,
  ).ended;
  expect(stderr).toBe('');
  expect(stdout).toBe("1,1\n1,0\n50 0,0\n1 0,0\n1 0,0\nSet(1) { 'runs' }\n");
});

test('what is no AbortSignal is refused before anything starts, and the generator that was given is closed', async () => {
  const before = countDescriptors();
  const code = 'ERR_COREACTOR_ARGUMENT';
  function* body(): Coroutine<void> {
    yield* sleep(1e6);
  }
  for (const signal of [{}, null, 5, new AbortController()] as unknown as AbortSignal[]) {
    const given = body();
    await expect(runPromise(given, { signal })).rejects.toMatchObject({ code, name: 'TypeError' });
    expect(given.next().done).toBe(true);
    await runPromise(function* () {
      const child = body();
      expect(() => createTask(child, { signal })).toThrow(expect.objectContaining({ code }));
      expect(child.next().done).toBe(true);
      expect(allTasks().length).toBe(1);
      yield* sleep(0);
    });
  }
  expect(countDescriptors()).toBe(before);
});

test('a scope has an AbortSignal: aborted by its cancel, its deadline, a cancel around it, and its end', async () => {
  const reasons: string[] = [];
  const noting = (name: string, signal: AbortSignal): void =>
    signal.addEventListener('abort', () => void reasons.push(name));
  await runPromise(function* () {
    const scope = new CancelScope();
    noting('cancel', scope.signal);
    setTimeout(() => scope.cancel(), 2);
    yield* scope.run(() => sleep(1e6));
    expect(scope.signal.aborted).toBe(true);
    const late = createTask(function* () {
      yield* timeout(2, function* (scope) {
        noting('deadline', scope.signal);
        try {
          yield* sleep(1e6);
        } finally {
          reasons.push('clean-up');
        }
      });
    });
    yield* wait([late]);
    expect(late.exception()).toMatchObject({ name: 'TimeoutError' });
    const outer = createTask(() =>
      timeout(1e6, (scope) => {
        noting('outside', scope.signal);
        return sleep(1e6);
      }),
    );
    yield* sleep(0);
    outer.cancel();
    yield* wait([outer]);
    yield* timeout(1e6, function* (scope) {
      noting('end', scope.signal);
      yield* sleep(0);
      expect(reasons).not.toContain('end');
    });
  });
  expect(reasons).toEqual(['cancel', 'deadline', 'clean-up', 'outside', 'end']);
});

test('a cancel’s reason reaches the signal of fromPromise() and of a scope; a deadline’s is a TimeoutError', async () => {
  const signals: AbortSignal[] = [];
  const never = (signal: AbortSignal): Promise<void> => {
    signals.push(signal);
    return new Promise(() => {});
  };
  await runPromise(function* () {
    const task = createTask(() =>
      timeout(1e6, (scope) => {
        signals.push(scope.signal);
        return fromPromise(never);
      }),
    );
    yield* sleep(0);
    task.cancel('why');
    yield* wait([task]);
    expect(signals.map(({ reason }) => reason)).toEqual(['why', 'why']);

    yield* moveOnAfter(1, (scope) => fromPromise(() => never(scope.signal)));
    const cleaning = createTask(function* () {
      try {
        yield* sleep(1e6);
      } finally {
        yield* moveOnAfter(1, () => fromPromise(never)); // its own end, and not that of the task
      }
    });
    yield* sleep(0);
    cleaning.cancel('why');
    yield* wait([cleaning]);
    expect(signals.map(({ reason }) => reason.name)).toEqual([undefined, undefined, 'TimeoutError', 'AbortError']);
  });
});

test('asyncContext: each task has what AsyncLocalStorage had where it was created; without it, nobody promises', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  await storage.run('main', () =>
    runPromise(
      function* () {
        const tasks = ['a', 'b'].map((name) =>
          storage.run(name, () =>
            createTask(
              function* () {
                for (let i = 0; i < 3; i++) {
                  seen.push(storage.getStore());
                  yield* sleep(i);
                }
                seen.push(yield* fromPromise((async () => storage.getStore())()));
              },
              { name },
            ),
          ),
        );
        for (const task of tasks) yield* task;
        seen.push(storage.getStore());
        expect(currentTask().name).toBe('Task-1');
      },
      { asyncContext: true },
    ),
  );
  expect(seen.filter((each) => each === 'a').length).toBe(4);
  expect(seen.filter((each) => each === 'b').length).toBe(4);
  expect(seen.at(-1)).toBe('main');
});

test.each(Selector.available)('a guest on %s hears of one look-up after the other', async (selector) => {
  await runPromise(
    function* () {
      for (let i = 0; i < 50; i++) {
        const found = yield* timeout(10_000, () => getAddrInfo('localhost', { port: i }));
        expect(found.every(({ port }) => port === i)).toBe(true);
      }
    },
    { selector: selector as 'auto' },
  );
});

test('for await over a queue: items in order until it is shut down; who leaves the loop leaves the rest', async () => {
  const queue = new Queue<number>(2);
  const feeding = runPromise(function* () {
    for (let i = 0; i < 10; i++) yield* queue.put(i);
    queue.shutdown();
  });
  const got: number[] = [];
  for await (const item of queue) {
    got.push(item);
    if (item === 3) break;
  }
  for await (const item of queue) got.push(item);
  expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await feeding;
  expect(await queue[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
});

test('for await over a queue outlives the run that fills it: what is there is given, and nothing is lost', async () => {
  const queue = new Queue<number>();
  await runPromise(function* () {
    for (let i = 0; i < 5; i++) yield* queue.put(i);
    queue.shutdown();
  });
  const got: number[] = [];
  for await (const item of queue) {
    got.push(item);
    await pause(1);
  }
  expect(got).toEqual([0, 1, 2, 3, 4]);
});

test('for await over a queue does not care which runs begin and end meanwhile', async () => {
  const queue = new Queue<string>();
  const first = runPromise(function* () {
    yield* sleep(30);
    yield* queue.put('late');
    queue.shutdown();
  });
  const short = runPromise(() => sleep(5));
  const got: string[] = [];
  const consuming = (async () => {
    for await (const item of queue) got.push(item);
  })();
  await short;
  await consuming;
  await first;
  expect(got).toEqual(['late']);
});

test('asynchronous functions and tasks that get from a queue stand in one line', async () => {
  const queue = new Queue<number>(1);
  const got: string[] = [];
  const one = queue[Symbol.asyncIterator]();
  const begun = one.next();
  await runPromise(function* () {
    yield* sleep(1);
    const task = createTask(function* () {
      got.push(`task ${yield* queue.get()}`);
    });
    yield* sleep(1);
    const last = one.next();
    for (let i = 1; i <= 3; i++) yield* queue.put(i);
    yield* task;
    got.push(`async ${(yield* fromPromise(begun)).value}`, `async ${(yield* fromPromise(last)).value}`);
  });
  expect(got).toEqual(['task 2', 'async 1', 'async 3']);
  const waiting = one.next();
  queue.shutdown();
  expect(await waiting).toEqual({ done: true, value: undefined });
});

test.each([
  ['main', 'runPromise(() => new Event().wait(), { signal: AbortSignal.timeout(100) })'],
  [
    'a task',
    'runPromise(function* () { yield* createTask(new Event().wait(), { signal: AbortSignal.timeout(100) }); })',
  ],
])(
  'a signal that was given to %s is somebody to hope for, though its timer keeps no process alive',
  async (_, call) => {
    const { code, stdout } = await start(
      `import { createTask, Event, runPromise } from 'coreactor';
    await ${call}.catch((error) => console.log(error.name, error.cause?.name));`,
    ).ended;
    expect(stdout).toBe('CancelledError TimeoutError\n');
    expect(code).toBe(0);
  },
);

test('after its signal, or the end of its task, a deadlock is one again', async () => {
  const { code, stdout } = await start(
    `import { createTask, Event, runPromise, sleep } from 'coreactor';
    const { signal } = new AbortController();
    const late = new AbortController();
    await runPromise(function* () {
      yield* createTask(sleep(5), { signal });
      yield* createTask(function* () {
        setTimeout(() => late.abort(), 20);
        try {
          yield* sleep(1e6);
        } finally {
          yield* new Event().wait();
        }
      }, { signal: late.signal });
    }).catch((error) => console.log(error.name));`,
  ).ended;
  expect(stdout).toBe('DeadlockError\n');
  expect(code).toBe(0);
});

test('after its signal has cancelled a task a run waits for its one descriptor: that is no deadlock', async () => {
  const { stdout, code } = await start(
    `import { connect as dial } from 'node:net';
    import { createTask, listen, runPromise, sleep, wait } from 'coreactor';
    await runPromise(function* () {
      const aborter = new AbortController();
      const task = createTask(sleep(1e6), { signal: aborter.signal });
      yield* sleep(0);
      aborter.abort();
      yield* wait([task]);
      const listener = listen({ host: '127.0.0.1', port: 0 });
      setTimeout(() => dial(listener.address.port, '127.0.0.1').unref(), 50).unref(); // it keeps no process alive
      (yield* listener.accept()).close();
      console.log('accepted');
    }).catch((error) => console.log(error.name));`,
  ).ended;
  expect([stdout, code]).toEqual(['accepted\n', 0]);
});

test('a run that was cancelled in a long sleep leaves no timer that would keep the process alive', async () => {
  const { stdout, code } = await start(
    `import { runPromise, sleep } from 'coreactor';
    const aborter = new AbortController();
    setTimeout(() => aborter.abort(), 10);
    await runPromise(() => sleep(1e6), { signal: aborter.signal }).catch((error) => console.log(error.name));`,
  ).ended;
  expect([stdout, code]).toEqual(['CancelledError\n', 0]);
});

test('a sleep that is longer than a timer of the runtime can be does not spin', async () => {
  const aborter = new AbortController();
  let turns = 0;
  const sleeping = runPromise(() => sleep(2 ** 32), {
    signal: aborter.signal,
    instruments: [{ selectBegin: () => void turns++ }],
  });
  await pause(50);
  expect(turns).toBeLessThan(5);
  aborter.abort();
  await expect(sleeping).rejects.toMatchObject({ name: 'CancelledError' });
});

test('many runs that wait for promises only do not count as a leak of listeners, and each deadlock is told', async () => {
  const { stdout, stderr } = await start(
    `import { Event, fromPromise, runPromise } from 'coreactor';
    const slow = new Promise((resolve) => setTimeout(resolve, 20));
    const runs = Array.from({ length: 30 }, () => runPromise(() => fromPromise(slow)));
    console.log((await Promise.all(runs)).length, process.listenerCount('beforeExit'));
    const stuck = Array.from({ length: 30 }, () => runPromise(() => new Event().wait()));
    console.log(new Set((await Promise.allSettled(stuck)).map(({ reason }) => reason.name)));
    console.log(process.listenerCount('beforeExit'));`,
  ).ended;
  expect(stderr).toBe('');
  expect(stdout).toBe("30 0\nSet(1) { 'DeadlockError' }\n0\n");
});

test('of two runs that wait for each other’s clean-up only one is told of a deadlock', async () => {
  const { stdout } = await start(
    `import { Event, runPromise } from 'coreactor';
    const event = new Event();
    const first = runPromise(function* () {
      try {
        yield* new Event().wait();
      } finally {
        event.set();
      }
    });
    const second = runPromise(() => event.wait());
    console.log((await Promise.allSettled([first, second])).map(({ status }) => status).join());`,
  ).ended;
  expect(stdout).toBe('rejected,fulfilled\n');
});

test('S80: what a listener of beforeExit begins is somebody to hope for, whether it listens before us or after', async () => {
  const { stdout } = await start(
    `import { Event, runPromise, sleep } from 'coreactor';
    const [first, second, last] = ['first', 'second', 'last'].map((name) => new Event({ name }));
    process.once('beforeExit', () => setTimeout(() => first.set(), 20));
    const runs = [first, second, last].map((event) => runPromise(() => event.wait()));
    await runPromise(() => sleep(5));
    process.once('beforeExit', () => second.set());
    console.log((await Promise.allSettled(runs)).map(({ status, reason }) => reason?.name ?? status).join());
    console.log(process.listenerCount('beforeExit'));`,
  ).ended;
  expect(stdout).toBe('fulfilled,fulfilled,DeadlockError\n0\n');
});

test('one that begins something each time that the process is idle is to be hoped for each time', async () => {
  const { stdout } = await start(
    `import { fromPromise, runPromise } from 'coreactor';
    let times = 0;
    const third = new Promise((resolve) => {
      process.on('beforeExit', () => {
        if (++times <= 3) setTimeout(() => times === 3 && resolve('third'), 200);
      });
    });
    console.log(await runPromise(() => fromPromise(third)));`,
  ).ended;
  expect(stdout).toBe('third\n');
});

test('a thenable that settles twice has the outcome that it had first', async () => {
  const twice = {
    // biome-ignore lint/suspicious/noThenProperty: it is the subject
    then(ok: (value: number) => void, wrong: (error: Error) => void): void {
      ok(1);
      ok(2);
      wrong(new Error('late'));
    },
  };
  expect(await runPromise(() => fromPromise(twice as PromiseLike<number>))).toBe(1);
});

test('errors that nobody handles end as Node’s users expect: a task of ours is reported, a promise rejects unhandled', async () => {
  const ended = await start(
    `import { createTask, runPromise, sleep } from 'coreactor';
    process.on('unhandledRejection', (error) => console.log('rejection', error.message));
    runPromise(function* () { throw new Error('main'); });
    await runPromise(function* () {
      createTask(function* () { throw new Error('forgotten'); }, { name: 'lost' });
      yield* sleep(5);
    });`,
  ).ended;
  expect(ended.stdout).toBe('rejection main\n');
  expect(ended.stderr).toMatch(/lost failed and nobody has asked for its error:\nError: forgotten/);
  expect(ended.code).toBe(1);
});
