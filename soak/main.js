// The soak: for minutes many clients do to an echo server what clients do (resets, half-open and stalled connections, slow
// readers, cancels, more connections than it has descriptors). Then nothing may be left: no byte lost or changed, no
// descriptor and no task, and memory as it was.
//
//   npm run soak -- [--seconds 600] [--clients 100] [--descriptors 100] [--selector epoll] [--guest] [--seed N]

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect, createTask, now, Runner, sleep, timeout, wait } from 'coreactor';
import { seeded } from 'coreactor/testing';
import { kinds } from './clients.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    clients: { type: 'string', default: '100' },
    descriptors: { type: 'string', default: '100' },
    selector: { type: 'string', default: '' },
    guest: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

/** @param {number} port @returns {import('coreactor').Coroutine<any>} */
function* stateOf(port) {
  const socket = yield* connect({ host: '127.0.0.1', port });
  try {
    yield* socket.sendAll(Buffer.from('?'));
    return JSON.parse((yield* socket.recv(10_000)).toString());
  } finally {
    socket.close();
  }
}

const ownDescriptors = () => readdirSync('/proc/self/fd').length - 1;

/** @param {number} port @returns {import('coreactor').Coroutine<unknown[]>} what is wrong */
function* soak(port) {
  const random = seeded(Number(values.seed));
  const names = Object.keys(kinds);
  const done = Object.fromEntries(names.map((name) => [name, 0]));
  let killed = 0;
  const context = { port, random, killed: () => void killed++ };
  const failures = /** @type {unknown[]} */ ([]);
  const begun = now();
  const end = begun + Number(values.seconds) * 1000;
  const before = ownDescriptors();
  const quiet = yield* stateOf(port);

  function* client() {
    while (now() < end && failures.length === 0) {
      const name = /** @type {string} */ (names[random(names.length)]);
      try {
        yield* timeout(60_000, () => /** @type {any} */ (kinds[name])(context));
        done[name]++;
      } catch (error) {
        failures.push(new Error(`${name} failed`, { cause: error }));
      }
      yield* sleep(random(50));
    }
  }
  const clients = Array.from({ length: Number(values.clients) }, () => createTask(client));
  const warmAt = begun + Math.min(60_000, (end - begun) / 3);
  let warm = quiet;
  while ((yield* wait(clients, { timeout: 1000 })).pending.size > 0) {
    if (warm === quiet && now() > warmAt) warm = yield* stateOf(port);
  }
  yield* sleep(4000); // what is half-open at the server ends by itself
  const last = yield* stateOf(port);

  console.log('clients:', JSON.stringify(done), `cut short by the server: ${killed}`);
  for (const [when, state] of Object.entries({ quiet, warm, last }))
    console.log(`server, ${when}:`, JSON.stringify(state));

  const wrong = failures;
  const expect = (/** @type {boolean} */ holds, /** @type {string} */ text) => {
    if (!holds) wrong.push(new Error(text));
  };
  expect(killed <= last.cancelled, `${killed} streams were cut short, but the server cancelled ${last.cancelled} only`);
  expect(last.exhausted > 0, 'the server never ran out of descriptors: give it fewer, or more clients');
  expect(last.tasks === quiet.tasks, `${last.tasks} tasks are left in the server, ${quiet.tasks} at the beginning`);
  expect(
    last.descriptors === quiet.descriptors,
    `${last.descriptors} descriptors in the server, not ${quiet.descriptors}`,
  );
  expect(ownDescriptors() <= before, `${ownDescriptors()} descriptors are left here, ${before} at the beginning`);
  const growth = last.memory - warm.memory;
  expect(growth < 4e6, `the server's memory grew by ${(growth / 1e6).toFixed(1)} MB since it was warm`);
  return wrong;
}

const server = spawn(
  'prlimit',
  [
    `--nofile=${values.descriptors}`,
    process.execPath,
    '--expose-gc',
    fileURLToPath(new URL('server.js', import.meta.url)),
    ...(values.guest ? ['guest'] : []),
  ],
  { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, COREACTOR_SELECTOR: values.selector || 'auto' } },
);
const port = await new Promise((resolve, reject) => {
  server.once('error', reject);
  server.once('exit', () => reject(new Error('the server has ended at once')));
  server.stdout.once('data', (text) => resolve(Number(/:(\d+)/.exec(text)?.[1])));
});
server.removeAllListeners('exit');
const runner = new Runner(values.selector ? { selector: /** @type {any} */ (values.selector) } : {});
console.log(
  `soak: ${values.seconds} s, ${values.clients} clients, ${runner.selector}${values.guest ? ', the server as a guest' : ''}, --seed ${values.seed}`,
);
let wrong;
try {
  wrong = runner.run(() => soak(port));
} finally {
  server.kill('SIGINT');
}
for (const error of wrong) console.error(error);
console.log(wrong.length === 0 ? 'soak: nothing was lost and nothing is left' : `soak: ${wrong.length} failures`);
process.exitCode = wrong.length === 0 ? 0 : 1;
