// toThread(): under run() and as a guest, what travels and what does not, errors, cancels, and that nothing is left.

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  type Coroutine,
  createTask,
  gather,
  type Main,
  type Operation,
  type RunOptions,
  run,
  runPromise,
  sleep,
  ThreadPool,
  timeout,
  toThread,
  type Unhandled,
  wait,
} from '../../src/index.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { gate, start, startCommand } from '../support/program.ts';

const fixture = new URL('fixture.js', import.meta.url);

function* errorOf(operation: Operation<unknown>): Coroutine<Error & { code?: string }> {
  try {
    yield* operation;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

const silent: RunOptions = { onUnhandled: () => {} };

const threads = (): number => readdirSync('/proc/self/task').length;

describe.each<[string, <T>(main: Main<T>, options?: RunOptions) => T | Promise<T>]>([
  ['run()', run],
  ['runPromise()', runPromise],
])('under %s', (_, go) => {
  const goes = (main: () => Coroutine<void>, options?: RunOptions): Promise<void> =>
    Promise.resolve(go(() => timeout(20_000, main), options));

  test('functions of every form, with arguments; a promise is awaited; what it gives is a copy', () =>
    goes(function* () {
      expect(yield* toThread((a: number, b: number) => a + b, 1, 2)).toBe(3);
      expect(
        yield* toThread(function named(text: string) {
          return text.length;
        }, 'four'),
      ).toBe(4);
      expect(yield* toThread(async (ms: number) => new Promise((done) => setTimeout(() => done('late'), ms)), 2)).toBe(
        'late',
      );
      const holder = {
        method(n: number) {
          return n * 3;
        },
      };
      expect(yield* toThread(holder.method, 3)).toBe(9);
      const map = new Map([['a', new Date(5)]]);
      expect(yield* toThread((given: Map<string, Date>) => given, map)).toEqual(map);
      expect(yield* toThread(() => undefined)).toBe(undefined);
      expect(yield* toThread(() => require('node:path').basename('/a/b'))).toBe('b');
    }));

  test('an export of a module', () =>
    goes(function* () {
      expect(yield* toThread({ module: fixture, export: 'double' }, 4)).toBe(8);
      expect(yield* toThread({ module: fixture })).toBe('default');
      expect(yield* toThread({ module: 'node:path', export: 'basename' }, '/a/b')).toBe('b');
      expect((yield* errorOf(toThread({ module: fixture, export: 'number' }))).message).toMatch(
        /exports no function "number"/,
      );
      expect((yield* errorOf(toThread({ module: new URL('none.js', fixture) }))).code).toBe('ERR_MODULE_NOT_FOUND');
    }));

  test('blocking work stops nobody else', () =>
    goes(function* () {
      const flag = new Int32Array(new SharedArrayBuffer(4));
      const ticking = createTask(function* () {
        for (let ticks = 0; ticks < 5; ticks++) yield* sleep(1);
        Atomics.store(flag, 0, 1);
        Atomics.notify(flag, 0);
      });
      yield* toThread((at: Int32Array) => Atomics.wait(at, 0, 0), flag);
      expect(ticking.done).toBe(true);
    }));

  test('an error comes with its class, message, stack, code and cause; whatever else is thrown, as it is', () =>
    goes(function* () {
      const error = yield* errorOf(
        toThread(() => {
          const inThread = (): never => {
            throw Object.assign(new RangeError('too much', { cause: new Error('deep') }), {
              code: 'E_MUCH',
              detail: [1],
            });
          };
          inThread();
        }),
      );
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ message: 'too much', code: 'E_MUCH', detail: [1], cause: { message: 'deep' } });
      expect(error.stack).toContain('inThread');
      const thrown = yield* errorOf(
        toThread(() => {
          throw 'a text';
        }),
      );
      expect(thrown).toBe('a text');
      const odd = yield* errorOf(
        toThread(() => {
          throw Object.assign(new Error('odd'), { fn: () => 1 });
        }),
      );
      expect(odd.message).toContain('odd');
    }));

  test('errors within errors come whole: an AggregateError, causes of causes, what is its own cause', () =>
    goes(function* () {
      const error = yield* errorOf(
        toThread(() => {
          const coded = (message: string, code: string, cause?: unknown): Error =>
            Object.assign(new TypeError(message, { cause }), { code });
          const inner = coded('first', 'E_1', coded('deep', 'E_3', 'a text'));
          const loop = coded('second', 'E_2');
          loop.cause = loop;
          throw Object.assign(new AggregateError([inner, loop, 5], 'all'), { code: 'E_ALL', first: inner });
        }),
      );
      expect(error).toBeInstanceOf(AggregateError);
      const { errors, first } = error as AggregateError & { first: unknown };
      expect(error).toMatchObject({ name: 'AggregateError', message: 'all', code: 'E_ALL' });
      expect(Object.keys(error).sort()).toEqual(['code', 'first']);
      expect(errors).toHaveLength(3);
      expect(errors[0]).toMatchObject({ name: 'TypeError', message: 'first', code: 'E_1' });
      expect(errors[0].cause).toMatchObject({ message: 'deep', code: 'E_3', cause: 'a text' });
      expect(errors[0].stack).toMatch(/^TypeError: first\n +at /);
      expect(errors[1].cause).toBe(errors[1]);
      expect(errors[2]).toBe(5);
      expect(first).toBe(errors[0]);
      expect(errors[0].cause.cause).toBe('a text');
      const any = yield* errorOf(toThread(() => Promise.any([Promise.reject(new RangeError('none'))])));
      expect((any as AggregateError).errors).toMatchObject([{ name: 'RangeError', message: 'none' }]);
    }));

  test('of an error only what cannot be copied is lost', () =>
    goes(function* () {
      const error = yield* errorOf(
        toThread(() => {
          class OddError extends RangeError {
            override name = 'OddError';
            code = 'E_ODD';
            fn = () => 1;
            list = [1, Symbol('s')];
            get own(): never {
              throw new Error('a getter');
            }
          }
          const odd = new OddError('odd', { cause: () => 2 });
          Object.defineProperty(odd, 'bad', {
            enumerable: true,
            get() {
              throw new Error('no');
            },
          });
          throw odd;
        }),
      );
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ name: 'OddError', message: 'odd', code: 'E_ODD' });
      expect(Object.keys(error)).toEqual(['code']);
      expect(error.stack).toContain('OddError');
      expect(String(error.cause)).toContain('cause');
      const dom = yield* errorOf(toThread(() => AbortSignal.abort().throwIfAborted()));
      expect(dom).toMatchObject({ name: 'AbortError', message: 'This operation was aborted' });
      const thrown = yield* errorOf(
        toThread(() => {
          throw { fn: () => 1 };
        }),
      );
      expect(thrown).toBe('{ fn: [Function: fn] }'); // what it looks like, as it cannot be copied itself
    }));

  test('an error that fights back arrives all the same: getters, inspections and proxies that throw, causes without end', () =>
    goes(function* () {
      const pool = new ThreadPool({ threads: 1 });
      const fights = pool.run(() => {
        const no = (): never => {
          throw new Error('no');
        };
        const error = Object.assign(new AggregateError([], 'mine'), { code: 'E_MINE' });
        for (const key of ['cause', 'errors', 'name']) Object.defineProperty(error, key, { get: no });
        throw error;
      });
      expect(yield* errorOf(fights)).toMatchObject({ message: 'mine', code: 'E_MINE' });
      const shown = pool.run(() => {
        throw {
          fn: () => 1,
          [Symbol.for('nodejs.util.inspect.custom')]() {
            throw new Error('no');
          },
        };
      });
      expect(yield* errorOf(shown)).toMatch(/cannot be shown/);
      const proxied = pool.run(() => {
        const no = (): never => {
          throw new Error('no');
        };
        throw new Proxy({}, { get: no, getPrototypeOf: no, ownKeys: no, has: no });
      });
      expect(typeof (yield* errorOf(proxied))).toBe('string');
      const deep = pool.run(() => {
        let error = new RangeError('first');
        for (let i = 0; i < 20_000; i++) error = new RangeError(`cause of ${i}`, { cause: error });
        throw error;
      });
      let each = yield* errorOf(deep);
      expect(each).toMatchObject({ name: 'RangeError', message: 'cause of 19999' });
      let depth = 0;
      for (; each instanceof Error; depth++) each = each.cause as Error;
      expect(depth).toBeGreaterThan(50);
      expect(each).toMatch(/and so on/);
      expect(yield* pool.run(() => 'lives')).toBe('lives');
      pool.close();
    }));

  test('lines in stacks are counted from the first one of the function', () =>
    goes(function* () {
      const error = yield* errorOf(toThread(new Function('return (a) => {\nthrow new Error(a);\n}')(), 'second'));
      expect(error.stack).toMatch(/coreactor-job\D*:2:\d+/);
    }));

  test('a toJSON that no loop finds changes no answer', () =>
    goes(function* () {
      const got = yield* toThread(() => Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'changed' }));
      expect(got).toEqual({ a: 1 });
    }));

  test('a ReferenceError is one of a closure only if a name of the job itself is unknown', () =>
    goes(function* () {
      const own = [
        () => new Function('return nope')(),
        () => require('node:vm').runInThisContext('nope'),
        () => {
          const early = () => later;
          early();
          const later = 1;
        },
        () => {
          throw new ReferenceError('of mine');
        },
      ];
      for (const work of own) expect(yield* errorOf(toThread(work))).toMatchObject({ name: 'ReferenceError' });
      const outside = 5;
      const error = yield* errorOf(toThread(() => [1].map(() => outside)));
      expect(error).toMatchObject({ code: 'ERR_COREACTOR_CLOSURE', cause: { name: 'ReferenceError' } });
      expect(error.message).toMatch(/^outside is not defined in the thread. If it is from outside of the function/);
    }));

  test('a closure is refused with advice, and what cannot be copied by its own error; the thread serves again', () =>
    goes(function* () {
      const outside = 5;
      const pool = new ThreadPool({ threads: 1 });
      const error = yield* errorOf(pool.run(() => outside));
      expect(error).toMatchObject({
        code: 'ERR_COREACTOR_CLOSURE',
        message: expect.stringContaining('outside is not defined'),
      });
      expect(error.message).toContain('as arguments');
      expect(
        (yield* errorOf(
          pool.run(
            (fn: () => number) => fn(),
            () => 1,
          ),
        )).name,
      ).toBe('DataCloneError');
      expect((yield* errorOf(pool.run(() => () => 1))).name).toBe('DataCloneError');
      const before = threads();
      expect(yield* pool.run(() => 'again')).toBe('again');
      expect(threads()).toBeLessThanOrEqual(before); // one of an earlier test may just end
      pool.close();
    }));

  test('no name of what runs in the thread, or of Node, is taken for one that a job has from outside', () =>
    goes(function* () {
      const names = ['builtin', 'compile', 'fd', 'functions', 'load', 'out', 'pack', 'port', 'tell', 'workerData'];
      for (const name of [...names, 'module', 'exports', '__filename', '__dirname']) {
        const error = yield* errorOf(toThread(new Function(`return () => ${name}`)()));
        expect(error).toMatchObject({
          code: 'ERR_COREACTOR_CLOSURE',
          message: expect.stringContaining(`${name} is not`),
        });
      }
    }));

  test('a name from outside that is only set is refused, too, and no job finds what another one has left there', () =>
    goes(function* () {
      const pool = new ThreadPool({ threads: 1 });
      const outside: { set?: () => string; get?: () => unknown } = {};
      outside.set = new Function('return () => { leftBehind = 5; return "set"; }')();
      outside.get = new Function('return () => typeof leftBehind')();
      const error = yield* errorOf(pool.run(outside.set as () => string));
      expect(error).toMatchObject({ code: 'ERR_COREACTOR_CLOSURE', cause: { name: 'ReferenceError' } });
      expect(yield* pool.run(outside.get as () => unknown)).toBe('undefined');
      pool.close();
    }));

  test('a text that is no function by itself is refused with advice and the reason', () =>
    goes(function* () {
      const name = 'computed';
      class Holder {
        #secret = 1;
        open(): number {
          return this.#secret;
        }
        get getter(): number {
          return 1;
        }
        [name](): number {
          return 1;
        }
      }
      const { get } = Object.getOwnPropertyDescriptor(Holder.prototype, 'getter') as { get: () => number };
      for (const [work, reason] of [
        [new Holder().open, /Private field '#secret'|private/],
        [new Holder()[name], /is not defined/],
        [get, /getter/],
      ] as [() => unknown, RegExp][]) {
        const error = yield* errorOf(toThread(work));
        expect(error).toMatchObject({ code: 'ERR_COREACTOR_CLOSURE', message: expect.stringMatching(reason) });
        expect(error.message).toContain('as arguments');
      }
    }));

  test('S80: no more threads than the pool has, in the order of the calls, and no deadlock is seen in the wait', () =>
    goes(function* () {
      const pool = new ThreadPool({ threads: 2 });
      const shared = new Int32Array(new SharedArrayBuffer(8));
      const work = (at: Int32Array): void => {
        const now = Atomics.add(at, 0, 1) + 1;
        if (now > Atomics.load(at, 1)) Atomics.store(at, 1, now);
        Atomics.notify(at, 1);
        Atomics.wait(at, 1, 1, 5000); // the first one waits for a second one
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        Atomics.sub(at, 0, 1);
      };
      yield* gather(Array.from({ length: 10 }, () => pool.run(work, shared)));
      expect(shared[1]).toBe(2);
      pool.close();
    }));

  test('cancelled or timed out it stops in the middle, and no thread and no descriptor is left', () =>
    goes(function* () {
      yield* toThread(() => 1);
      const descriptors = countDescriptors();
      const pool = new ThreadPool({ threads: 3 });
      const forever = (): void => {
        for (;;);
      };
      const count = threads();
      expect((yield* errorOf(timeout(60, () => pool.run(forever)))).name).toBe('TimeoutError');
      const tasks = [1, 2, 3, 4].map(() => createTask(pool.run(forever)));
      yield* sleep(60);
      for (const task of tasks) task.cancel();
      yield* wait(tasks);
      expect(yield* pool.run(() => 'free')).toBe('free');
      pool.close();
      for (let i = 0; i < 400 && threads() > count; i++) yield* sleep(10);
      expect(threads()).toBeLessThanOrEqual(count);
      for (let i = 0; i < 400 && countDescriptors() > descriptors; i++) yield* sleep(10);
      // Under run() the ends of workers are seen, and their last descriptors closed, when Node's loop goes on.
      if (_ === 'runPromise()') expect(countDescriptors()).toBeLessThanOrEqual(descriptors);
    }));

  test('answers of every kind and size come as structuredClone() would give them', () =>
    goes(function* () {
      const texts = ['', 'é🎉\n"', 'x'.repeat(4090), 'é'.repeat(2047), 'é'.repeat(2048), 'x'.repeat(100_000)];
      const numbers = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2n ** 70n];
      const shared = { deep: [1, { a: null }] };
      const others = [
        undefined,
        null,
        true,
        [],
        { a: undefined },
        shared,
        new Map([[1, shared]]),
        new Uint8Array([1, 2]),
      ];
      for (const value of [...texts, ...numbers, ...others]) {
        expect(yield* toThread((given: unknown) => given, value)).toStrictEqual(value);
      }
      const [one, other] = yield* toThread(() => {
        const twice = {};
        return [twice, twice];
      });
      expect(one).toBe(other);
      const getter = toThread(() => ({
        get bad() {
          throw new RangeError('no');
        },
      }));
      expect(yield* errorOf(getter)).toMatchObject({ name: 'RangeError', message: 'no' });
    }));

  test('an answer that is there before anybody could look for it is found', () =>
    goes(function* () {
      const pool = new ThreadPool({ threads: 1 });
      const task = createTask(pool.run(() => 'early'));
      yield* sleep(0);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); // the thread begins and answers meanwhile
      expect(yield* task).toBe('early');
      pool.close();
    }));

  test('a pool that is closed ends those who are at work, too, when they are done; another job has another thread', () =>
    goes(function* () {
      const count = threads();
      {
        using pool = new ThreadPool({ threads: 2 });
        const begun = new Int32Array(new SharedArrayBuffer(8));
        const work = (at: Int32Array): string => {
          Atomics.store(at, 0, 1);
          Atomics.wait(at, 1, 0);
          return 'done';
        };
        const task = createTask(pool.run(work, begun));
        while (Atomics.load(begun, 0) === 0) yield* sleep(1);
        pool.close();
        Atomics.store(begun, 1, 1);
        Atomics.notify(begun, 1);
        expect(yield* task).toBe('done');
        while (threads() > count) yield* sleep(5);
        expect(yield* pool.run(() => 'again')).toBe('again');
      }
      while (threads() > count) yield* sleep(5);
    }));

  test('a thread that ends in the work is an error, and the next call has another', () =>
    goes(function* () {
      const pool = new ThreadPool({ threads: 1 });
      for (let i = 0; i < 2; i++) {
        expect((yield* errorOf(pool.run(() => process.exit(3)))).code).toBe('ERR_COREACTOR_THREAD');
        expect(yield* pool.run(() => 'next')).toBe('next');
      }
      pool.close();
    }));

  test.each<[string, () => unknown, object]>([
    [
      'throws',
      () => {
        setTimeout(() => {
          throw Object.assign(new RangeError('late'), { code: 'E_LATE' });
        }, 10);
      },
      { cause: { name: 'RangeError', message: 'late', code: 'E_LATE' } },
    ],
    [
      'rejects',
      () => {
        setTimeout(() => Promise.reject(new TypeError('nobody handles it')), 10);
      },
      { cause: { name: 'TypeError', message: 'nobody handles it' } },
    ],
    [
      'exits',
      () => {
        setTimeout(() => process.exit(3), 10);
      },
      { message: expect.stringContaining('process.exit()') },
    ],
  ])('a thread that ends while it has no work, as a job %s late, is given none; why it ended is reported', (...how) => {
    const [, late, expected] = how;
    const reports: Unhandled[] = [];
    const onUnhandled = (report: Unhandled): unknown => reports.push(report);
    return goes(
      function* () {
        const pool = new ThreadPool({ threads: 1 });
        for (const ending of ['next', 'close']) {
          const thread = yield* pool.run(() => require('node:fs').readlinkSync('/proc/thread-self'));
          yield* pool.run(late);
          while (existsSync(`/proc/${thread}`)) yield* sleep(1);
          if (ending === 'next') expect(yield* pool.run(() => 'innocent')).toBe('innocent');
          pool.close();
          expect(reports.splice(0)).toMatchObject([
            { kind: 'warning', error: { code: 'ERR_COREACTOR_THREAD', ...expected } },
          ]);
        }
      },
      { onUnhandled },
    );
  });

  test('a job that had not begun when its thread ended is done by another, once', () => {
    const reports: Unhandled[] = [];
    const onUnhandled = (report: Unhandled): unknown => reports.push(report);
    return goes(
      function* () {
        const pool = new ThreadPool({ threads: 1 });
        const flags = new Int32Array(new SharedArrayBuffer(12));
        yield* pool.run((at: Int32Array) => {
          setTimeout(() => {
            Atomics.store(at, 0, 1);
            Atomics.wait(at, 1, 0);
            process.exit();
          }, 0);
        }, flags);
        while (Atomics.load(flags, 0) === 0) yield* sleep(1);
        const task = createTask(pool.run((at: Int32Array) => Atomics.add(at, 2, 1), flags));
        yield* sleep(5);
        Atomics.store(flags, 1, 1);
        Atomics.notify(flags, 1);
        expect(yield* task).toBe(0);
        expect(flags[2]).toBe(1);
        expect(reports).toHaveLength(1);
        pool.close();
      },
      { onUnhandled },
    );
  });

  test('what ends a thread in the middle of the work is the cause of its error', () =>
    goes(function* () {
      const pool = new ThreadPool({ threads: 1 });
      const work = pool.run(() => {
        setTimeout(() => {
          throw Object.assign(new RangeError('of a timer'), { code: 'E_TIMER' });
        }, 1);
        return new Promise(() => {});
      });
      expect(yield* errorOf(work)).toMatchObject({
        code: 'ERR_COREACTOR_THREAD',
        message: expect.stringContaining('of a timer'),
        cause: { name: 'RangeError', code: 'E_TIMER' },
      });
      // An answer and the end may come together.
      yield* pool.run(() => {
        setImmediate(() => {
          throw new Error('right after it');
        });
        return 'answer';
      });
      yield* sleep(50);
      pool.close();
    }, silent));

  test('a job may handle by itself what nobody else does', () =>
    goes(function* () {
      const pool = new ThreadPool({ threads: 1 });
      const handled = pool.run(
        () =>
          new Promise((resolve) => {
            process.once('uncaughtException', resolve);
            setTimeout(() => {
              throw new Error('handled');
            }, 1);
          }),
      );
      expect(yield* handled).toMatchObject({ message: 'handled' });
      expect(yield* pool.run(() => 'lives')).toBe('lives');
      pool.close();
    }));
});

