// BufferedWriter, several buffers at once, and files: order, backpressure, errors, and how much has gone.

import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  allTasks,
  BufferedWriter,
  type Coroutine,
  createTask,
  gather,
  type Operation,
  pipe,
  run,
  type Socket,
  type Stream,
  sleep,
  timeout,
  wait,
} from '../../src/index.ts';
import { countDescriptors, openDescriptors } from '../support/descriptors.ts';
import { pair } from './pair.ts';

const folder = mkdtempSync(join(tmpdir(), 'coreactor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function runs(body: () => Coroutine<void>): void {
  const before = countDescriptors();
  run(() => timeout(20_000, body) as Coroutine<void>);
  expect(countDescriptors()).toBe(before);
}

function* all(stream: Stream): Coroutine<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = yield* stream.recv(100_000);
    if (piece.length === 0) return Buffer.concat(pieces);
    pieces.push(piece);
  }
}

function* codeOf(operation: Operation<unknown>): Coroutine<string> {
  try {
    yield* operation;
    return 'nothing';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** Bytes of which none is like its neighbours. */
const bytes = (size: number, seed = 1): Buffer =>
  Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 255));

// --- BufferedWriter

test('H28: a peer that does not read bounds what is buffered, and gets all of it later, in order', () => {
  runs(function* () {
    const [one, other] = yield* pair();
    const writer = one.writer({ highWater: 10_000 });
    const message = bytes(3000);
    let written = 0;
    const writing = createTask(function* () {
      for (; written < 5000; written++) yield* writer.write(message);
      yield* writer.end();
    });
    let most = 0;
    for (let i = 0; i < 50; i++) {
      yield* sleep(1);
      most = Math.max(most, writer.buffered);
    }
    expect(writing.done).toBe(false);
    expect(most).toBeGreaterThan(10_000);
    expect(most).toBeLessThanOrEqual(13_000);
    const got = yield* all(other);
    expect(got.length).toBe(5000 * 3000);
    for (let i = 0; i < 5000; i += 499) expect(got.subarray(i * 3000, (i + 1) * 3000).equals(message)).toBe(true);
    yield* writing;
    expect(writer.buffered).toBe(0);
    one.close();
    other.close();
  });
});

test('messages of several tasks are not mixed', () => {
  runs(function* () {
    const { reader, writer: stream } = pipe();
    const writer = stream.writer({ highWater: 1000 });
    const task = (name: number): Coroutine<void> =>
      (function* () {
        for (let i = 0; i < 50; i++) yield* writer.write(Buffer.alloc(5000, name));
      })();
    const reading = createTask(() => all(reader));
    yield* gather([1, 2, 3, 4].map((name) => createTask(task(name))));
    yield* writer.end();
    const got = yield* reading;
    expect(got.length).toBe(4 * 50 * 5000);
    for (let at = 0; at < got.length; at += 5000) {
      expect(got.subarray(at, at + 5000).every((byte) => byte === got[at])).toBe(true);
    }
  });
});

test('a cancelled write() has written nothing, and the others go on', () => {
  runs(function* () {
    const { reader, writer: stream } = pipe();
    const writer = stream.writer({ highWater: 100 });
    yield* writer.write(Buffer.alloc(100_000, 'a'));
    const [b, c] = ['b', 'c'].map((letter) => createTask(() => writer.write(Buffer.alloc(10, letter))));
    yield* sleep(1);
    b?.cancel();
    const reading = createTask(() => all(reader));
    yield* wait([c as never]);
    yield* writer.end();
    expect((yield* reading).toString()).toBe('a'.repeat(100_000) + 'c'.repeat(10));
  });
});

test('an error in the background comes with every later call', () => {
  runs(function* () {
    const { reader, writer: stream } = pipe();
    const writer = stream.writer();
    yield* writer.write(Buffer.alloc(100_000));
    const flushing = createTask(() => codeOf(writer.flush()));
    yield* sleep(1);
    reader.close();
    expect(yield* flushing).toBe('EPIPE');
    expect(yield* codeOf(writer.write(Buffer.alloc(1)))).toBe('EPIPE');
    expect(yield* codeOf(writer.end())).toBe('EPIPE');
    stream.close();
  });
});

test('what waits to be sent is a copy: who writes may use the memory again', () => {
  runs(function* () {
    const [one, other] = yield* pair();
    const writer = one.writer({ highWater: 100_000_000 });
    const expected = bytes(20_000_000);
    const memory = Buffer.from(expected);
    yield* writer.write(memory);
    expect(writer.buffered).toBeGreaterThan(0);
    memory.fill(0);
    createTask(writer.end());
    expect((yield* all(other)).equals(expected)).toBe(true);
    one.close();
    other.close();
  });
});

