// @ts-nocheck: it runs on the bundle, as all runtimes find it, which has no types of its own.
// What every runtime must do with the one addon that was built: run by scripts/runtimes.js, without vitest. Prints a line
// for each case, under the heading that it has in the README's table.

import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  CancelScope,
  Channel,
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
  now,
  openReceiver,
  openSender,
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
const FILE = fileURLToPath(import.meta.url);
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

/** Messages from a worker that runs this file, past whatever event loop it has. */
function* channels() {
  const channel = new Channel({ capacity: 1024 });
  const worker = new Worker(FILE, { workerData: { sender: channel.sender } });
  const ended = new Promise((resolve) => worker.on('exit', resolve));
  const receiver = openReceiver(channel.receiver);
  for (let i = 0; i < 100; i++) equal(yield* receiver.receive(), { i, text: 'x'.repeat(i) });
  receiver.close();
  channel.close();
  return ended; // a promise, which whoever has run this waits for
}

/** What the workers do that are terminated. */
function* turns() {
  parentPort.postMessage('begun');
  for (;;) yield* sleep(1);
}

/** What the worker of `channels` does. */
function* send(/** @type {any} */ handle) {
  const sender = openSender(handle);
  for (let i = 0; i < 100; i++) yield* sender.send({ i, text: 'x'.repeat(i) });
  sender.close();
}

function* promises() {
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
}

/** The runtime's own fetch() asks its own server, and a cancel aborts it. */
function* fetches() {
  const server = http.createServer((request, response) => {
    if (request.url !== '/never') response.end(`you asked for ${request.url}`);
  });
  yield* fromPromise(new Promise((resolve) => server.listen(0, ANY.host, () => resolve(null))));
  const base = `http://${ANY.host}:${server.address().port}`;
  const response = yield* fromPromise((signal) => fetch(`${base}/it`, { signal }));
  equal(yield* fromPromise(response.text()), 'you asked for /it');
  const ends = [];
  yield* outcome(
    timeout(20, () =>
      fromPromise((signal) => {
        const asking = fetch(`${base}/never`, { signal });
        asking.catch((error) => ends.push(error.name));
        return asking;
      }),
    ),
  );
  while (ends.length === 0) yield* sleep(1);
  equal(ends, ['AbortError']);
  server.closeAllConnections();
  server.close();
}

function* signalsOfAbort() {
  const aborter = new AbortController();
  const task = createTask(sleep(1e6), { signal: aborter.signal });
  setTimeout(() => aborter.abort('from outside'), 1);
  const error = yield* outcome(task);
  equal([error.name, error.reason], ['CancelledError', 'from outside']);
  const scope = new CancelScope({ deadline: now() + 1 });
  const aborted = new Promise((resolve) => scope.signal.addEventListener('abort', () => resolve('aborted')));
  yield* scope.run(() => sleep(1e6));
  equal(yield* fromPromise(aborted), 'aborted');
}

function* streams() {
  const listener = listen(ANY);
  const accepting = createTask(listener.accept());
  const one = fromDuplex(toDuplex(yield* connect(listener.address)));
  const other = fromDuplex(toDuplex(yield* accepting));
  yield* one.sendAll(Buffer.from('through two streams'));
  equal(String(yield* other.reader().readExactly(19)), 'through two streams');
  one.close();
  other.close();
  listener.close();
}

/** A stream that nobody reads ends with its peer, and tells that there was no error. */
function* unread() {
  const listener = listen(ANY);
  const accepting = createTask(listener.accept());
  const duplex = toDuplex(yield* connect(listener.address));
  const peer = yield* accepting;
  const closed = new Promise((resolve) => duplex.once('close', resolve));
  duplex.end('a message');
  let message = '';
  for (let part; part !== ''; message += part) part = String(yield* peer.recv(100));
  peer.close();
  equal([message, yield* fromPromise(closed)], ['a message', false]);
  listener.close();
}

/** A server of node:http on sockets of ours. @param {(address: any, accepted: any[]) => any} body */
function* serving(body) {
  const server = http.createServer((request, response) => response.end(`you asked for ${request.url}`));
  const listener = listen(ANY);
  const accepted = [];
  const task = createTask(function* () {
    for (;;) {
      const duplex = toDuplex(yield* listener.accept(), { allowHalfOpen: true });
      accepted.push(duplex);
      server.emit('connection', duplex);
    }
  });
  yield* body(listener.address, accepted);
  task.cancel();
  listener.close();
}