describe('a worker that cannot begin', () => {
  const sick = (how: string) => ({
    prefix: [
      'env',
      `NODE_OPTIONS=--require ${fileURLToPath(new URL('sick-worker.cjs', import.meta.url))}`,
      `SICK=${how}`,
    ],
  });
  const program = (go: string): string => `import { ${go}, toThread } from 'coreactor';
    await ${go}(function* () {
      try { yield* toThread(() => 1); } catch (error) { console.log(error.code, error.message, error.cause?.code); }
    });`;

  test.each([
    ['runPromise', 'throws', 'cannot begin E_SICK'],
    ['runPromise', 'exits', /process.exit\(\)/],
    ['runPromise', 'cannot open', 'not allowed E_SICK'],
    ['run', 'cannot open', 'not allowed E_SICK'],
  ])('under %s() is an error at once that says why, if it %s', async (go, how, expected) => {
    const ended = await start(program(go), sick(how)).ended;
    expect(ended.stdout).toMatch(/^ERR_COREACTOR_THREAD the worker could not begin: /);
    expect(ended.stdout).toMatch(expected);
  });
});

test('under runPromise() a worker without memory is told from one that has called process.exit()', async () => {
  const ended = await start(
    `import { runPromise, toThread } from 'coreactor';
    await runPromise(function* () {
      const eat = () => { for (const all = []; ; ) all.push(new Array(1000).fill({})); };
      try { yield* toThread(eat); } catch (error) { console.log(error.code, error.cause?.code); }
    });`,
    { prefix: ['env', 'NODE_OPTIONS=--max-old-space-size=40'] },
  ).ended;
  expect(ended.stdout).toBe('ERR_COREACTOR_THREAD ERR_WORKER_OUT_OF_MEMORY\n');
});

