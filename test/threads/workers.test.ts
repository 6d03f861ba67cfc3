// Workers that load the addon and end in any way, at any moment, in any order: nothing crashes and nothing is left.

import { expect, test } from 'vitest';
import { start } from '../support/program.ts';

/** Hundreds with an addon under ASan: `npm run test:sanitizers`. */
const COUNT = Number(process.env.COREACTOR_WORKERS ?? 100);

test(
  'H38: a hundred workers with loops of every kind are ended in any order; their descriptors are gone with them',
  async () => {
    const ended = await start(
      `import { readdirSync, readlinkSync } from 'node:fs';
    import { Worker } from 'node:worker_threads';
    import 'coreactor';
    const source = \`import('coreactor').then(async ({ Channel, createTask, fromPromise, listen, openReceiver, run, runPromise, sleep, toThread }) => {
      const { workerData: how } = process.getBuiltinModule('node:worker_threads');
      function* main() {
        const listener = listen({ host: '127.0.0.1', port: 0 });
        createTask(listener.accept());
        const channel = new Channel({ capacity: 1024 });
        createTask(openReceiver(channel.receiver).receive());
        if (how % 4 === 0) createTask(toThread(() => { for (;;); }));
        for (let i = 0; how % 5 !== 0 || i < 10; i++) yield* sleep(how % 3);
        if (how % 10 === 5) process.exit(0);
      }
      if (how % 2 === 0) run(main);
      else await runPromise(main, how % 7 === 0 ? { selector: 'poll' } : {});
    })\`;
    const one = async (i) => {
      const worker = new Worker(source, { eval: true, workerData: i, stderr: true });
      worker.on('error', (error) => console.log('error', error.message));
      const over = new Promise((resolve) => worker.once('exit', resolve));
      const ms = 40 + ((i * 7919) % 300);
      await Promise.race([over, new Promise((resolve) => setTimeout(resolve, ms))]);
      await worker.terminate();
      await over;
    };
    await one(1);
    // Not files: Node's loader leaves those open that it reads when its worker is ended.
    const kind = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return '/'; } };
    const count = () => readdirSync('/proc/self/fd').filter((fd) => !kind(fd).startsWith('/')).length;
    const before = count();
    let next = 0;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (next < ${COUNT}) await one(next++);
    }));
    for (let i = 0; i < 200 && count() > before; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    console.log(count() - before <= 0 ? 'nothing is left' : count() - before + ' descriptors are left');`,
      { seconds: COUNT },
    ).ended;
    expect([ended.stdout, ended.stderr, ended.code, ended.signal]).toEqual(['nothing is left\n', '', 0, null]);
  },
  COUNT * 1200,
);

// A sanitizer keeps what was freed, so there this says nothing; what leaks is told there by itself.
test.skipIf(process.env.LD_PRELOAD)(
  'H38: workers that load the addon and end leave no memory',
  async () => {
    const ended = await start(
      `import { Worker } from 'node:worker_threads';
    const source = "import('coreactor').then(() => process.exit(0))";
    const workers = async (count) => {
      for (let i = 0; i < count; i++) {
        const worker = new Worker(source, { eval: true });
        await new Promise((resolve) => worker.once('exit', resolve));
      }
      globalThis.gc();
      return process.memoryUsage.rss() / 1024;
    };
    // The heap settles at its own pace, so the best of several rounds counts: what leaks grows in each of them.
    let least = Infinity;
    let before = await workers(20);
    for (let round = 0; round < 4 && least > 256; round++) {
      const now = await workers(25);
      least = Math.min(least, (now - before) / 25);
      before = now;
    }
    console.log(least <= 1024 ? 'no growth' : Math.round(least) + ' KiB for each worker');`,
      { seconds: 100 },
    ).ended;
    expect([ended.stdout, ended.stderr, ended.code]).toEqual(['no growth\n', '', 0]);
  },
  100_000,
);

test('a clock that stands still in a worker, as a fake does, does not make its blocking waits endless', async () => {
  const source = `globalThis.performance = { now: () => 5 };
    import('coreactor').then(({ run, sleep }) => run(() => sleep(120)));`;
  const ended = await start(
    `import { Worker } from 'node:worker_threads';
    new Worker(${JSON.stringify(source)}, { eval: true }).on('exit', (code) => console.log('ended with', code));`,
    { seconds: 10 },
  ).ended;
  expect([ended.stdout, ended.stderr, ended.signal]).toEqual(['ended with 0\n', '', null]);
});

test('H38: who is accepted by a worker that is being terminated is not left waiting for ever', async () => {
  const source = `import('coreactor').then(({ listen, run, sleep }) => run(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    const { parentPort } = process.getBuiltinModule('node:worker_threads');
    parentPort.postMessage(listener.address.port);
    for (;;) (yield* listener.accept()).close();
  }))`;
  const ended = await start(
    `import net from 'node:net';
    import { Worker } from 'node:worker_threads';
    const source = ${JSON.stringify(source)};
    for (let i = 0; i < 10; i++) {
      const worker = new Worker(source, { eval: true });
      const port = await new Promise((resolve) => worker.once('message', resolve));
      await new Promise((resolve) => setTimeout(resolve, 5 * i)); // it is somewhere in its wait
      const over = worker.terminate();
      // Who connects while a listener is closed may hear nothing at all of Linux, until he says something.
      const clients = Array.from({ length: 20 }, () => net.connect(port, '127.0.0.1', function () { this.write('x'); }));
      for (const client of clients) client.on('error', () => {}).resume();
      await over;
      await Promise.all(clients.map((client) => client.closed || new Promise((resolve) => client.once('close', resolve))));
    }
    console.log('all were told');`,
    { seconds: 30 },
  ).ended;
  expect([ended.stdout, ended.stderr, ended.signal]).toEqual(['all were told\n', '', null]);
});
