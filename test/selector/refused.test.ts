// A system that refuses a mechanism: the error of who asks for it by name, and what 'auto' takes instead.

import { platform } from 'node:os';
import { expect, test } from 'vitest';
import { Selector } from '../../src/native/selector.ts';
import { start } from '../support/program.ts';

/** Runs it where `call` fails, as in a sandbox or on an older kernel. */
async function where(call: string, error: string, source: string): Promise<string> {
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:error=${error}`];
  const { stdout, stderr } = await start(`const { Selector, Runner } = await import('coreactor'); ${source}`, {
    prefix: ['env', '-u', 'COREACTOR_SELECTOR', 'strace', '-f', '-qqq', '-o', '/dev/null', ...inject],
  }).ended;
  expect(stderr).toBe('');
  return stdout.trim();
}

const uring = Selector.available.includes('io_uring');
const by = (name: string): string => `
  try { new Selector('${name}'); } catch (error) { console.log(error.code, error.message); }`;

test.skipIf(!uring)(
  'H36: io_uring that is refused is an error that says why and what to do, and not in the list',
  async () => {
    for (const error of ['EPERM', 'ENOSYS']) {
      const said = await where('io_uring_setup', error, `${by('io_uring')} console.log(Selector.available.join());`);
      expect(said).toMatch(new RegExp(`^${error} open the io_uring selector: ${error}, .*Linux 6.12.*use 'auto'`));
      expect(said).not.toMatch(/\n.*io_uring/);
    }
  },
);

test.skipIf(!uring)('H36: a kernel without incremental buffers is refused like one without io_uring', async () => {
  const said = await where('io_uring_register', 'EINVAL', by('io_uring'));
  expect(said).toMatch(/^EINVAL open the io_uring selector.*Linux 6.12/);
});

test.skipIf(!uring)(
  'H36: no memory for a ring is said to be the limit of locked memory, and not an old kernel',
  async () => {
    const said = await where('io_uring_setup', 'ENOMEM', by('io_uring'));
    expect(said).toMatch(/^ENOMEM open the io_uring selector: ENOMEM, .*ulimit -l/);
    expect(said).not.toMatch(/Linux 6.12/);
  },
);

// Node itself has a few epolls, of which none may fail: only those that come after them.
async function whereNoMoreEpolls(error: string, source: string): Promise<string> {
  const count = ['strace', '-f', '-qqq', '-o', '|cat >&2', '-e', 'trace=epoll_create1', '-e', 'signal=none'];
  const { stderr } = await start("await import('coreactor');", { prefix: count }).ended;
  const threads = stderr
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[0])); // strace counts for each
  const those = threads.filter((thread) => thread === Math.min(...threads)).length;
  return where('epoll_create1', `${error}:when=${those + 1}+`, source);
}

test.skipIf(platform() !== 'linux')("H36: 'auto' takes the next one, and says which", async () => {
  const source = 'const runner = new Runner(); console.log(runner.selector, runner.run(function* () { return 42; }));';
  expect(await whereNoMoreEpolls('ENOSYS', source)).toBe(uring ? 'io_uring 42' : 'poll 42');
});

test.skipIf(platform() !== 'linux')('H36: no descriptor left is no reason to take another, and is said', async () => {
  expect(await whereNoMoreEpolls('EMFILE', by('auto'))).toMatch(/^EMFILE open the epoll selector/);
});