test('what cannot be taken there is refused at once, with advice', () => {
  run(function* () {
    yield* sleep(0);
    const refused =
      (work: unknown): unknown =>
      () =>
        toThread(work as never);
    expect(refused(Math.max)).toThrow(/native|built in/);
    expect(refused((() => 1).bind(null))).toThrow(/bind/);
    expect(refused(class A {})).toThrow(/a class/);
    for (const coroutine of [function* () {}, async function* () {}]) {
      expect(refused(coroutine)).toThrow(/function\*, which needs a loop/);
    }
    expect(refused({ module: './work.js' })).toThrow(/new URL\('\.\/work\.js', import\.meta\.url\)/);
    for (const wrong of [undefined, null, 5, 'text', {}]) expect(refused(wrong)).toThrow(TypeError);
    expect(() => new ThreadPool({ threads: 0 })).toThrow(RangeError);
  });
  expect(() => toThread(() => 1)).toThrow(/needs a running loop/);
});

test('import.meta in a function is refused by its own reason, not by what it would be as a method', async () => {
  const ended = await start(
    `import { run, toThread } from 'coreactor';
    run(function* () {
      try { yield* toThread(() => import.meta.url); } catch (error) { console.log(error.code, error.message); }
    });`,
  ).ended;
  expect(ended.stdout).toMatch(/^ERR_COREACTOR_CLOSURE .*import\.meta/);
});

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `line ${i}\n`).join('');

