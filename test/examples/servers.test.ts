// The servers and clients of examples/, against programs that are not ours: nc, socat, curl, dig, a Redis server.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect } from 'vitest';
import { foreign, testWith } from '../support/commands.ts';
import { type Program, startCommand } from '../support/program.ts';
import { withRedis } from '../support/redis.ts';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));
const running: Program[] = [];
const temporary: string[] = [];

afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.splice(0).map(({ ended }) => ended));
  for (const path of temporary.splice(0)) rmSync(path, { recursive: true, force: true });
});

function started(command: string[]): Program {
  const program = startCommand(command, 60);
  running.push(program);
  return program;
}

/** Starts an example and gives the port it says that it listens on. */
async function serverOn(file: string, args: string[]): Promise<number> {
  const program = started([process.execPath, folder + file, ...args]);
  await program.says('listening on');
  return portOf(program);
}

/** The port that a program says it listens on. */
function portOf({ output }: Program): number {
  return Number(/listening on .*?:(\d+)\b/.exec(output.stdout)?.[1]);
}

/** Runs a program to its end, with `input` on its stdin. */
function ask(command: string[], input = ''): string {
  const { stdout, status, stderr } = spawnSync(command[0] as string, command.slice(1), {
    ...foreign,
    input,
    timeout: 20_000,
    maxBuffer: 1e8,
  });
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`);
  return stdout.toString();
}

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'coreactor-'));
  temporary.push(path);
  return path;
}

/** A client whose input stays open: what it has printed, and a way to wait for more. */
class Talk {
  text = '';
  readonly child: ChildProcess;

  constructor(command: string[]) {
    this.child = spawn(command[0] as string, command.slice(1), { ...foreign, stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout?.on('data', (chunk) => {
      this.text += chunk;
    });
  }

  say(text: string): void {
    this.child.stdin?.write(text);
  }

  async hears(text: string): Promise<void> {
    for (let i = 0; i < 500 && !this.text.includes(text); i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(this.text).toContain(text);
  }
}

testWith(['nc', 'socat'], 'chat: nc over TCP', async () => {
  const port = String(await serverOn('chat.js', ['--port', '0']));
  const [ann, bob] = [new Talk(['nc', '127.0.0.1', port]), new Talk(['socat', '-', `TCP:127.0.0.1:${port}`])];
  try {
    await ann.hears('your name?');
    ann.say('Ann\n');
    await ann.hears('* Ann has come');
    await bob.hears('your name?');
    bob.say('Bob\n');
    await ann.hears('* Bob has come');
    ann.say('hello\n');
    await bob.hears('Ann: hello');
    bob.child.kill('SIGKILL');
    await ann.hears('* Bob has gone');
    expect(ann.text).not.toContain('Ann: hello');
  } finally {
    ann.child.kill('SIGKILL');
    bob.child.kill('SIGKILL');
  }
});

testWith(['socat'], 'chat: socat over a Unix socket', async () => {
  const path = join(temporaryFolder(), 'chat.sock');
  const server = started([process.execPath, `${folder}chat.js`, '--path', path]);
  await server.says('listening on');
  const [ann, bob] = [new Talk(['socat', '-', `UNIX:${path}`]), new Talk(['socat', '-', `UNIX:${path}`])];
  try {
    await ann.hears('your name?');
    ann.say('Ann\n');
    await ann.hears('* Ann has come');
    await bob.hears('your name?');
    bob.say('Bob\n');
    await ann.hears('* Bob has come');
    bob.say('hello\n');
    await ann.hears('Bob: hello');
  } finally {
    ann.child.kill('SIGKILL');
    bob.child.kill('SIGKILL');
  }
});

testWith(
  ['curl'],
  'http: curl, kept alive, a large body, an unknown path, and slow ones beside each other',
  async () => {
    const url = `http://127.0.0.1:${await serverOn('http.js', ['--port', '0'])}`;
    expect(ask(['curl', '-s', `${url}/`, `${url}/`])).toBe('hello\nhello\n');
    expect(ask(['curl', '-sv', '--stderr', '-', `${url}/`, `${url}/`])).toMatch(/Re-using existing connection/);
    const body = ask(['curl', '-s', `${url}/bytes/3000000`]);
    expect(createHash('sha1').update(body).digest('hex')).toBe(
      createHash('sha1').update('x'.repeat(3_000_000)).digest('hex'),
    );
    expect(ask(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', `${url}/nothing`])).toBe('404');
    const slow = Array.from({ length: 5 }, () => `${url}/slow`);
    expect(ask(['curl', '-s', '--no-progress-meter', '--parallel', ...slow])).toBe('slow\n'.repeat(5));
  },
);

testWith(['nc', 'curl'], 'proxy: curl through it, and what is idle is closed', async () => {
  const target = await serverOn('http.js', ['--port', '0']);
  const options = ['--port', '0', '--target', `127.0.0.1:${target}`, '--idle', '1500'];
  const port = String(await serverOn('proxy.js', options));
  expect(ask(['curl', '-s', `http://127.0.0.1:${port}/bytes/1000000`]).length).toBe(1_000_000);
  expect(ask(['nc', '127.0.0.1', port])).toBe(''); // says nothing, so it ends by itself
});

testWith(['redis-server'], 'redis: a thousand commands in a pipeline', async () => {
  await withRedis(async (port) => {
    const client = started([process.execPath, `${folder}redis.js`, '--port', String(port)]);
    const { code, stdout, stderr } = await client.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^PONG\ncounted to 1000\n\[ 'a', 'b', 'c' \]\nrefused: ERR unknown command/);
  });
});

