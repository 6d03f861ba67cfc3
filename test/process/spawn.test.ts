// Child processes: what they get and do not get, their streams, their end, and that none is left, whatever happens.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  gather,
  listen,
  type Operation,
  run,
  runProcess,
  type Stream,
  sleep,
  spawn,
  timeout,
  wait,
} from '../../src/index.ts';
import { foreign } from '../support/commands.ts';
import { countDescriptors } from '../support/descriptors.ts';
import { start } from '../support/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'coreactor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function runs(body: () => Coroutine<void>): void {
  const before = countDescriptors();
  run(() => timeout(20_000, body) as Coroutine<void>);
  expect(countDescriptors()).toBe(before);
  expect(children()).toEqual([]);
}

/** Children of this process that have not been reaped. */
function children(): string[] {
  const { stdout } = spawnSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,stat=,comm='], foreign);
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !/ ps$/.test(line));
}

function* codeOf(operation: Operation<unknown>): Coroutine<string> {
  try {
    yield* operation;
    return 'nothing';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** The exit status of what the shell runs, with its output. */
const shell = (script: string, input = ''): Operation<{ code: number | null; stdout: Buffer; stderr: Buffer }> =>
  runProcess('sh', ['-c', script], { input });

// With pidfds, and without them.
describe.each(['1', '0'])('COREACTOR_PIDFD=%s', (pidfd) => {
  const inThisWay = (title: string, body: () => Coroutine<void>): void =>
    test(title, () => {
      process.env.COREACTOR_PIDFD = pidfd;
      try {
        runs(body);
      } finally {
        delete process.env.COREACTOR_PIDFD;
      }
    });

  inThisWay('runProcess: input, both outputs, the code', function* () {
    const { code, signal, stdout, stderr } = yield* runProcess('sh', ['-c', 'cat; echo oops >&2; exit 3'], {
      input: 'hello',
    });
    expect([code, signal, stdout.toString(), stderr.toString()]).toEqual([3, null, 'hello', 'oops\n']);
  });

  inThisWay('more than the pipes hold, both ways at once', function* () {
    const input = Buffer.alloc(3_000_000, 'abc');
    const { stdout } = yield* runProcess('cat', [], { input });
    expect(stdout.equals(input)).toBe(true);
  });

  inThisWay('what has killed it is told by name; several wait, and afterwards at once', function* () {
    const child = spawn('sleep', ['100']);
    const waiting = [1, 2].map(() => createTask(() => child.wait()));
    yield* sleep(1);
    expect(child.status).toBe(null);
    expect(child.kill('SIGUSR1')).toBe(true);
    const status = { code: null, signal: 'SIGUSR1' };
    expect([...(yield* gather(waiting)), yield* child.wait(), child.status]).toEqual([status, status, status, status]);
    expect(child.kill('SIGKILL')).toBe(false);
  });

  inThisWay('many at once, each with its own end', function* () {
    const codes = yield* gather(
      Array.from({ length: 20 }, (_, i) =>
        (function* () {
          return (yield* shell(`exit ${i}`)).code;
        })(),
      ),
    );
    expect(codes).toEqual([...Array(20).keys()]);
  });

  inThisWay('a cancelled wait() leaves the child alone; end() ends it', function* () {
    const child = spawn('sleep', ['100']);
    const waiting = createTask(() => child.wait());
    yield* sleep(1);
    waiting.cancel();
    yield* wait([waiting]);
    expect(child.status).toBe(null);
    expect(yield* child.end()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(yield* child.end()).toEqual({ code: null, signal: 'SIGTERM' });
  });

  inThisWay('one that does not listen to SIGTERM is killed after its grace', function* () {
    const child = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done'], { stdout: 'pipe' });
    yield* (child.stdout as Stream).recv(10);
    expect(yield* child.end({ grace: 20 })).toEqual({ code: null, signal: 'SIGKILL' });
  });

  inThisWay('a cancelled runProcess() ends its program, lets it clean up, and reaps it', function* () {
    const proof = join(folder, `proof-${pidfd}`);
    const script = `trap "echo done > ${proof}; exit 0" TERM; echo x > ${proof}; while :; do sleep 0.05; done`;
    const task = createTask(() => shell(script));
    while (!existsSync(proof)) yield* sleep(5);
    task.cancel();
    yield* wait([task]);
    expect([task.cancelled, readFileSync(proof, 'utf8')]).toEqual([true, 'done\n']);
  });

  inThisWay('S30: what is left at the end of the run is killed and reaped', function* () {
    spawn('sleep', ['100']);
    spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 0.05; done'], { stdout: 'pipe', stdin: 'pipe' });
    yield* sleep(10);
  });
});

test('H22: no descriptor of ours is in it: no socket, no selector, no pipe of another child', () => {
  runs(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 });
    yield* connect(listener.address);
    const other = spawn('sleep', ['100'], { stdin: 'pipe', stdout: 'pipe' });
    const { stdout } = yield* shell('ls -l /proc/self/fd | grep -v "/proc/" | grep -c "[0-9] ->"');
    expect(stdout.toString()).toBe('3\n');
    yield* other.end();
  });
});

