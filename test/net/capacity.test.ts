// As many connections as a server may have to hold: 10,000 in one process, all at once, each served before and after.

import { readdirSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { type Coroutine, connect, createTask, gather, run, Semaphore, type Socket, timeout } from '../../src/index.ts';
import { openFileLimit } from '../support/descriptors.ts';
import { type Program, startCommand } from '../support/program.ts';

const CONNECTIONS = 10_000;
const AT_A_TIME = 256; // handshakes; the rest waits its turn

const programs: Program[] = [];
afterAll(() => {
  for (const { child } of programs) child.kill('SIGKILL');
});

async function echoServer(): Promise<{ port: number; pid: number }> {
  const program = startCommand([process.execPath, 'examples/echo.js', '--port', '0'], 100);
  programs.push(program);
  let output = '';
  program.child.stdout?.on('data', (chunk) => (output += chunk));
  await program.says(')');
  return { port: Number(/listening on 127\.0\.0\.1:(\d+)/.exec(output)?.[1]), pid: program.child.pid as number };
}

function* ask(socket: Socket, byte: number): Coroutine<void> {
  yield* socket.sendAll(Buffer.from([byte & 255]));
  expect([...(yield* socket.recv(10))]).toEqual([byte & 255]);
}

const limit = openFileLimit();
const why = limit < CONNECTIONS + 100 ? ` [skipped: ${limit} descriptors are allowed here]` : '';

test.skipIf(why !== '')(
  `10,000 connections are held and served by one process${why}`,
  { timeout: 120_000 },
  async () => {
    const { port, pid } = await echoServer();
    const held = run(function* () {
      return yield* timeout(100_000, function* () {
        const sockets: Socket[] = [];
        const places = new Semaphore(AT_A_TIME);
        const opening = Array.from({ length: CONNECTIONS }, (_, i) =>
          createTask(() =>
            places.with(function* () {
              const socket = yield* connect({ port });
              sockets.push(socket);
              yield* ask(socket, i);
            }),
          ),
        );
        yield* gather(opening);
        const descriptors = readdirSync(`/proc/${pid}/fd`).length;
        yield* gather(sockets.map((socket, i) => createTask(ask(socket, i + 1))));
        for (const socket of sockets) socket.close();
        return descriptors;
      });
    });
    expect(held).toBeGreaterThan(CONNECTIONS);
    const left = (): number => readdirSync(`/proc/${pid}/fd`).length;
    for (let i = 0; i < 500 && left() > 100; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(left()).toBeLessThan(100);
  },
);
