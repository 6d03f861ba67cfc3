// Signals: each waiter gets its own, none is lost between two waits, and what was there before is back afterwards.

import { expect, test } from 'vitest';
import { type Coroutine, createTask, gather, run, signal, signals, sleep, timeout, wait } from '../../src/index.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { start } from '../support/program.ts';

function runs(body: () => Coroutine<void>): void {
  const before = countDescriptors();
  run(() => timeout(10_000, body) as Coroutine<void>);
  expect(countDescriptors()).toBe(before);
}

const raise = (name: NodeJS.Signals): void => {
  process.kill(process.pid, name);
};

test('a signal wakes everybody who waits for it, and nobody else', () => {
  runs(function* () {
    const waiting = [1, 2, 3].map(() => createTask(() => signal('SIGUSR1')));
    const other = createTask(() => signal('SIGWINCH'));
    yield* sleep(1);
    raise('SIGUSR1');
    expect(yield* gather(waiting)).toEqual(['SIGUSR1', 'SIGUSR1', 'SIGUSR1']);
    yield* sleep(1);
    expect(other.done).toBe(false);
    raise('SIGWINCH');
    expect(yield* other).toBe('SIGWINCH');
  });
});

test('signals() loses none between two calls, and tells which it was', () => {
  runs(function* () {
    using listener = signals('SIGUSR1', 'SIGHUP');
    raise('SIGUSR1');
    yield* sleep(1);
    raise('SIGHUP');
    yield* sleep(1);
    expect([yield* listener.receive(), yield* listener.receive()]).toEqual(['SIGUSR1', 'SIGHUP']);
    const waiting = createTask(() => listener.receive());
    yield* sleep(1);
    expect(waiting.done).toBe(false);
    waiting.cancel();
    yield* sleep(0);
    raise('SIGHUP');
    expect(yield* listener.receive()).toBe('SIGHUP');
  });
});

test('S71: closing it wakes who waits; a second task is busy', () => {
  runs(function* () {
    const listener = signals('SIGUSR1');
    const waiting = createTask(() => listener.receive());
    yield* sleep(0);
    const busy = createTask(() => listener.receive());
    yield* wait([busy]);
    expect(busy.exception()).toMatchObject({ code: 'ERR_COREACTOR_BUSY' });
    listener.close();
    listener.close();
    yield* wait([waiting]);
    expect(waiting.exception()).toMatchObject({ code: 'ERR_COREACTOR_CLOSED' });
    expect(() => listener.receive()).toThrow(/nobody listens/);
  });
});

test('what cannot be caught, what is an error, and what is no signal are refused', () => {
  runs(function* () {
    expect(() => signals('SIGKILL')).toThrow(/SIGKILL: nobody can catch it/);
    expect(() => signals('SIGSEGV')).toThrow(/cannot go on/);
    expect(() => signal('SIGNOTHING' as never)).toThrow(/SIGNOTHING: take a name such as 'SIGTERM'/);
    expect(() => signals()).toThrow(RangeError);
    yield* sleep(0);
  });
});

test('outside a run there is nobody to wait', () => {
  expect(() => signal('SIGUSR1')).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_INVALID_STATE' }));
});

test("a handler of Node's is left alone meanwhile and hears the next one", async () => {
  const program = start(`
    import { run, signal, createTask, sleep } from 'coreactor';
    const alive = setInterval(() => {}, 1000);
    process.on('SIGUSR1', () => {
      console.log('node heard');
      clearInterval(alive);
    });
    run(function* () {
      const task = createTask(() => signal('SIGUSR1'));
      yield* sleep(1);
      process.kill(process.pid, 'SIGUSR1');
      console.log('we heard', yield* task);
    });
    process.kill(process.pid, 'SIGUSR1');
  `);
  expect((await program.ended).stdout).toBe('we heard SIGUSR1\nnode heard\n');
});

test('the default is back when nobody listens any more, and when the run has ended', async () => {
  for (const source of [
    `run(function* () {
      const listener = signals('SIGTERM');
      process.kill(process.pid, 'SIGTERM');
      console.log(yield* listener.receive());
      listener.close();
      process.kill(process.pid, 'SIGTERM');
      yield* sleep(5000);
    });`,
    `run(function* () {
      const listener = signals('SIGTERM');
      process.kill(process.pid, 'SIGTERM');
      console.log(yield* listener.receive());
    });
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => {}, 5000);`,
    `run(function* () {
      callSoon(() => process.kill(process.pid, 'SIGTERM'));
      console.log(yield* signal('SIGTERM'));
      process.kill(process.pid, 'SIGTERM');
      yield* sleep(5000);
    });`,
  ]) {
    const { signal: ended, stdout } = await start(
      `import { callSoon, run, signal, signals, sleep } from 'coreactor';\n${source}`,
    ).ended;
    expect([ended, stdout]).toEqual(['SIGTERM', 'SIGTERM\n']);
  }
});

test('S76: Ctrl-C is for who listens to it; afterwards it ends the run as ever', async () => {
  const program = start(`
    import { createTask, run, signal, sleep } from 'coreactor';
    run(function* () {
      const waiting = createTask(() => signal('SIGINT'));
      yield* sleep(0);
      console.log('ready');
      console.log('heard', yield* waiting);
      try {
        yield* sleep(10_000);
      } finally {
        console.log('cleaned up');
      }
    });
  `);
  await program.says('ready');
  program.child.kill('SIGINT');
  await program.says('heard SIGINT');
  program.child.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect([code, stdout]).toEqual([130, 'ready\nheard SIGINT\ncleaned up\n']);
});

test('two loops on two threads both hear it, and one that ends with its worker takes nobody along', async () => {
  const program = start(`
    import { Worker } from 'node:worker_threads';
    import { run, signal, signals, sleep } from 'coreactor';
    const source = \`
      const { run, signals } = await import('coreactor');
      run(function* () {
        process.stdout.write('');
        const listener = signals('SIGHUP');
        new Int32Array(require('node:worker_threads').workerData)[0] = 1;
        yield* listener.receive();
        listener.close();
        new Int32Array(require('node:worker_threads').workerData)[0] = 2;
      });
    \`;
    const shared = new SharedArrayBuffer(4);
    const cells = new Int32Array(shared);
    const worker = new Worker('const require = process.getBuiltinModule("node:module").createRequire(process.cwd() + "/x"); (async () => {' + source + '})()', { eval: true, workerData: shared });
    while (cells[0] !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
    run(function* () {
      const listener = signals('SIGHUP');
      yield* sleep(50);
      process.kill(process.pid, 'SIGHUP');
      console.log('main', yield* listener.receive());
      while (cells[0] !== 2) yield* sleep(5);
      console.log('worker');
    });
    await new Promise((resolve) => worker.on('exit', resolve));
    run(function* () {
      const listener = signals('SIGHUP');
      process.kill(process.pid, 'SIGHUP');
      console.log('main', yield* listener.receive());
    });
  `);
  const { code, stdout, stderr } = await program.ended;
  expect([code, stdout, stderr]).toEqual([0, 'main SIGHUP\nworker\nmain SIGHUP\n', '']);
});
