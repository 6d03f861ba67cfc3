// A Redis server of our own for a test: in a temporary folder, on a free port of loopback, gone with the test.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, startCommand } from './program.ts';

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/**
 * Starts a server that takes no port 0. Another test may get the port before the server does: then it ends, `inUse` in what it has
 * said, and is started on another one.
 */
export async function onFreePort(
  inUse: string,
  start: (port: number) => Promise<Program>,
): Promise<{ port: number; program: Program }> {
  for (let tries = 5; ; tries--) {
    const port = await freePort();
    try {
      return { port, program: await start(port) };
    } catch (error) {
      if (tries === 1 || !(error as Error).message.includes(inUse)) throw error;
    }
  }
}

/** Runs `body` with the server's port. */
export async function withRedis(body: (port: number) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-redis-'));
  try {
    const { port, program } = await onFreePort('Address already in use', async (port) => {
      const place = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
      const program = startCommand(['redis-server', ...place, '--save', '', '--appendonly', 'no'], 60);
      await program.says('Ready to accept connections');
      return program;
    });
    try {
      await body(port);
    } finally {
      program.child.kill('SIGTERM');
      await program.ended;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