testWith(['socat'], 'udp-echo: socat', async () => {
  const port = await serverOn('udp-echo.js', ['--port', '0']);
  const client = new Talk(['socat', '-', `UDP:127.0.0.1:${port}`]);
  try {
    client.say('hello\n');
    await client.hears('hello');
  } finally {
    client.child.kill('SIGKILL');
  }
});

testWith(['dig'], 'dns: dig', async () => {
  const port = String(await serverOn('dns.js', ['--port', '0']));
  const dig = ['dig', '-p', port, '@127.0.0.1', '+tries=3', '+time=5'];
  expect(ask([...dig, '+short', 'any.example'])).toBe('127.0.0.1\n');
  expect(ask([...dig, 'any.example', 'AAAA'])).toMatch(/status: NOERROR/);
});

testWith(
  ['sh'],
  'tail: what is there, what is added, from the beginning after it was truncated, until it is gone',
  async () => {
    const path = join(temporaryFolder(), 'log');
    writeFileSync(path, 'one\n');
    const tail = started([process.execPath, `${folder}tail.js`, path]);
    await tail.says('one\n');
    appendFileSync(path, 'two\n');
    await tail.says('one\ntwo\n');
    writeFileSync(path, 'x\n');
    await tail.says('one\ntwo\nx\n');
    rmSync(path);
    const { code, stdout } = await tail.ended;
    expect([code, stdout]).toEqual([0, 'one\ntwo\nx\n']);
  },
);

testWith(['nc'], 'cluster: workers answer, another takes the place of one that dies, and all end in time', async () => {
  const program = started([process.execPath, `${folder}cluster.js`, '--port', '0', '--workers', '2']);
  await program.says('(2 workers)');
  const port = String(portOf(program));
  expect(ask(['nc', '-N', '127.0.0.1', port], 'hello\n')).toMatch(/^worker [01], thread \d+: hello\n$/);
  expect(ask(['nc', '-N', '127.0.0.1', port], 'die\n')).toBe('');
  await program.warns('of the cluster has ended');
  for (let i = 0; i < 10; i++) expect(ask(['nc', '-N', '127.0.0.1', port], 'hello\n')).toContain(': hello');
  program.child.kill('SIGINT');
  await program.says('all workers have ended');
  expect((await program.ended).code).toBe(0);
});
