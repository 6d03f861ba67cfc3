// A Redis server of our own for a test: in a temporary folder, on a free port of loopback, gone with the test.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCommand } from './program.ts';

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Runs `body` with the server's port. */
export async function withRedis(body: (port: number) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-redis-'));
  try {
    const port = await freePort();
    const options = [
      '--bind',
      '127.0.0.1',
      '--port',
      String(port),
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    const redis = startCommand(['redis-server', ...options], 60);
    try {
      await redis.says('Ready to accept connections');
      await body(port);
    } finally {
      redis.child.kill('SIGTERM');
      await redis.ended;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
