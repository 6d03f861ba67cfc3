// A PostgreSQL server of our own for a test: in a temporary folder, on a free port of loopback, gone with the test.

import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { foreign } from './commands.ts';
import { startCommand } from './program.ts';
import { onFreePort } from './redis.ts';

/** Where Debian keeps its programs, which are in no PATH; undefined if there is none. */
export function postgresFolder(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  return readdirSync(root)
    .map((version) => join(root, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')));
}

/** Runs `body` with the server's port and a user that needs no password. */
export async function withPostgres(body: (server: { port: number; user: string }) => Promise<void>): Promise<void> {
  const programs = postgresFolder() as string;
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-postgres-'));
  // It refuses to be root's.
  const isRoot = userInfo().uid === 0;
  const user = isRoot ? 'postgres' : userInfo().username;
  const as = (command: string[]): string[] =>
    isRoot ? ['setpriv', `--reuid=${user}`, '--clear-groups', ...command] : command;
  try {
    if (isRoot) chownSync(folder, Number(spawnSync('id', ['-u', user], foreign).stdout), -1);
    const data = join(folder, 'data');
    const [initdb = '', ...options] = as([join(programs, 'initdb'), '-D', data, '-U', user, '-A', 'trust', '-N']);
    const made = spawnSync(initdb, options, { ...foreign, timeout: 60_000 });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}${made.stdout}`);
    const { port, program } = await onFreePort('Address already in use', async (port) => {
      const place = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder];
      const program = startCommand(as([join(programs, 'postgres'), ...place, '-c', 'fsync=off']), 60);
      await program.warns('ready to accept connections');
      return program;
    });
    try {
      await body({ port, user });
    } finally {
      program.child.kill('SIGINT'); // a fast shutdown
      await program.ended;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