test('under runPromise() all that a job has printed is there when it is done', async () => {
  const ended = await start(
    `import { fromPromise, runPromise, toThread } from 'coreactor';
    await runPromise(function* () {
      const print = (lines) => { for (let i = 0; i < lines; i++) { console.log('line', i); console.error('line', i); } };
      for (let i = 1; i <= 30; i++) {
        yield* toThread(print, i);
        process.stdout.write('done\\n');
      }
      yield* toThread(() => { console.log('ended'); process.stdout.end('by this'); });
      yield* fromPromise(new Promise((taken) => process.stdout.write('', taken))); // what is not, destroy() drops
      process.stdout.on('error', () => {}).destroy(); // nobody takes it any more
      for (let i = 0; i < 3; i++) yield* toThread(print, 3);
      process.exit();
    });`,
  ).ended;
  const all = Array.from({ length: 30 }, (_, i) => lines(i + 1));
  expect(ended.stdout).toMatch(all.map((each) => `${each}done\n`).join(''));
  expect([ended.stderr, ended.code]).toEqual([all.join('') + lines(3).repeat(3), 0]);
});

for (const host of ['run', 'await runPromise']) {
  test(`${host}(): what a job prints comes before its end, also if the host blocks before and after its loop has looked`, async () => {
    const ended = await start(
      `import { createTask, run, runPromise, sleep, toThread } from 'coreactor';
      const print = (first) => {
        if (first) console.log('.'.repeat(first)); // far more than may be under way
        for (let i = 0; i < 9; i++) console.log('line', i);
      };
      const block = (ms) => { for (const end = Date.now() + ms; Date.now() < end; ); };
      let over = false;
      ${host}(function* () {
        const job = createTask(() => toThread(print, 3e6));
        yield* sleep(1);
        block(100);
        yield* job;
        process.stdout.write('done\\n');
        const others = () => { block(20); if (!over) setImmediate(others); };
        setImmediate(others);
        createTask(function* () { for (;;) yield* sleep(0); });
        for (let i = 0; i < 5; i++) {
          yield* toThread(print);
          process.stdout.write('done\\n');
        }
        over = true;
      });`,
    ).ended;
    const first = `${'.'.repeat(3e6)}\n`;
    expect(ended.stdout.startsWith(first)).toBe(true);
    expect([ended.stdout.slice(first.length), ended.stderr, ended.code]).toEqual([
      `${lines(9)}done\n`.repeat(6),
      '',
      0,
    ]);
  });

  test(`${host}(): what a job prints comes while it runs, and also if it is cancelled, fails, or ends its thread`, async () => {
    const { file, open } = gate();
    const program = start(
      `import { createTask, run, runPromise, sleep, toThread } from 'coreactor';
      ${host}(function* () {
        yield* toThread((gate) => {
          console.log('waiting');
          while (!require('node:fs').existsSync(gate)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
          console.log('open');
        }, process.argv.at(-1));
        const printed = new Int32Array(new SharedArrayBuffer(4));
        const endless = createTask(() => toThread((printed) => {
          for (let i = 0; i < 2000; i++) console.log('line', i);
          Atomics.store(printed, 0, 1);
          for (;;);
        }, printed));
        yield* sleep(0);
        while (Atomics.load(printed, 0) === 0); // so that nobody listens
        endless.cancel();
        yield* sleep(0);
        console.log('cancelled');
        const fails = (how) => {
          if (how === 'exit') console.log('.'.repeat(3e6)); // far more than may be under way
          for (let i = 0; i < 9; i++) console.log('line', i);
          if (how === 'exit') process.exit();
          if (how === 'throw') throw new Error(how);
          setImmediate(() => { throw new Error(how); });
          return new Promise(() => {});
        };
        for (const how of ['exit', 'throw', 'uncaught']) {
          try { yield* toThread(fails, how); } catch (error) { console.log(how, error.name); }
        }
      });`,
      { args: [file] },
    );
    await program.says('waiting\n');
    open();
    const { stdout, stderr, code } = await program.ended;
    const failures = ['exit CoreactorError', 'throw Error', 'uncaught CoreactorError'];
    const failed = failures.map((each) => `${lines(9)}${each}\n`).join('');
    const rest = stdout.replace(`${'.'.repeat(3e6)}\n`, '');
    expect([rest, stderr, code]).toEqual([`waiting\nopen\n${lines(2000)}cancelled\n${failed}`, '', 0]);
  });

  test(`${host}(): who prints without end keeps no other task from running`, async () => {
    const ended = await start(
      `import { createTask, run, runPromise, sleep, toThread } from 'coreactor';
      const { write } = process.stdout;
      let writes = 0;
      process.stdout.write = (...piece) => { // takes longer than to print
        writes++;
        for (const end = performance.now() + 0.01; performance.now() < end; );
        return write.apply(process.stdout, piece);
      };
      ${host}(function* () {
        const printer = createTask(() => toThread(() => { for (;;) console.log('line'); }));
        let most = 0; // lines between two turns of this task
        for (let before = 0; writes < 40_000; before = writes) {
          yield* sleep(0);
          most = Math.max(most, writes - before);
        }
        printer.cancel();
        if (most > 20_000) console.error(most);
        yield* toThread(() => void setInterval(() => { for (let i = 0; i < 1000; i++) console.log('line'); }));
        for (let i = 0; i < 2; i++) yield* toThread(() => {});
        console.error('over');
      });`,
    ).ended;
    const rest = ended.stdout.replaceAll('line\n', '').replace(/^l(i(ne?)?)?$/, ''); // a full pipe takes no more at the exit
    expect([rest, ended.stderr, ended.code]).toEqual(['', 'over\n', 0]);
  });

  test(`${host}(): who prints between jobs is not taken for ended, and is if it is`, async () => {
    const ended = await start(
      `import { existsSync } from 'node:fs';
      import { run, runPromise, ThreadPool } from 'coreactor';
      const printed = new Int32Array(new SharedArrayBuffer(4));
      const leave = (printed, isEndless) => {
        setTimeout(() => {
          console.log('line');
          Atomics.store(printed, 0, 1);
          while (isEndless) console.log('line');
          throw new Error('left behind');
        });
        return require('node:fs').readlinkSync('/proc/thread-self');
      };
      ${host}(function* () {
        for (const isEndless of [true, false]) {
          const pool = new ThreadPool({ threads: 1 });
          const thread = yield* pool.run(leave, printed, isEndless);
          while (Atomics.exchange(printed, 0, 0) === 0);
          for (const end = Date.now() + 100; Date.now() < end; ); // nobody listens meanwhile
          while (!isEndless && existsSync('/proc/' + thread));
          pool.close();
        }
      }, { onUnhandled: ({ error }) => console.error(error.cause.message) });`,
    ).ended;
    expect([ended.stdout.replaceAll('line\n', ''), ended.stderr, ended.code]).toEqual(['', 'left behind\n', 0]);
  });

  test(`${host}(): what is printed between jobs, and by threads of a thread, is not lost either`, async () => {
    const ended = await start(
      `import { run, runPromise, sleep, toThread } from 'coreactor';
      ${host}(function* () {
        yield* toThread(async () => {
          const { run, toThread } = await import('coreactor');
          run(() => toThread(() => { for (let i = 0; i < 200; i++) console.log('line', i); }));
        });
        console.log('done');
        const printed = new Int32Array(new SharedArrayBuffer(4));
        yield* toThread((printed) => void setTimeout(() => { console.log('late'); Atomics.store(printed, 0, 1); }, 5), printed);
        while (Atomics.load(printed, 0) === 0) yield* sleep(1);
        const last = (printed) => {
          process.on('exit', () => { console.error('the last word'); Atomics.store(printed, 0, 2); });
          process.exit();
        };
        try { yield* toThread(last, printed); } catch {}
        while (Atomics.load(printed, 0) !== 2) yield* sleep(1);
        throw new TypeError('thrown');
      });`,
    ).ended;
    // No more than a pipe holds if nobody reads meanwhile: who throws does not wait for that.
    expect([ended.stdout, ended.code]).toEqual([`${lines(200)}done\nlate\n`, 1]);
    expect(ended.stderr).toContain('TypeError: thrown');
    expect(ended.stderr).toContain('the last word\n');
  });
}

