// getAddrInfo(): without a network, by names of the hosts file and, in processes of their own, names that are slow.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  Event,
  gather,
  getAddrInfo,
  listen,
  Runner,
  run,
  type SystemError,
  sleep,
  timeout,
} from '../../src/index.ts';
import { thrownIn } from '../kernel/helpers.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { knowingNames } from '../support/names.ts';
import { start } from '../support/program.ts';

/** How many threads of the pool this process has. */
function countThreads(): number {
  return readdirSync('/proc/self/task').filter(
    (id) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8') === 'coreactor-pool\n',
  ).length;
}

/** That no descriptor is lost: those of a look-up that was left are the system's own, until its thread has an answer. */
function expectDescriptors(count: number): void {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  let open = countDescriptors();
  for (let i = 0; i < 1000 && open > count; i++) {
    Atomics.wait(nothing, 0, 0, 10);
    open = countDescriptors();
  }
  expect(open).toBe(count);
}

function* codeOf(operation: Iterable<unknown>): Coroutine<string> {
  return ((yield* thrownIn(operation as Coroutine<unknown>)) as SystemError).code;
}

// The first test: there is no thread yet.
test('an IP address is its own answer, at once and without a thread', () => {
  run(function* () {
    let turns = 0;
    const counter = createTask(function* () {
      for (;;) {
        turns++;
        yield* sleep(0);
      }
    });
    expect(yield* getAddrInfo('192.0.2.1')).toEqual([{ host: '192.0.2.1', port: 0 }]);
    expect(yield* getAddrInfo('2001:db8::1', { port: 80 })).toEqual([{ host: '2001:db8::1', port: 80 }]);
    expect(yield* getAddrInfo('192.0.2.1', { family: 4 })).toEqual([{ host: '192.0.2.1', port: 0 }]);
    expect(yield* codeOf(getAddrInfo('192.0.2.1', { family: 6 }))).toBe('ENOTFOUND');
    expect(turns).toBe(0); // it has not suspended
    counter.cancel();
    using listener = listen({ host: '127.0.0.1', port: 0 });
    using client = yield* connect({ host: 'localhost', port: listener.address.port });
    expect(client.closed).toBe(false);
  });
  expect(countThreads()).toBe(0);
});

test('a name of the hosts file has its addresses, of the family and with the port that were asked for', () => {
  const before = countDescriptors();
  run(function* () {
    const inside = countDescriptors();
    const all = yield* timeout(5000, () => getAddrInfo('localhost', { port: 80 }));
    expect(all).toContainEqual({ host: '127.0.0.1', port: 80 });
    expect(new Set(all.map(({ host }) => host)).size).toBe(all.length);
    expect(yield* getAddrInfo('localhost', { family: 4 })).toEqual([{ host: '127.0.0.1', port: 0 }]);
    expect(countDescriptors()).toBe(inside);
  });
  expect(countDescriptors()).toBe(before);
  expect(countThreads()).toBeGreaterThan(0);
});

test('a name that is none has an error of the documented ones, with the name in it', () => {
  run(function* () {
    const error = (yield* thrownIn(getAddrInfo('nowhere.invalid') as never)) as SystemError;
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(error.code);
    expect(error.syscall).toBe('getaddrinfo');
    expect([-3008, -3001]).toContain(error.errno);
    expect(error.message).toContain(`getaddrinfo nowhere.invalid: ${error.code}`);
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(yield* codeOf(getAddrInfo('nirgendwo-ä.invalid')));
    for (const port of [1, 2]) {
      expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(yield* codeOf(connect({ host: 'nowhere.invalid', port })));
    }
  });
});

test('impossible questions are refused', () => {
  run(function* () {
    expect(() => getAddrInfo('')).toThrow(RangeError);
    expect(() => getAddrInfo('local\0host')).toThrow(RangeError);
    expect(() => getAddrInfo(5 as never)).toThrow(TypeError);
    expect(() => getAddrInfo('localhost', { family: 5 as never })).toThrow(/family 4, 6 or 0/);
    expect(() => getAddrInfo('localhost', { port: -1 })).toThrow(RangeError);
    const once = getAddrInfo('127.0.0.1');
    yield* once;
    expect(yield* codeOf(once as never)).toBe('ERR_COREACTOR_INVALID_STATE');
  });
});

test('many look-ups at a time have four threads, and each its own answer', () => {
  const before = countDescriptors();
  run(function* () {
    let most = 0;
    const watcher = createTask(function* () {
      for (;;) {
        most = Math.max(most, countThreads());
        yield* sleep(0);
      }
    });
    const questions = Array.from({ length: 200 }, (_, port) => getAddrInfo('localhost', { family: 4, port }));
    const answers = yield* timeout(20_000, () => gather(questions));
    expect(answers).toEqual(Array.from({ length: 200 }, (_, port) => [{ host: '127.0.0.1', port }]));
    watcher.cancel();
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(4);
  });
  expect(countDescriptors()).toBe(before);
});

test('cancelled at any moment, a look-up leaves nothing, and the next ones have their answers', () => {
  const before = countDescriptors();
  run(function* () {
    const inside = countDescriptors();
    for (let i = 0; i < 60; i++) {
      const tasks = Array.from({ length: 8 }, () => createTask(getAddrInfo('localhost', { family: 4 })));
      if (i % 3 > 0) yield* sleep((i % 3) / 5);
      for (const task of tasks) task.cancel();
      yield* sleep(0);
      yield* sleep(0);
      expect(tasks.every((task) => task.done)).toBe(true);
      expectDescriptors(inside);
    }
    expect(yield* getAddrInfo('localhost', { family: 4 })).toEqual([{ host: '127.0.0.1', port: 0 }]);
    expectDescriptors(inside);
  });
  expectDescriptors(before);
});