/** A client of node:http on a socket of ours asks it. */
const web = () =>
  serving(function* (address) {
    const own = toDuplex(yield* connect(address));
    const text = yield* fromPromise(
      new Promise((resolve, reject) => {
        const request = http.get({ path: '/ours', createConnection: () => own }, (response) => {
          let all = '';
          response.on('data', (part) => {
            all += part;
          });
          response.on('end', () => resolve(all));
        });
        request.on('error', reject);
      }),
    );
    equal([text, own.bytesRead > 0], ['you asked for /ours', true]);
    own.destroy();
  });

/** One that asks for it has its connection closed, and not only when it closes itself. */
const closes = () =>
  serving(function* (address, accepted) {
    const socket = yield* connect(address);
    yield* socket.sendAll(Buffer.from('GET /raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
    let answer = '';
    for (let part; part !== ''; answer += part) part = String(yield* socket.recv(10_000));
    equal(answer.endsWith('you asked for /raw'), true);
    yield* timeout(PATIENCE / 10, function* () {
      while (!accepted[0].destroyed) yield* sleep(1);
    });
    socket.close();
  });

/** @type {AsyncLocalStorage<string>} */
const storage = new AsyncLocalStorage();

function* inherits() {
  const tasks = ['a', 'b'].map((name) =>
    storage.run(name, () =>
      createTask(function* () {
        yield* sleep(1);
        return [storage.getStore(), yield* fromPromise((async () => storage.getStore())())];
      }),
    ),
  );
  for (const [i, name] of ['a', 'b'].entries()) equal(yield* tasks[i], [name, name]);
  equal(storage.getStore(), 'main');
}

function* enters() {
  storage.enterWith('entered');
  yield* sleep(1);
  equal(storage.getStore(), 'entered');
  const child = createTask(function* () {
    storage.enterWith('of the child');
    yield* sleep(1);
    return storage.getStore();
  });
  equal(yield* child, 'of the child');
  equal(storage.getStore(), 'entered');
}

/** What is run as a process of its own: how it ends is what is asked. */
const programs = {
  deadlock: () =>
    runPromise(() => new Event().wait()).catch((error) => {
      console.log(error.name);
    }),
  'deadlock at top level': () => programs.deadlock(),
  sleeps: () => runPromise(() => sleep(50)).then(() => console.log('woke')),
  accepts: () =>
    runPromise(function* () {
      const listener = listen(ANY);
      // What does not keep the process alive itself.
      setTimeout(() => net.connect(listener.address).unref(), 50).unref();
      (yield* listener.accept()).close();
      console.log('accepted');
    }),
  'workers are terminated': async () => {
    for (const selector of ['auto', 'poll']) {
      const workers = Array.from({ length: 3 }, () => new Worker(FILE, { workerData: { selector } }));
      await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    console.log('all terminated');
  },
  prints: () =>
    runPromise(function* () {
      for (let i = 1; i < 4; i++) {
        yield* toThread((lines) => {
          for (let k = 0; k < lines; k++) console.log(`line ${k}`);
        }, 10 * i);
        process.stdout.write('done\n');
      }
      process.exit();
    }),
  ends: () =>
    runPromise(function* () {
      createTask(function* () {
        yield* sleep(1e6);
      });
      yield* sleep(1);
    }).then(() => console.log('ended')),
};

/** @param {keyof typeof programs} name @param {string} output */
function asProgram(name, output) {
  const flags = 'Deno' in globalThis ? ['run', '--allow-all', '--quiet'] : [];
  const { stdout, stderr, status, error } = spawnSync(process.execPath, [...flags, FILE, name], {
    encoding: 'utf8',
    timeout: PATIENCE / 2,
    killSignal: 'SIGKILL',
  });
  if (stdout !== output || status !== 0) {
    throw new Error(`it printed ${JSON.stringify(stdout + stderr)} and ended with ${status ?? error?.message}`);
  }
}

/** @type {{ heading: string, name: string, body: () => unknown }[]} */
const cases = [];
/** @param {string} heading of the README's table @param {string} name @param {() => unknown} body */
const add = (heading, name, body) => void cases.push({ heading, name, body });
/** @param {string} heading @param {string} name @param {() => import('coreactor').Operation<unknown>} main */
const addGuest = (heading, name, main, options = {}) =>
  add(heading, name, () => runPromise(() => timeout(PATIENCE, main), options));
const addBoth = (/** @type {string} */ name, /** @type {() => import('coreactor').Coroutine<any>} */ main) => {
  add('run', name, () => run(() => timeout(PATIENCE, main)));
  addGuest('runPromise', name, main);
};

for (const selector of /** @type {any[]} */ (Selector.available)) {
  add('run', selector, () => run(() => timeout(PATIENCE, echo), { selector }));
  addGuest('runPromise', selector, echo, { selector });
}
addBoth('cancels', cancels);
addBoth('processes', function* () {
  equal(String((yield* runProcess('echo', ['hello'])).stdout), 'hello\n');
});
addBoth('names', function* () {
  equal(yield* getAddrInfo('127.0.0.1', { port: 7 }), [{ host: '127.0.0.1', port: 7 }]);
});
addBoth('signals', function* () {
  const waiting = createTask(signal('SIGUSR1'));
  yield* sleep(5);
  process.kill(process.pid, 'SIGUSR1');
  equal(yield* waiting, 'SIGUSR1');
});
add('runPromise', 'a sleep keeps the process alive', () => asProgram('sleeps', 'woke\n'));
add('runPromise', 'a descriptor keeps the process alive', () => asProgram('accepts', 'accepted\n'));
add('threads', 'workers that are guests, by libuv or by a thread, are terminated', () =>
  asProgram('workers are terminated', 'all terminated\n'),
);
add('runPromise', 'nothing is left that keeps the process alive', () => asProgram('ends', 'ended\n'));
add('threads', 'what a job has printed is there when it is done', () => {
  const lines = Array.from({ length: 30 }, (_, i) => `line ${i}\n`);
  asProgram('prints', `${[10, 20, 30].map((count) => lines.slice(0, count).join('')).join('done\n')}done\n`);
});
for (const [name, main] of Object.entries({ threads, cluster: manyCores, Channel: channels })) {
  add('threads', `${name}, run`, () => run(() => timeout(PATIENCE, main)));
  addGuest('threads', `${name}, runPromise`, main);
}
addGuest('promises', 'fromPromise, await, for await', promises);
addGuest('promises', 'fetch', fetches);
addGuest('promises', 'AbortSignal', signalsOfAbort);
addGuest('toDuplex', 'fromDuplex', streams);
addGuest('toDuplex', 'a stream that nobody reads', unread);
addGuest('toDuplex', 'http', web);
addGuest('node:http closes', 'Connection close', closes);
for (const [name, main] of Object.entries({ inherits, enterWith: enters })) {
  add('AsyncLocalStorage', name, () =>
    storage.run('main', () => runPromise(() => timeout(PATIENCE, main), { asyncContext: true })),
  );
}
add('DeadlockError', 'run', () => {
  try {
    run(() => new Event().wait());
  } catch (error) {
    equal(error.name, 'DeadlockError');
    return;
  }
  throw new Error('run() returned');
});
add('DeadlockError', 'runPromise', () => asProgram('deadlock', 'DeadlockError\n'));
add('DeadlockError at top-level await', 'runPromise', () => asProgram('deadlock at top level', 'DeadlockError\n'));

async function runCases() {
  let failed = 0;
  for (const { heading, name, body } of cases) {
    try {
      await body();
      console.log(`ok      ${heading}: ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${heading}: ${name}: ${/** @type {Error} */ (error).stack}`);
    }
  }
  console.log(`end of ${cases.length} cases, ${failed} of them failed`);
  process.exit(failed === 0 ? 0 : 1);
}

const program = process.argv[2];
if (!isMainThread && workerData.selector) runPromise(turns, workerData);
else if (!isMainThread) run(() => send(workerData.sender));
else if (program === undefined) await runCases();
else if (program === 'deadlock at top level') await programs.deadlock();
else programs[program]();
