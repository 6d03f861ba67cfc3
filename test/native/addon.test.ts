// The border to native code: what does not cross it, and what it refuses although TypeScript has checked before.

import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { addon } from '../../src/native/addon.ts';
import { BUFFER, FD, frame, LENGTH, OFFSET, RESULT } from '../../src/native/frame.ts';
import { start } from '../support/program.ts';

const binary = readFileSync('build/Release/coreactor.node', 'latin1');
const EFAULT = -constants.errno.EFAULT;
const EBADF = -constants.errno.EBADF;

test('H31: the addon makes no external ArrayBuffer', () => {
  expect(binary).toContain('napi_get_typedarray_info'); // so the names that it imports can be found
  expect(binary).not.toMatch(/napi_create_external_(arraybuffer|buffer)|node_api_create_external/);
});

test('H32: native code calls JavaScript in one place', () => {
  // Whoever adds another sees to it, and tests, that the exception of a callback ends the program as Node would.
  for (const file of readdirSync('native/binding')) {
    if (file === 'host_watch_object.cc' || file === 'host_watch_object.h') continue;
    const source = readFileSync(`native/binding/${file}`, 'utf8');
    expect(source, file).not.toMatch(
      /\.Call\(|MakeCallback|napi_call_function|ThreadSafeFunction|AsyncWorker|#include <uv/,
    );
  }
});

test.each([false, true])(
  'H32: what that throws is an uncaught exception, and the next call comes (threaded: %s)',
  async (threaded) => {
    const { code, stdout, stderr } = await start(`
    import { createRequire } from 'node:module';
    const { HostWatch, NativeSelector } = createRequire(import.meta.url)('./build/Release/coreactor.node');
    const selector = new NativeSelector('epoll', new Int32Array(100));
    let calls = 0;
    const watch = new HostWatch(selector, () => {
      selector.wait(0);
      if (++calls === 2) return void watch.close();
      setTimeout(() => { selector.wake(); watch.arm(); }, 5);
      throw new Error('of the callback');
    }, ${threaded});
    process.on('uncaughtException', (error) => console.log('uncaught:', error.message));
    selector.wake();
    watch.arm();
    process.on('exit', () => console.log(calls));
  `).ended;
    expect([code, stdout, stderr]).toEqual([0, 'uncaught: of the callback\n2\n', '']);
  },
);

function hot(call: (view?: Uint8Array) => void, fields: number[], view?: Uint8Array): number {
  [frame[FD], frame[BUFFER], frame[OFFSET], frame[LENGTH]] = fields as [number, number, number, number];
  call(view);
  return frame[RESULT] as number;
}

test.each(['receive', 'transmit'] as const)(
  'H30: %s() refuses a stretch outside its memory in native code too',
  (name) => {
    const call = addon[name];
    const view = new Uint8Array(100);
    const id = addon.registerBuffer(view);
    const most = 2 ** 31 - 1;
    for (const [offset, length] of [
      [-1, 5],
      [0, 101],
      [100, 1],
      [99, 2],
      [0, -1],
      [most, most],
      [-most - 1, 1],
      [50, most],
    ] as const) {
      expect(hot(call, [-1, id, offset, length])).toBe(EFAULT);
      expect(hot(call, [-1, -1, offset, length], view)).toBe(EFAULT);
    }
    // Within it, it is the descriptor that is refused.
    expect(hot(call, [-1, id, 0, 100])).toBe(EBADF);
    expect(hot(call, [-1, -1, 99, 1], view)).toBe(EBADF);
    // What is no Uint8Array, no registered buffer, or no more.
    for (const wrong of [undefined, null, 5, 'text', {}, new Int32Array(100), new ArrayBuffer(100)]) {
      expect(hot(call, [-1, -1, 0, 1], wrong as never)).toBe(EFAULT);
    }
    for (const unknown of [id + 1, most]) expect(hot(call, [-1, unknown, 0, 1])).toBe(EFAULT);
    expect(addon.releaseBuffer(id)).toBe(true);
    expect(addon.releaseBuffer(id)).toBe(false);
    expect(hot(call, [-1, id, 0, 1])).toBe(EFAULT);
    const leaving = new Uint8Array(100);
    structuredClone(leaving.buffer, { transfer: [leaving.buffer] });
    expect(hot(call, [-1, -1, 0, 1], leaving)).toBe(EFAULT);
  },
);

test('H40: every command of CI has a time limit, and so has every program that a test starts', () => {
  const script = readFileSync('.ci/run', 'utf8');
  expect(script).toMatch(/timeout --kill-after=\d+ "\$seconds" "\$@"/);
  for (const line of script.split('\n').filter((each) => /^\s*run /.test(each))) {
    expect(line).toMatch(/run '[^']+' \d+ /);
  }
  expect(readFileSync('test/support/program.ts', 'utf8')).toMatch(/setTimeout\(\(\) => child\.kill\('SIGKILL'\)/);
});