/** A stream that takes one byte at first, and then all. */
function* narrow(): Coroutine<{ stream: Stream; taken: string[] }> {
  const taken: string[] = [];
  const trySend = (data: Uint8Array): number => {
    const some = taken.length === 0 ? data.subarray(0, 1) : data;
    taken.push(Buffer.from(some).toString());
    return some.length;
  };
  function* sendAll(list: Uint8Array[]): Coroutine<number> {
    for (const data of list) taken.push(Buffer.from(data).toString());
    yield* sleep(1000);
    return 0;
  }
  return { stream: { trySend, sendAll } as unknown as Stream, taken };
}

test('nobody overtakes what waits to be sent, even before the background has begun', () => {
  runs(function* () {
    const { stream, taken } = yield* narrow();
    const writer = new BufferedWriter(stream);
    yield* writer.write(Buffer.from('ab'));
    yield* writer.write(Buffer.from('c'));
    yield* sleep(0);
    expect(taken.join('')).toBe('abc');
  });
});

test('if the background is cancelled, whoever waits for it is told', () => {
  runs(function* () {
    const { stream } = yield* narrow();
    const writer = new BufferedWriter(stream);
    yield* writer.write(Buffer.from('ab'));
    const flushing = createTask(codeOf(writer.flush()));
    yield* sleep(0);
    for (const task of allTasks()) if (task.name.startsWith('writer of')) task.cancel();
    expect(yield* flushing).toBe('ERR_COREACTOR_CLOSED');
    expect(yield* codeOf(writer.write(Buffer.from('c')))).toBe('ERR_COREACTOR_CLOSED');
  });
});

test('after end() nobody writes; bad arguments are refused', () => {
  runs(function* () {
    const [one, other] = yield* pair();
    const writer = one.writer();
    yield* writer.write(Buffer.from('x'));
    yield* writer.end();
    expect(yield* codeOf(writer.write(Buffer.from('y')))).toBe('ERR_COREACTOR_CLOSED');
    expect((yield* all(other)).toString()).toBe('x');
    yield* other.sendAll(Buffer.from('back')); // half closed only
    expect((yield* one.recv(10)).toString()).toBe('back');
    expect(() => writer.write('text' as never)).toThrow(/encode strings/);
    expect(() => one.writer({ highWater: -1 })).toThrow(RangeError);
    one.close();
    other.close();
  });
});

// --- several buffers

test('sendAll of several buffers: few bytes, many, empty ones, more than the system takes at once, and to a pipe', () => {
  runs(function* () {
    const [one, other] = yield* pair();
    const lists = [
      [],
      [Buffer.alloc(0)],
      [Buffer.from('a'), Buffer.from('b'), new Uint8Array([99])],
      [bytes(5000), Buffer.alloc(0), bytes(5001, 2), bytes(1, 3)],
      Array.from({ length: 3000 }, (_, i) => bytes(i % 7, i)),
      [bytes(3_000_000), bytes(2_000_000, 9)],
    ];
    const reading = createTask(() => all(other));
    for (const list of lists) {
      const total = list.reduce((sum, { length }) => sum + length, 0);
      expect(yield* one.sendAll(list)).toBe(total);
      expect(one.sent).toBe(total);
      yield* one.sendAll(Buffer.from('|')); // small ones before and behind keep their place
    }
    one.shutdown();
    const expected = Buffer.concat(lists.flatMap((list) => [...list, Buffer.from('|')]));
    expect((yield* reading).equals(expected)).toBe(true);
    one.close();
    other.close();

    const { reader, writer } = pipe();
    const piped = createTask(() => all(reader));
    yield* writer.sendAll(lists[5] as Buffer[]);
    writer.close();
    expect((yield* piped).equals(Buffer.concat(lists[5] as Buffer[]))).toBe(true);
  });
});

