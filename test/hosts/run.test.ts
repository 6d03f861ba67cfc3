// run() and Runner: one blocking loop after another, clean ends, and the ways out.

import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { expect, test, vi } from 'vitest';
import {
  CancelledError,
  type Coroutine,
  connect,
  createTask,
  currentSelector,
  currentTask,
  DeadlockError,
  Event,
  listen,
  now,
  park,
  Runner,
  run,
  Selector,
  sleep,
  type Unhandled,
} from '../../src/index.ts';
import { here } from '../../src/kernel/here.ts';
import { thrownBy } from '../kernel/helpers.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { gate, start } from '../support/program.ts';

test('is what this run of the suite was asked for: on that selector, and a guest or not', () => {
  const { COREACTOR_SELECTOR: asked, COREACTOR_TEST_HOST: host } = process.env;
  run(function* () {
    expect(here.kernel?.guest).toBe(host === 'guest');
    if (asked) expect(currentSelector()).toBe(asked);
    yield* sleep(0);
  });
});

test('gives what main returns and throws what main throws, with the stack of the coroutines', () => {
  expect(
    run(function* () {
      return 42;
    }),
  ).toBe(42);
  function* inner(): Coroutine<never> {
    yield* sleep(1);
    throw new RangeError('from below');
  }
  function* outer(): Coroutine<never> {
    return yield* inner();
  }
  try {
    run(outer);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).stack).toMatch(/inner[\s\S]*outer/);
  }
});

test('takes a generator, or a function that makes one, and refuses what is neither', () => {
  function* main(): Coroutine<string> {
    yield* sleep(0);
    return 'ok';
  }
  expect(run(main)).toBe('ok');
  expect(run(main())).toBe('ok');
  expect(() => run((() => 5) as never)).toThrow(/generator function/);
  expect(() => run((async () => 5) as never)).toThrow(/not a promise/);
  const once = main();
  run(once);
  expect(() => run(once)).toThrow(/has been a task already/);
});

