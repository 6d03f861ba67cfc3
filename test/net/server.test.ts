// The echo servers of the examples as processes of their own, with real clients: nc, a crowd of node:net sockets, strace.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { type Program, startCommand } from '../support/program.ts';

const servers: Program[] = [];

async function serve(example: string, prefix: string[] = []): Promise<{ port: number; program: Program }> {
  const program = startCommand([...prefix, process.execPath, `examples/${example}`, '--port', '0'], 60);
  servers.push(program);
  let output = '';
  program.child.stdout?.on('data', (chunk) => (output += chunk));
  await program.says(')');
  return { port: Number(/listening on 127\.0\.0\.1:(\d+) \(\w+\)/.exec(output)?.[1]), program };
}

afterAll(() => {
  for (const { child } of servers) child.kill('SIGKILL');
});

async function client(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Sends the message and resolves when as many bytes have come back, with their hash. */
async function exchange(socket: Socket, message: Buffer): Promise<string> {
  const hash = createHash('sha256');
  let left = message.length;
  const done = new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      hash.update(chunk);
      left -= chunk.length;
      if (left > 0) return;
      socket.off('data', take).off('error', reject).off('close', reject);
      resolve();
    };
    socket.on('data', take).once('error', reject).once('close', reject);
  });
  socket.write(message);
  await done;
  return hash.digest('hex');
}

const sha = (message: Buffer): string => createHash('sha256').update(message).digest('hex');

test.each(['echo.js', 'selector-echo.js'])('%s: nc gets back what it sends', async (example) => {
  const { port } = await serve(example);
  const { stdout } = spawnSync('nc', ['-N', '-w', '5', '127.0.0.1', String(port)], {
    input: 'hello\nworld\n',
    timeout: 10_000,
  });
  expect(String(stdout)).toBe('hello\nworld\n');
});

test.each(['echo.js', 'selector-echo.js'])(
  '%s: a large message comes back whole through partial sends',
  async (example) => {
    const { port } = await serve(example);
    const socket = await client(port);
    const message = randomBytes(24 << 20);
    expect(await exchange(socket, message)).toBe(sha(message));
    socket.destroy();
  },
);

test.each(['echo.js', 'selector-echo.js'])(
  'H43: %s: a thousand clients, of which some stall and some break off',
  async (example) => {
    const { port, program } = await serve(example);
    const crowd = await Promise.all(Array.from({ length: 1000 }, () => client(port)));
    const stalled = crowd.slice(0, 100);
    const breaking = crowd.slice(100, 200);
    const honest = crowd.slice(200);
    const flood = Buffer.alloc(1 << 20);
    for (const socket of stalled)
      socket
        .pause()
        .on('error', () => {})
        .write(flood); // never reads
    for (const socket of breaking) {
      socket.on('error', () => {}).write(flood);
      setTimeout(() => socket.resetAndDestroy(), Math.random() * 50);
    }
    await Promise.all(
      honest.map(async (socket, i) => {
        for (let round = 0; round < 3; round++) {
          const message = Buffer.from(`client ${i} says ${round} `.repeat(1 + (i % 40)));
          expect(await exchange(socket, message)).toBe(sha(message));
        }
      }),
    );
    expect(program.child.exitCode).toBe(null);
    for (const socket of crowd) socket.destroy();
    const again = await client(port);
    expect(await exchange(again, Buffer.from('still here'))).toBe(sha(Buffer.from('still here')));
    again.destroy();
  },
);

test('H23: out of descriptors the listener tells it once, does not spin, and recovers by itself', async () => {
  const { port, program } = await serve('echo.js', ['prlimit', '--nofile=64:64', '--']);
  const pid = program.child.pid as number;
  const crowd = await Promise.all(Array.from({ length: 100 }, () => client(port)));
  for (const socket of crowd) socket.on('error', () => {});
  await new Promise((resolve) => setTimeout(resolve, 300));
  const ticks = (): number => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]); // utime and stime in hundredths of a second
  };
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(ticks() - before).toBeLessThan(50); // a spinning process would use 100
  const warnings = (): number => program.output.stderr.split('a warning in').length - 1;
  expect(warnings()).toBe(1);
  for (const socket of crowd.splice(0, 60)) socket.destroy();
  // Those that waited in the queue are served now.
  const last = crowd.at(-1) as Socket;
  expect(await exchange(last, Buffer.from('at last'))).toBe(sha(Buffer.from('at last')));
  for (const socket of crowd) socket.destroy();
  program.child.kill('SIGINT');
  const { code, stderr } = await program.ended;
  expect(stderr.match(/EMFILE/g)).not.toBe(null);
  expect(warnings()).toBeLessThanOrEqual(3); // once an episode, not once a try
  expect(stderr).toMatch(/ulimit -n/);
  expect(code).toBe(130);
});

const uring = process.env.COREACTOR_SELECTOR === 'io_uring';
const cost = uring ? 'no call of its own, only a part of a turn’s' : 'one recv and one send';

test(`a steady echo costs ${cost} a message (strace)`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-'));
  try {
    const { port, program } = await serve('echo.js');
    const trace = spawn(
      'strace',
      [
        '-f',
        '-o',
        join(folder, 'trace'),
        '-e',
        'trace=network,epoll_wait,epoll_pwait2,epoll_ctl,poll,select,pselect6,io_uring_enter,io_uring_register',
        '-p',
        String(program.child.pid),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await once(trace.stderr as NonNullable<typeof trace.stderr>, 'data'); // attached
    const sockets = await Promise.all(Array.from({ length: 5 }, () => client(port)));
    // The first few may cost more: io_uring is told of who sends again and again.
    for (let i = 0; i < 20; i++) for (const socket of sockets) await exchange(socket, Buffer.alloc(128));
    const counts = (): Record<string, number> => {
      const lines = readFileSync(join(folder, 'trace'), 'utf8').split('\n');
      const found: Record<string, number> = {};
      for (const line of lines) {
        const name = /^\d+\s+(?:<\.\.\. )?(\w+)[( ]/.exec(line)?.[1];
        if (name !== undefined && !line.includes('<unfinished')) found[name] = (found[name] ?? 0) + 1;
      }
      return found;
    };
    const settled = async (): Promise<Record<string, number>> => {
      for (let found = counts(); ; ) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        const now = counts();
        if (isDeepStrictEqual(now, found)) return found;
        found = now;
      }
    };
    const before = await settled();
    const messages = 200;
    for (let i = 0; i < messages / sockets.length; i++) {
      await Promise.all(sockets.map((socket) => exchange(socket, Buffer.alloc(128, i))));
    }
    const after = await settled();
    const of = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
    expect([of('recvfrom'), of('sendto')]).toEqual(uring ? [0, 0] : [messages, messages]);
    expect([of('epoll_ctl'), of('io_uring_register')]).toEqual([0, 0]);
    // At this load a turn may bring a single message: one that receives, one that sends and waits for the next.
    expect(of('io_uring_enter')).toBeLessThanOrEqual(uring ? 2 * messages + 2 : 0);
    for (const socket of sockets) socket.destroy();
    trace.kill('SIGINT');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the load generator of this machine: the tools that the tests need are there', () => {
  for (const tool of ['nc', 'strace', 'prlimit']) execFileSync('sh', ['-c', `command -v ${tool}`]);
});
