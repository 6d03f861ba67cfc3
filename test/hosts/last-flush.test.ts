// What was sent when the program ends itself is sent: in a step or between two turns, by a socket or by a Duplex on it.

import net from 'node:net';
import { expect, test } from 'vitest';
import { start } from '../support/program.ts';

const NAMES = '{ connect, run, runPromise, sleep, toDuplex }';

const SENDS = 'socket.trySend(words);';
const DUPLEX = 'const duplex = toDuplex(socket);';
const sendsOn = (target: string): string => `const socket = yield* connect(${target}); ${SENDS}`;

/** No turn of the loop comes between what is done and the exit. */
function byTimer(target: string, made: string, done: string): string {
  return `runPromise(function* () {
    const socket = yield* connect(${target});
    ${made}
    setTimeout(() => { ${done} }, 1);
    yield* sleep(60_000);
  })`;
}

const endings: [how: string, program: (target: string) => string][] = [
  ["a task's step under run()", (target) => `run(function* () { ${sendsOn(target)} process.exit(); })`],
  ["a task's step as a guest", (target) => `runPromise(function* () { ${sendsOn(target)} process.exit(); })`],
  ['a callback of Node', (target) => byTimer(target, '', `${SENDS} process.exit();`)],
  [
    'a program with another loop, too',
    (target) => `runPromise(() => sleep(60_000)); ${byTimer(target, '', `${SENDS} process.exit();`)}`,
  ],
  ['the callback of a write', (target) => byTimer(target, DUPLEX, 'duplex.write(words, () => process.exit());')],
  ['the callback of an end', (target) => byTimer(target, DUPLEX, 'duplex.end(words, () => process.exit());')],
];

test.each(endings)('what was sent before process.exit() in %s has been sent', async (_, program) => {
  const received = new Promise<string>((resolve) => {
    const server = net.createServer((socket) => {
      let text = '';
      socket.on('data', (part) => (text += part));
      socket.on('error', () => {});
      socket.on('close', () => {
        server.close();
        resolve(text);
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      const target = `{ host: '127.0.0.1', port: ${port} }`;
      void start(`import ${NAMES} from 'coreactor'; const words = Buffer.from('last words'); ${program(target)};`)
        .ended;
    });
  });
  expect(await received).toBe('last words');
});
