// stdin(), stdout(), stderr(): of a pipe, a file, nothing at all, and a terminal.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { testWith } from '../support/commands.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'coreactor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Copies what it reads in capitals, and says at the end how much it was.
const program = join(folder, 'capitals.mjs');
writeFileSync(
  program,
  `import { run, stdin, stdout, stderr } from '${root}dist/bundle/coreactor.js';
  run(function* () {
    const buffer = Buffer.alloc(1000);
    let total = 0;
    for (let length; (length = yield* stdin().recvInto(buffer)) > 0; total += length) {
      yield* stdout().sendAll(Buffer.from(buffer.toString('latin1', 0, length).toUpperCase(), 'latin1'));
    }
    yield* stderr().sendAll(Buffer.from('total ' + total + '\\n'));
  });
  console.log('and the rest');`,
);
const command = `${process.execPath} ${program}`;

function shell(line: string): string {
  const { stdout, stderr, status } = spawnSync('sh', ['-c', line], { timeout: 20_000 });
  expect(status).toBe(0);
  return `${stdout}|${stderr}`;
}

test('pipes, more than they hold', () => {
  const size = 300_000;
  const big = join(folder, 'big');
  writeFileSync(big, 'x'.repeat(size));
  const [out, err] = shell(`cat ${big} | ${command} | cat`).split('|') as [string, string];
  expect([out, err]).toEqual([`${'X'.repeat(size)}and the rest\n`, `total ${size}\n`]);
});

test('S75: files and /dev/null, which are always ready', () => {
  const [input, output] = [join(folder, 'input'), join(folder, 'output')];
  writeFileSync(input, 'some text\n'.repeat(1000));
  expect(shell(`${command} < ${input} > ${output}`)).toBe('|total 10000\n');
  expect(readFileSync(output, 'utf8')).toBe(`${'SOME TEXT\n'.repeat(1000)}and the rest\n`);
  expect(shell(`${command} < /dev/null`)).toBe('and the rest\n|total 0\n');
  expect(shell(`${command} < ${input} > /dev/null`)).toBe('|total 10000\n');
});

test('a shell whose descriptors we had finds them in their mode', () => {
  const flags = 'grep flags /proc/self/fdinfo/0 >&2'; // of the pipe that the shell shares with the program
  const [, before, , after] = shell(`echo text | { ${flags}; ${command} > /dev/null; ${flags}; }`).split(/[|\n]/);
  expect(after).toMatch(/^flags/);
  expect(after).toBe(before);
});

testWith(['python3'], 'a terminal: lines as they are typed', async () => {
  const script = `
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
out = b''
def until(text):
    global out
    while text not in out:
        out += os.read(fd, 1000)
time.sleep(0.5)
os.write(fd, b'one\\ntwo\\n')
until(b'ONE')
until(b'TWO')
os.write(fd, b'three\\n\\x04')
until(b'total 14')
os.waitpid(pid, 0)
print('fine')
`;
  const output = execFileSync('timeout', ['15', 'python3', '-c', script, process.execPath, program]);
  expect(output.toString()).toBe('fine\n');
});