test('S29: run() inside a running loop throws, says what to do, and closes its generator', () => {
  let closed = false;
  function* never(): Coroutine<void> {
    yield* sleep(1);
  }
  const given = never();
  const watched = new Proxy(given, {
    get(target, key) {
      if (key === 'return') closed = true;
      const value = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  run(function* () {
    expect(() => run(watched)).toThrow(/inside a running loop.*yield\*.*createTask/);
    expect(() => run(function* () {})).toThrow(/inside a running loop/);
    using runner = new Runner();
    expect(() => runner.run(function* () {})).toThrow(/inside a running loop/);
    yield* sleep(0);
  });
  expect(closed).toBe(true);
  expect(given.next()).toEqual({ done: true, value: undefined });
});

test('S29: one run after another works, also after one that threw', () => {
  for (let i = 0; i < 3; i++) {
    expect(() =>
      run(function* () {
        throw new Error(`round ${i}`);
      }),
    ).toThrow(`round ${i}`);
    expect(
      run(function* () {
        return i;
      }),
    ).toBe(i);
  }
});

test('S30: when main ends, the rest is cancelled, its clean-up awaited, and every descriptor closed', () => {
  const before = countDescriptors();
  const log: string[] = [];
  run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    createTask(function* () {
      try {
        yield* listener.accept();
        yield* sleep(null);
      } finally {
        yield* sleep(5);
        log.push('cleaned up');
      }
    });
    yield* connect(listener.address);
    createTask(function* () {
      try {
        yield* sleep(null);
      } finally {
        createTask(function* () {
          try {
            yield* sleep(null); // started by a clean-up, and forgotten
          } finally {
            log.push('the last one too');
          }
        });
      }
    });
    yield* sleep(1);
  });
  expect(log.sort()).toEqual(['cleaned up', 'the last one too']);
  expect(countDescriptors()).toBe(before);
});

test('S30: a failing main does not skip the clean-up of the others', () => {
  let cleaned = false;
  expect(() =>
    run(function* () {
      createTask(function* () {
        try {
          yield* sleep(null);
        } finally {
          yield* sleep(1);
          cleaned = true;
        }
      });
      yield* sleep(0);
      throw new Error('main fails');
    }),
  ).toThrow('main fails');
  expect(cleaned).toBe(true);
});

test('a cancelled main throws CancelledError with its reason', () => {
  try {
    run(function* () {
      currentTask().cancel('enough');
      yield* sleep(0);
    });
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(CancelledError);
    expect((error as CancelledError).reason).toBe('enough');
    expect((error as CancelledError).by).toBe('Task-1');
  }
});

test('S80: a loop that nothing can wake throws DeadlockError with who waits on what, after the clean-up', () => {
  let cleaned = false;
  function* stuck(): Coroutine<void> {
    const gate = { toString: () => 'the gate' };
    try {
      yield* { [Symbol.iterator]: () => ({ next: () => park(gate) }) };
    } finally {
      cleaned = true;
    }
  }
  expect(() => run(stuck, { name: 'waiter' })).toThrow(/waiter \(parked\) waits on the gate/);
  expect(() => run(stuck)).toThrow(DeadlockError);
  expect(cleaned).toBe(true);
});

test('Runner: several runs on one selector, and a clear error after close()', () => {
  const before = countDescriptors();
  const runner = new Runner({ name: 'boss' });
  expect(Selector.available).toContain(runner.selector);
  const inside = countDescriptors();
  for (let i = 0; i < 3; i++) {
    expect(
      runner.run(function* () {
        yield* sleep(0);
        return currentTask().name;
      }),
    ).toBe('boss');
  }
  expect(countDescriptors()).toBe(inside);
  runner.close();
  runner.close();
  expect(countDescriptors()).toBe(before);
  expect(() => runner.run(function* () {})).toThrow(/closed/);
});

test('an unknown selector is refused by name, and the environment is believed', async () => {
  expect(() => run(function* () {}, { selector: 'nonsense' as never })).toThrow(/no selector "nonsense".*epoll|kqueue/);
  for (const name of Selector.available) {
    using runner = new Runner({ selector: name as never });
    expect(runner.selector).toBe(name);
  }
  const program = start(`
    process.env.COREACTOR_SELECTOR = 'poll';
    const { Runner, Selector } = await import('coreactor');
    console.log(new Runner().selector, new Selector().name);`);
  expect((await program.ended).stdout).toBe('poll poll\n');
});

test("S6: deadlines work far from the clock's start", () => {
  run(function* () {
    const begin = now();
    yield* sleep(1e-9);
    yield* sleep(0.25);
    expect(now() - begin).toBeGreaterThanOrEqual(0.25);
  });
});

test('S7, S8: sleeps are never short, sub-millisecond ones included, and do not spin', () => {
  let selects = 0;
  run(
    function* () {
      for (const ms of [0.1, 0.5, 1, 3.7, 20]) {
        const begin = now();
        yield* sleep(ms);
        expect(now() - begin).toBeGreaterThanOrEqual(ms);
      }
    },
    { instruments: [{ selectBegin: () => selects++ }] },
  );
  expect(selects).toBeLessThan(30); // a few for each sleep; a loop that spins makes thousands
});

test('S23: a failure that nobody retrieves is reported once, with the name and the creation place in debug mode', () => {
  const reports: Unhandled[] = [];
  run(
    function* () {
      const lost = createTask(
        function* failing() {
          yield* sleep(1);
          throw new Error('lost');
        },
        { name: 'the lost one' },
      );
      while (!lost.done) yield* sleep(1); // which does not ask for its outcome
      yield* sleep(20);
    },
    { debug: true, slowStep: Number.POSITIVE_INFINITY, onUnhandled: (report) => reports.push(report) },
  );
  expect(reports).toHaveLength(1);
  expect(reports[0]?.kind).toBe('task');
  expect(reports[0]?.task?.name).toBe('the lost one');
  expect(reports[0]?.createdAt).toMatch(/run\.test\.ts/);
  expect((reports[0]?.error as Error | undefined)?.stack).toMatch(/failing/);
});

test("S12: without a handler an unhandled error is printed with the task's name, and the exit code is 1", async () => {
  const program = start(`
    import { callSoon, createTask, run, sleep } from 'coreactor';
    run(function* () {
      callSoon(() => { throw new Error('in a callback') });
      createTask(function* () { throw new Error('in a task') }, { name: 'the culprit' });
      yield* sleep(5);
      console.log('went on');
    }, { name: 'the owner' });`);
  const { code, stdout, stderr } = await program.ended;
  expect(stdout).toBe('went on\n');
  expect(stderr).toMatch(/a callback of the owner threw[\s\S]*in a callback/);
  expect(stderr).toMatch(/the culprit failed and nobody has asked for its error[\s\S]*in a task/);
  expect(code).toBe(1);
});

const INTERRUPTED = `
  import { createTask, run, sleep } from 'coreactor';
  run(function* () {
    createTask(function* () { try { yield* sleep(null) } finally { yield* sleep(5); console.log('child clean') } });
    try {
      console.log('up');
      for (;;) yield* sleep(10000);
    } catch { console.log('caught') } finally {
      yield* sleep(5);
      console.log('main clean');
    }
  });`;

test('S76: Ctrl-C cancels main, runs the clean-up and exits with 130', async () => {
  const program = start(INTERRUPTED);
  await program.says('up');
  program.child.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect(stdout).toBe('up\nmain clean\nchild clean\n');
  expect(code).toBe(130);
});

test('S76: a second Ctrl-C interrupts the clean-up', async () => {
  const program = start(`
    import { run, sleep } from 'coreactor';
    run(function* () {
      try {
        try { console.log('up'); yield* sleep(null) }
        finally { console.log('cleaning'); yield* sleep(null); console.log('not reached') }
      } finally { console.log('outer') }
    });`);
  await program.says('up');
  program.child.kill('SIGINT');
  await program.says('cleaning');
  program.child.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect(stdout).toBe('up\ncleaning\nouter\n');
  expect(code).toBe(130);
});

/** Resolves when the signal has reached one of the process's threads: of two that are on their way one is left. */
async function taken(signal: number, pid: number): Promise<void> {
  const pending = (): number =>
    existsSync('/proc/self/status')
      ? Number.parseInt(/ShdPnd:\s*(\w+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] as string, 16)
      : 0;
  do await new Promise((resolve) => setTimeout(resolve, 100));
  while ((pending() & (1 << (signal - 1))) !== 0);
}

test('S76: a loop stuck in a step is ended by the second Ctrl-C', async () => {
  const program = start(`
    import { run } from 'coreactor';
    import { writeSync } from 'node:fs';
    run(function* () { writeSync(1, 'up\\n'); for (;;); });`);
  await program.says('up');
  program.child.kill('SIGINT');
  await taken(constants.signals.SIGINT, program.child.pid as number);
  program.child.kill('SIGINT');
  const { signal } = await program.ended;
  expect(signal).toBe('SIGINT');
});

test('S76: a program that listens to SIGINT itself keeps it', async () => {
  const program = start(`
    import { run, sleep } from 'coreactor';
    process.on('SIGINT', () => { console.log('mine'); process.exit(3) });
    run(function* () { console.log('up'); yield* sleep(300); });
    console.log('run returned');
    setTimeout(() => {}, 5000);`);
  await program.says('up');
  program.child.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect(stdout).toBe('up\nrun returned\nmine\n');
  expect(code).toBe(3);
});

test('S76: other signals shorten no sleep and lose nothing', async () => {
  const program = start(`
    import { run, sleep, now, createTask, listen, connect } from 'coreactor';
    process.on('SIGUSR2', () => {});
    run(function* () {
      const listener = listen({ host: '127.0.0.1', port: 0 });
      let bytes = 0;
      createTask(function* () {
        const socket = yield* listener.accept();
        for (let part; (part = yield* socket.recv(1000)).length > 0; ) bytes += part.length;
      });
      const client = yield* connect(listener.address);
      console.log('up');
      const begin = now();
      for (let i = 0; i < 100; i++) { yield* sleep(5); yield* client.sendAll(Buffer.alloc(100)); }
      const took = now() - begin;
      while (bytes < 10_000) yield* sleep(1);
      console.log(took >= 500 ? 'long enough' : 'too short ' + took, bytes);
    });
    process.exit(0);`);
  await program.says('up');
  let on = true;
  const storm = (async () => {
    while (on) {
      program.child.kill('SIGUSR2');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const { stdout } = await program.ended;
  on = false;
  await storm;
  expect(stdout).toBe('up\nlong enough 10000\n');
});

test('H22: no internal descriptor is inherited by a child process', async () => {
  const program = start(`
    import { run, listen, connect } from 'coreactor';
    import { execFileSync } from 'node:child_process';
    import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
    const folder = mkdtempSync('/tmp/coreactor-');
    const inherited = () => {
      const out = openSync(folder + '/list', 'w');
      execFileSync('sh', ['-c', 'for f in /proc/self/fd/*; do readlink $f; done; true'], { stdio: ['ignore', out, 'ignore'] });
      return readFileSync(folder + '/list', 'utf8').split('\\n').filter((target) => /^(anon_inode|socket|pipe)/.test(target));
    };
    const before = inherited(); // what this process was given itself
    run(function* () {
      const listener = listen({ host: '127.0.0.1', port: 0 });
      const a = yield* connect(listener.address);
      const b = yield* listener.accept();
      console.log(inherited().length - before.length);
    });
    rmSync(folder, { recursive: true });`);
  const { stdout, stderr } = await program.ended;
  expect(stdout, stderr).toBe('0\n');
});

test('S76: a Ctrl-C in the last step is not lost, and none is left for the next run', async () => {
  const program = start(`
    import { run } from 'coreactor';
    try {
      run(function* () {
        process.kill(process.pid, 'SIGINT');
        for (const end = Date.now() + 50; Date.now() < end; );
      });
    } finally { console.log('not reached') }`);
  const { code, stdout } = await program.ended;
  expect([code, stdout]).toEqual([130, '']);
});

test('S76: the first Ctrl-C while others clean up lets them finish', async () => {
  const { file, open } = gate();
  const program = start(
    `
    import { existsSync } from 'node:fs';
    import { createTask, run, sleep } from 'coreactor';
    run(function* () {
      createTask(function* () {
        try { yield* sleep(null) }
        finally {
          console.log('cleaning');
          while (!existsSync(process.argv.at(-1))) yield* sleep(1);
          yield* sleep(50);
          console.log('clean');
        }
      });
      yield* sleep(1);
    });
    console.log('not reached');`,
    { args: [file] },
  );
  await program.says('cleaning');
  program.child.kill('SIGINT');
  open();
  const { code, stdout } = await program.ended;
  expect([code, stdout]).toEqual([130, 'cleaning\nclean\n']);
});

test('S76: a SIGINT listener that is added while run() works is kept', async () => {
  const program = start(`
    import { run, sleep } from 'coreactor';
    run(function* () {
      process.on('SIGINT', () => { console.log('mine'); process.exit(4) });
      yield* sleep(1);
    });
    console.log('up');
    setTimeout(() => {}, 5000);`);
  await program.says('up');
  program.child.kill('SIGINT');
  expect((await program.ended).code).toBe(4);
});

test('S30: what throws through the loop leaves no descriptor, and a runner is not closed under its own feet', () => {
  const before = countDescriptors();
  const broken = {
    selectEnd: () => {
      throw new Error('a broken instrument');
    },
  };
  expect(() =>
    run(
      function* () {
        listen({ host: '127.0.0.1', port: 0 });
        yield* sleep(1);
      },
      { instruments: [broken] },
    ),
  ).toThrow('a broken instrument');
  using runner = new Runner();
  runner.run(function* () {
    expect(() => runner.close()).toThrow(/while it runs/);
  });
  runner.close();
  expect(countDescriptors()).toBe(before);
});

test('S76: an error of main after Ctrl-C is printed, since there is nobody to throw it to', async () => {
  const program = start(`
    const { run, sleep } = await import('coreactor');
    run(function* () {
      console.log('ready');
      try { yield* sleep(60_000); } finally { throw new Error('clean-up failed'); }
    });`);
  await program.says('ready');
  program.child.kill('SIGINT');
  const { code, stderr } = await program.ended;
  expect(code).toBe(130);
  expect(stderr).toContain('clean-up failed');
});

test('S80: a deadlock that clean-up does not survive still tells what main threw', () => {
  const error = thrownBy(() =>
    run(function* () {
      const never = new Event();
      createTask(function* () {
        for (let round = 0; ; round++) {
          try {
            yield* never.wait();
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: that is the mistake
            if (round >= 0) continue;
          }
          break;
        }
      });
      yield* sleep(1);
      throw new Error('real');
    }),
  );
  expect(error).toBeInstanceOf(DeadlockError);
  expect((error.cause as Error).message).toBe('real');
});

test.skipIf(process.env.COREACTOR_TEST_HOST === 'guest')(
  'a fake clock of the test runner does not stop its time: nobody could move it on while the thread is blocked',
  () => {
    let waits = 0;
    const selectEnd = (): void => {
      if (++waits > 20) throw new Error('its time stands still');
    };
    vi.useFakeTimers();
    try {
      const began = performance.now();
      const slept = run(
        function* () {
          const before = now();
          yield* sleep(5);
          return now() - before;
        },
        { instruments: [{ selectEnd }] },
      );
      expect(slept).toBeGreaterThanOrEqual(5);
      expect(performance.now()).toBe(began); // which was fake indeed
    } finally {
      vi.useRealTimers();
    }
  },
);