test('H27: cancelled or broken off in the middle, it says how many bytes went', () => {
  runs(function* () {
    const [one, other] = yield* pair();
    const list = [bytes(1000), bytes(20_000_000, 5)];
    const sending = createTask(() => one.sendAll(list));
    yield* sleep(5);
    sending.cancel();
    yield* wait([sending]);
    const { sent } = one;
    expect(sent).toBeGreaterThan(1000);
    one.shutdown();
    expect((yield* all(other)).equals(Buffer.concat(list).subarray(0, sent))).toBe(true);
    one.close();
    other.close();

    const [third, fourth] = yield* pair();
    const broken = createTask(function* () {
      try {
        yield* third.sendAll(list);
      } catch (error) {
        return error as { code: string; bytesSent: number };
      }
    });
    yield* sleep(5);
    (fourth as Socket).reset();
    const error = yield* broken;
    expect(error?.code).toMatch(/ECONNRESET|EPIPE/);
    expect(error?.bytesSent).toBeGreaterThan(1000);
    third.close();
  });
});

test('what is no list of buffers is refused; a second sender is busy', () => {
  runs(function* () {
    const [one, other] = yield* pair();
    expect(() => one.sendAll(['text'] as never)).toThrow(/encode strings/);
    const sending = createTask(() => one.sendAll([bytes(20_000_000), bytes(1)]));
    yield* sleep(1);
    expect(() => one.sendAll([bytes(5000), bytes(1)])).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_BUSY' }));
    one.close();
    expect(yield* codeOf(sending)).toBe('ERR_COREACTOR_CLOSED');
    expect(() => one.sendAll([bytes(5000), bytes(1)])).toThrow(/closed/);
    other.close();
  });
});

// --- files

test('sendFile: all of it, a stretch, past its end, by path and by descriptor, behind what was sent before', () => {
  const path = join(folder, 'file');
  const content = bytes(3_000_000);
  writeFileSync(path, content);
  runs(function* () {
    const files = (): number => [...openDescriptors().values()].filter((target) => target === path).length;
    const [one, other] = yield* pair();
    const reading = createTask(() => all(other));
    yield* one.sendAll(Buffer.from('head'));
    expect(yield* one.sendFile(path)).toBe(3_000_000);
    const fd = openSync(path, 'r');
    expect(yield* one.sendFile(fd, { offset: 1000, length: 70_000 })).toBe(70_000);
    expect(yield* one.sendFile(fd, { offset: 2_999_990, length: 100 })).toBe(10);
    expect(yield* one.sendFile(fd, { offset: 4_000_000 })).toBe(0);
    expect(yield* one.sendFile(fd, { length: 0 })).toBe(0);
    expect(files()).toBe(1); // the descriptor is still ours, the path's was closed
    closeSync(fd);
    yield* one.sendAll(Buffer.from('tail'));
    one.shutdown();
    const expected = Buffer.concat([
      Buffer.from('head'),
      content,
      content.subarray(1000, 71_000),
      content.subarray(2_999_990),
      Buffer.from('tail'),
    ]);
    expect((yield* reading).equals(expected)).toBe(true);
    one.close();
    other.close();
  });
});

test('sendFile: into a pipe, and where the system cannot do it by itself', () => {
  const path = join(folder, 'file2');
  writeFileSync(path, bytes(300_000));
  runs(function* () {
    const { reader, writer } = pipe();
    const reading = createTask(() => all(reader));
    expect(yield* writer.sendFile(path)).toBe(300_000);
    writer.close();
    expect((yield* reading).equals(bytes(300_000))).toBe(true);

    // /proc files have no pages to send from: EINVAL on some kernels, a copy on others
    const [one, other] = yield* pair();
    const count = yield* one.sendFile('/proc/self/limits');
    one.shutdown();
    const text = (yield* all(other)).toString();
    expect([text.length, text.startsWith('Limit')]).toEqual([count, true]);
    one.close();
    other.close();
  });
});

test('sendFile: a cancel says how much went and closes the file; errors of the file are those of the file', () => {
  const path = join(folder, 'file3');
  writeFileSync(path, bytes(20_000_000));
  runs(function* () {
    const [one, other] = yield* pair();
    expect(yield* codeOf(one.sendFile(join(folder, 'nothing')))).toBe('ENOENT');
    expect(yield* codeOf(one.sendFile(folder))).toBe('EISDIR');
    const sending = createTask(() => one.sendFile(path));
    yield* sleep(5);
    sending.cancel();
    yield* wait([sending]);
    expect(one.sent).toBeGreaterThan(0);
    expect([...openDescriptors().values()]).not.toContain(path);
    one.shutdown();
    expect((yield* all(other)).length).toBe(one.sent);
    expect(() => one.sendFile(path, { offset: -1 })).toThrow(RangeError);
    expect(() => one.sendFile(path, { length: 0.5 })).toThrow(RangeError);
    expect(() => one.sendFile({} as never)).toThrow(TypeError);
    one.close();
    other.close();
  });
});
