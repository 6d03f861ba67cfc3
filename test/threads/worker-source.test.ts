// What our workers begin with: nothing is done to a file that has the number of their pipe by then.

import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { addon } from '../../src/native/addon.ts';
import { Printing } from '../../src/threads/printing.ts';
import { type SharedFd, shareFd } from '../../src/threads/shared-fd.ts';
import { BEGUN, PRELUDE } from '../../src/threads/worker-source.ts';

/** Resolves when a worker with that pipe has ended. `taken`: whether the line was ended before. */
function worker(pipe: SharedFd, taken: number): Promise<number> {
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  const printing = new Printing();
  const workerData = { ...printing.share, pipe, port: port2, taken: Int32Array.of(taken) };
  const worker = new Worker(PRELUDE, { eval: true, workerData, transferList: [port2, printing.share.prints] });
  worker.once('exit', () => printing.close());
  return new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
}

function makePipe(): [reader: number, writer: number] {
  const ends = addon.makePipe() as [number, number];
  onTestFinished(() => ends.forEach(closeSync));
  return ends;
}

function heard(reader: number): string {
  const bytes = Buffer.alloc(16);
  try {
    return bytes.toString('latin1', 0, readSync(reader, bytes));
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test.each(['r', 'r+'])('a file that has the number of the pipe (%s) keeps what is in it', async (flags) => {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'precious');
  writeFileSync(file, 'precious data');
  const fd = openSync(file, flags);
  onTestFinished(() => closeSync(fd));
  const [, writer] = makePipe();
  await worker({ fd, identity: shareFd(writer).identity }, 0);
  expect(readFileSync(file, 'utf8')).toBe('precious data');
});

test('another pipe that has the number hears nothing, and one that nobody reads is not waited for', async () => {
  const [, writer] = makePipe();
  const { identity } = shareFd(writer);
  const [otherReader, otherWriter] = makePipe();
  await worker({ fd: otherWriter, identity }, 0);
  expect(heard(otherReader)).toBe('EAGAIN');
  await worker({ fd: openSync('/dev/null', constants.O_RDONLY), identity }, 0);
  await worker({ fd: 1 << 20, identity }, 0);
});

test('the right one hears that the worker has begun, but not if it was given up before', async () => {
  const [reader, writer] = makePipe();
  await worker(shareFd(writer), 1);
  expect(heard(reader)).toBe('EAGAIN');
  await worker(shareFd(writer), 0);
  expect(heard(reader)).toBe(BEGUN);
});