test('what a preload prints in the worker delays nothing that a job prints', async () => {
  const { file } = gate();
  writeFileSync(`${file}.cjs`, "require('worker_threads').isMainThread || console.log('preload');");
  const { stdout, stderr } = await start(
    `import { run, toThread } from 'coreactor';
    run(function* () {
      yield* toThread(() => { for (let i = 0; i < 9; i++) console.log('line', i); });
      console.log('done');
    });`,
    { prefix: ['env', `NODE_OPTIONS=--require=${file}.cjs`] },
  ).ended;
  expect([stdout.replace('preload\n', ''), stderr]).toEqual([`${lines(9)}done\n`, '']);
});

test('a job is held up by who reads slowly, under runPromise(); run() would not hear that anybody reads', async () => {
  const flood = (host: string): string =>
    `import { run, runPromise, toThread } from 'coreactor';
    import { writeFileSync } from 'node:fs';
    ${host}(function* () {
      const written = yield* toThread((patience) => {
        let written = 0;
        for (const end = Date.now() + patience; Date.now() < end && written < 100; written++) console.log('.'.repeat(65536));
        return written;
      }, ${host === 'run' ? 'Infinity' : '1000'});
      console.error(written);
      writeFileSync(process.argv.at(-1), ''); // only now it is read
      process.exit();
    });`;
  const written = async (host: string): Promise<number> => {
    const { file } = gate();
    const { stderr } = await startCommand([
      ...['sh', '-c', '"$@" | { until [ -e "$0" ]; do sleep 0.1; done; cat >/dev/null; }', file],
      ...[process.execPath, '--input-type=module', '-e', flood(host), '--', file],
    ]).ended;
    return Number(stderr);
  };
  expect(await written('await runPromise')).toBeLessThan(50);
  expect(await written('run')).toBe(100);
});

test('idle threads keep no process alive, and neither does one that was cancelled', async () => {
  const ended = await start(
    `import { run, runPromise, timeout, toThread } from 'coreactor';
    run(function* () { console.log(yield* toThread(() => 'run')); });
    await runPromise(function* () {
      try { yield* timeout(30, () => toThread(() => { for (;;); })); } catch (error) { console.log(error.name); }
      console.log(yield* toThread(() => 'guest')); // and this thread stays
    });`,
  ).ended;
  expect([ended.stdout, ended.stderr, ended.code]).toEqual(['run\nTimeoutError\nguest\n', '', 0]);
});