test('several runs after each other, on one selector and on several, and one that ends during a look-up', () => {
  const before = countDescriptors();
  for (let i = 0; i < 3; i++) {
    expect(run(() => getAddrInfo('localhost', { family: 4 }))).toEqual([{ host: '127.0.0.1', port: 0 }]);
  }
  {
    using runner = new Runner();
    for (let i = 0; i < 3; i++) {
      expect(runner.run(() => getAddrInfo('localhost', { family: 4 }))).toEqual([{ host: '127.0.0.1', port: 0 }]);
      runner.run(function* () {
        createTask(getAddrInfo('localhost'));
        yield* sleep(0);
      });
    }
  }
  expectDescriptors(before);
});

test('S80: a look-up that runs is hope, and one that is over is none', () => {
  expect(() =>
    run(function* () {
      yield* getAddrInfo('localhost');
      yield* new Event().wait();
    }),
  ).toThrow(/every task waits|deadlock/i);
});

const prefix = knowingNames();

/** Runs a program on the compiled package, to which look-ups may be slow. */
async function output(source: string): Promise<string> {
  const { stdout, stderr, code } = await start(source, { prefix, seconds: 30 }).ended;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

test('a slow look-up blocks nobody; cancelled, it is left at once, and the program ends without it', async () => {
  const said = await output(`
    import { createTask, getAddrInfo, moveOnAfter, run, sleep } from './dist/index.js';
    run(function* () {
      const slow = createTask(getAddrInfo('wait-2000_192.0.2.1'));
      let steps = 0;
      yield* sleep(1);
      console.log(String(slow.waitingOn));
      while (!slow.done) { steps++; yield* sleep(1); }
      console.log(steps > 20, slow.result());
      console.log(yield* moveOnAfter(10, () => getAddrInfo('wait-600000_192.0.2.1')));
      console.log(yield* getAddrInfo('wait-0_192.0.2.2'));
    });
  `);
  expect(said).toBe(
    "getAddrInfo wait-2000_192.0.2.1\ntrue [ { host: '192.0.2.1', port: 0 } ]\nundefined\n[ { host: '192.0.2.2', port: 0 } ]\n",
  );
});

test('no false alarm of a deadlock while a slow look-up is all that is left', async () => {
  const said = await output(`
    import { getAddrInfo, run } from './dist/index.js';
    console.log(run(() => getAddrInfo('wait-200_2001:db8::1_192.0.2.1', { port: 5 })));
  `);
  expect(said).toContain("[ { host: '2001:db8::1', port: 5 }, { host: '192.0.2.1', port: 5 } ]");
});

test('Ctrl-C ends a program that waits for a look-up', async () => {
  const program = start(
    `import { callSoon, getAddrInfo, run } from './dist/index.js';
     run(function* () {
       callSoon(() => console.log('looking'));
       try { yield* getAddrInfo('wait-600000_192.0.2.1'); } finally { console.log('cleaned up'); }
     });`,
    { prefix, seconds: 30 },
  );
  await program.says('looking');
  program.child.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect(stdout).toContain('cleaned up');
  expect(code).toBe(130);
});

test('a worker ends while its look-ups run, and their threads find their code still there', async () => {
  const said = await output(`
    import { Worker } from 'node:worker_threads';
    const source = \`
      import('\${new URL('./dist/index.js', 'file://' + process.cwd() + '/')}').then(({ createTask, getAddrInfo, run, sleep }) => {
        run(function* () {
          for (let i = 0; i < 6; i++) createTask(getAddrInfo('wait-700_192.0.2.1'));
          yield* sleep(50);
        });
      });
    \`;
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(source, { eval: true });
      await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    }
    await new Promise((resolve) => setTimeout(resolve, 1500)); // by now all of them have returned
    console.log('alive');
  `);
  expect(said).toBe('alive\n');
});

test('connect tries all addresses of a name, and listen takes the first', async () => {
  const said = await output(`
    import { connect, createTask, listen, run } from './dist/index.js';
    run(function* () {
      const listener = listen({ host: 'wait-1_127.0.0.3_::1', port: 0 });
      const { host, port } = listener.address;
      console.log(host);
      const client = yield* connect({ host: 'wait-1_::1_127.0.0.2_127.0.0.3', port });
      console.log(client.remoteAddress.host);
      client.close();
      listener.close();
      try {
        yield* connect({ host: 'wait-1_::1_127.0.0.2_127.0.0.3', port });
      } catch (error) {
        console.log(error.name, error.code, error.errors.length);
        console.log(error.message.replaceAll(port, 'PORT'));
      }
      try {
        yield* connect({ host: 'wait-1_127.0.0.2', port });
      } catch (error) {
        console.log(error.name, error.code);
      }
    });
  `);
  expect(said).toBe(
    '127.0.0.3\n127.0.0.3\nConnectError ECONNREFUSED 3\n' +
      'connect to [wait-1_::1_127.0.0.2_127.0.0.3]:PORT has failed at all its addresses: ' +
      ['[::1]', '127.0.0.2', '127.0.0.3']
        .map((host) => `connect to ${host}:PORT: ECONNREFUSED, connection refused`)
        .join('; ') +
      '\nSystemError ECONNREFUSED\n',
  );
});
