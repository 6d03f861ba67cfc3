// @ts-nocheck: it runs on the bundle, as all runtimes find it, which has no types of its own.
// What every runtime must do with the one addon that was built: run by scripts/runtimes.js, without vitest. Prints a line
// for each case.

import {
  callSoonThreadsafe,
  cluster,
  connect,
  createTask,
  Event,
  fromDuplex,
  fromPromise,
  fromThread,
  getAddrInfo,
  listen,
  Queue,
  run,
  runProcess,
  runPromise,
  Selector,
  signal,
  sleep,
  timeout,
  toDuplex,
  toThread,
} from '../../dist/bundle/coreactor.js';

const PATIENCE = 20_000;
const ANY = { host: '127.0.0.1', port: 0 };

function equal(/** @type {unknown} */ given, /** @type {unknown} */ expected) {
  const [a, b] = [JSON.stringify(given), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} instead of ${b}`);
}

function* echo() {
  const listener = listen(ANY);
  const server = createTask(function* () {
    const socket = yield* listener.accept();
    for (;;) {
      const data = yield* socket.recv(100_000);
      if (data.length === 0) break;
      yield* socket.sendAll(data);
    }
    socket.close();
  });
  const socket = yield* connect(/** @type {any} */ (listener.address));
  const reader = socket.reader();
  for (const size of [1, 1000, 300_000]) {
    const sending = createTask(socket.sendAll(Buffer.alloc(size, 'x')));
    equal((yield* reader.readExactly(size)).length, size);
    yield* sending;
  }
  socket.close();
  yield* server;
  listener.close();
}

function* cancels() {
  /** @type {string[]} */
  const seen = [];
  function* inner() {
    try {
      yield* sleep(1e6);
    } finally {
      yield* sleep(1);
      seen.push('inner');
    }
  }
  const task = createTask(function* () {
    try {
      yield* inner();
      seen.push('went on');
    } finally {
      yield* sleep(1);
      seen.push('outer');
    }
  });
  yield* sleep(1);
  task.cancel();
  yield* timeout(1000, function* () {
    while (!task.done) yield* sleep(1);
  });
  equal([seen, task.cancelled], [['inner', 'outer'], true]);
  const error = yield* outcome(timeout(5, () => sleep(1e6)));
  equal(error.name, 'TimeoutError');
}

/** @param {import('coreactor').Operation<unknown>} operation @returns {import('coreactor').Coroutine<any>} */
function* outcome(operation) {
  try {
    return yield* operation;
  } catch (error) {
    return error;
  }
}

function* threads() {
  equal(yield* toThread((a, b) => a + b, 20, 22), 42);
  equal((yield* outcome(toThread(() => JSON.parse('{')))).name, 'SyntaxError');
  equal(
    (yield* outcome(
      timeout(100, () =>
        toThread(() => {
          for (;;);
        }),
      ),
    )).name,
    'TimeoutError',
  );
  const event = new Event();
  const call = callSoonThreadsafe(() => event.set());
  fromThread(call.handle)();
  yield* event.wait();
  call.close();
}

function* manyCores() {
  const entry = new URL('../cluster/worker.js', import.meta.url);
  for (const accept of /** @type {any[]} */ (process.platform === 'linux' ? ['reuseport', 'handoff'] : ['handoff'])) {
    const servers = yield* cluster({ entry, workers: 2, accept, ...ANY });
    const seen = new Set();
    for (let i = 0; i < 100 && seen.size < 2; i++) {
      const socket = yield* connect(/** @type {any} */ (servers.address));
      yield* socket.sendAll(Buffer.from('who\n'));
      seen.add(JSON.parse((yield* socket.reader().readLine()) ?? '').index);
      socket.close();
    }
    equal([...seen].sort(), [0, 1]);
    yield* servers.close();
  }
}

/** @type {Record<string, () => unknown>} */
const cases = {};
for (const selector of /** @type {any[]} */ (Selector.available)) {
  cases[`run ${selector}`] = () => run(() => timeout(PATIENCE, echo), { selector });
  cases[`runPromise ${selector}`] = () => runPromise(() => timeout(PATIENCE, echo), { selector });
}
const both = (/** @type {string} */ name, /** @type {() => import('coreactor').Coroutine<void>} */ main) => {
  cases[`${name}, run`] = () => run(() => timeout(PATIENCE, main));
  cases[`${name}, runPromise`] = () => runPromise(() => timeout(PATIENCE, main));
};
both('cancels', cancels);
both('threads', threads);
both('cluster', manyCores);
both('processes', function* () {
  equal(String((yield* runProcess('echo', ['hello'])).stdout), 'hello\n');
});
both('names', function* () {
  equal(yield* getAddrInfo('127.0.0.1', { port: 7 }), [{ host: '127.0.0.1', port: 7 }]);
});
both('signals', function* () {
  const waiting = createTask(signal('SIGUSR1'));
  yield* sleep(5);
  process.kill(process.pid, 'SIGUSR1');
  equal(yield* waiting, 'SIGUSR1');
});
cases.promises = () =>
  runPromise(function* () {
    equal(yield* fromPromise(new Promise((resolve) => setTimeout(() => resolve('settled'), 5))), 'settled');
    const task = createTask(sleep(5));
    yield* fromPromise((async () => await task)());
    const queue = new Queue();
    const feeding = createTask(function* () {
      for (let i = 0; i < 3; i++) {
        yield* queue.put(i);
        yield* sleep(1);
      }
      queue.shutdown();
    });
    const got = yield* fromPromise(
      (async () => {
        const all = [];
        for await (const item of queue) all.push(item);
        return all;
      })(),
    );
    yield* feeding;
    equal(got, [0, 1, 2]);
  });
cases.streams = () =>
  runPromise(function* () {
    const listener = listen(ANY);
    const accepting = createTask(listener.accept());
    const one = fromDuplex(toDuplex(yield* connect(/** @type {any} */ (listener.address))));
    const other = fromDuplex(toDuplex(yield* accepting));
    yield* one.sendAll(Buffer.from('through two streams'));
    equal(String(yield* other.reader().readExactly(19)), 'through two streams');
    one.close();
    other.close();
    listener.close();
  });

let failed = 0;
for (const [name, body] of Object.entries(cases)) {
  try {
    await body();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${/** @type {Error} */ (error).stack}`);
  }
}
const count = Object.keys(cases).length;
console.log(`test cases: ${count} | ${count - failed} passed | ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