test('it has the default of every signal, and none blocked', () => {
  runs(function* () {
    const { stdout } = yield* runProcess('grep', ['-E', 'Sig(Ign|Blk)', '/proc/self/status']);
    const [blocked, ignored] = stdout.toString().match(/[0-9a-f]{16}/g) as string[];
    const internal = (1n << 31n) | (1n << 32n); // of glibc, which nobody else can use
    expect([BigInt(`0x${blocked}`), BigInt(`0x${ignored}`) & ~internal]).toEqual([0n, 0n]);
    const { code } = yield* shell('yes | head -1 > /dev/null'); // SIGPIPE ends yes
    expect(code).toBe(0);
  });
});

test('where it runs, what it has in its environment, and which descriptors it is given', () => {
  runs(function* () {
    const where = yield* runProcess('pwd', [], { cwd: folder });
    expect(where.stdout.toString().trim()).toBe(folder);
    const env = yield* runProcess('/usr/bin/env', [], { env: { A: '1', B: undefined, C: 'x=y' } });
    expect(env.stdout.toString()).toBe('A=1\nC=x=y\n');
    const path = join(folder, 'out');
    const file = openSync(path, 'w');
    const child = spawn('sh', ['-c', 'echo out; echo err >&2; cat'], { stdin: 'ignore', stdout: file, stderr: file });
    expect((yield* child.wait()).code).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('out\nerr\n');
    const group = yield* runProcess('sh', ['-c', 'ps -o pgid= -p $$; echo $$'], { ...foreign, ownGroup: true });
    const [pgid, pid] = group.stdout.toString().trim().split(/\s+/);
    expect(pgid).toBe(pid);
  });
});

test('what cannot be started says so at once, by the name of the program, and leaves nothing', () => {
  const plain = join(folder, 'plain');
  writeFileSync(plain, 'no program');
  runs(function* () {
    const refused = (code: string, file: string): unknown =>
      expect.objectContaining({ code, syscall: 'spawn', message: expect.stringContaining(file) });
    expect(() => spawn('no-such-program', [], { stdin: 'pipe' })).toThrow(
      refused('ENOENT', 'no-such-program') as Error,
    );
    expect(() => spawn(plain)).toThrow(refused('EACCES', plain) as Error);
    expect(() => spawn('ls', [], { cwd: join(folder, 'nothing') })).toThrow(refused('ENOENT', 'nothing') as Error);
    expect(() => spawn('ls', ['a\0b'])).toThrow(/zero byte/);
    expect(() => spawn('ls', [5 as never])).toThrow(TypeError);
    expect(() => spawn('ls', [], { stdin: 'socket' as never })).toThrow(/'pipe', 'inherit', 'ignore'/);
    expect(() => spawn('ls', [], { stdout: 987_654 })).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(yield* codeOf(runProcess('no-such-program'))).toBe('ENOENT');
  });
});

test('a program that does not read its input is no error', () => {
  runs(function* () {
    const { code } = yield* runProcess('true', [], { input: Buffer.alloc(1_000_000) });
    expect(code).toBe(0);
  });
});

test("Node's own children are Node's: neither side reaps the other's", async () => {
  const program = start(`
    import { spawn as nodeSpawn } from 'node:child_process';
    import { run, runProcess, sleep } from 'coreactor';
    process.env.COREACTOR_PIDFD = '0';
    const theirs = nodeSpawn('sh', ['-c', 'sleep 0.1; exit 7']);
    const ended = new Promise((resolve) => theirs.on('exit', resolve));
    run(function* () {
      for (let i = 0; i < 10; i++) {
        const { code } = yield* runProcess('sh', ['-c', 'sleep 0.03; exit ' + i]);
        if (code !== i) console.log('wrong', code, i);
      }
    });
    console.log('theirs', await ended);
  `);
  const { code, stdout, stderr } = await program.ended;
  expect([code, stdout, stderr]).toEqual([0, 'theirs 7\n', '']);
});

test('Ctrl-C in the terminal: the run cleans up, and its child has ended', async () => {
  const program = start(`
    import { run, spawn } from 'coreactor';
    run(function* () {
      const child = spawn('sleep', ['100']);
      console.log('pid', child.pid);
      try {
        yield* child.wait();
      } finally {
        console.log('ended', (yield* child.end()).signal);
      }
    });
  `);
  await program.says('pid');
  program.child.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect([code, /ended SIGTERM/.test(stdout)]).toEqual([130, true]);
  expect(existsSync(`/proc/${/pid (\d+)/.exec(stdout)?.[1]}`)).toBe(false);
});
