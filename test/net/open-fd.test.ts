// Any descriptor as a stream: pipes, FIFOs, terminals, eventfd and its like, what cannot be waited on, and whose it is.

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  gather,
  openFd,
  pipe,
  readable,
  run,
  sleep,
  syscalls,
  timeout,
  writable,
} from '../../src/index.ts';
import { addon } from '../../src/native/addon.ts';
import { countDescriptors } from '../support/descriptors.ts';

const folder = mkdtempSync(join(tmpdir(), 'coreactor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the body, in time, and finds as many descriptors after it as before. */
function runs(body: () => Coroutine<void>): void {
  const before = countDescriptors();
  run(() => timeout(10_000, body) as Coroutine<void>);
  expect(countDescriptors()).toBe(before);
}

const isNonBlocking = (fd: number): boolean =>
  (Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0', 8) &
    constants.O_NONBLOCK) !==
  0;

test('H9: a pipe carries more than it holds, byte for byte, to its end', () => {
  runs(function* () {
    const { reader, writer } = pipe();
    const message = Buffer.alloc(1_000_000).map((_, i) => (i * 7 + (i >> 8)) & 255);
    createTask(function* () {
      yield* writer.sendAll(message);
      writer.close();
    });
    const got: Buffer[] = [];
    for (;;) {
      const piece = yield* reader.recv(70_000);
      if (piece.length === 0) break;
      got.push(piece);
    }
    expect(Buffer.concat(got).equals(message)).toBe(true);
    reader.close();
  });
});

test('H12: a pipe whose writer has gone ends; one whose reader has gone gives EPIPE, full or not, waiting or not', () => {
  runs(function* () {
    const one = pipe();
    const waiting = createTask(() => one.reader.recv(10));
    yield* sleep(0);
    one.writer.close();
    expect((yield* waiting).length).toBe(0);
    expect((yield* one.reader.recv(10)).length).toBe(0); // and again

    const two = pipe();
    const sending = createTask(() => two.writer.sendAll(Buffer.alloc(1_000_000)));
    yield* sleep(1);
    expect(sending.done).toBe(false);
    two.reader.close();
    let code = '';
    try {
      yield* sending;
    } catch (error) {
      code = (error as { code: string }).code;
    }
    expect(code).toBe('EPIPE');
    expect(() => two.writer.trySend(Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'EPIPE' }));
  });
});

test('trySend() into a pipe on which nobody has waited yet gets through some time', () => {
  runs(function* () {
    const { reader, writer } = pipe();
    let sent = 0;
    for (let i = 0; i < 100 && sent === 0; i++) {
      sent = writer.trySend(Buffer.from('x'));
      yield* sleep(0);
    }
    expect(sent).toBe(1);
    expect((yield* reader.recv(2)).toString()).toBe('x');
  });
});

test('each end of a pipe has one side: the other one is refused with advice, at once', () => {
  runs(function* () {
    const { reader, writer } = pipe();
    expect(() => writer.recvInto(Buffer.alloc(1))).toThrow(/opened for writing only.*other end/);
    expect(() => reader.sendAll(Buffer.alloc(1))).toThrow(/opened for reading only/);
    expect(() => reader.send(Buffer.alloc(1))).toThrow(TypeError);
    expect(() => reader.trySend(Buffer.alloc(1))).toThrow(TypeError);
    yield* sleep(0);
  });
});

test('H9: a FIFO, by its path', () => {
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  runs(function* () {
    const fifo = openFd(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
    const waiting = createTask(() => fifo.recv(100));
    yield* sleep(0);
    spawnSync('sh', ['-c', `echo hello > ${path}`]);
    expect((yield* waiting).toString()).toBe('hello\n');
  });
});

test('a descriptor is given back as it was: its blocking mode, and open if it belongs to somebody else', () => {
  const path = join(folder, 'fifo2');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR);
  runs(function* () {
    expect(isNonBlocking(fd)).toBe(false);
    const stream = openFd(fd, { close: false });
    expect(isNonBlocking(fd)).toBe(true);
    yield* stream.sendAll(Buffer.from('x'));
    expect((yield* stream.recv(9)).toString()).toBe('x');
    stream.close();
    expect([isNonBlocking(fd), fstatSync(fd).isFIFO()]).toEqual([false, true]);
    openFd(fd, { close: false }); // left to the end of the run
  });
  expect(isNonBlocking(fd)).toBe(false);
  closeSync(fd);
});

test.each(['file', 'directory', 'null'])('H7, S75: a %s cannot be waited on, and says so on every selector', (kind) => {
  const file = join(folder, 'file');
  writeFileSync(file, 'text');
  const fd = openSync({ file, directory: folder, null: '/dev/null' }[kind] as string, 'r');
  try {
    run(function* () {
      const refusal = expect.objectContaining({ code: 'EPERM', message: expect.stringContaining('always ready') });
      expect(() => openFd(fd)).toThrow(refusal);
      expect(fstatSync(fd).nlink).toBeGreaterThan(0); // and it is still open
      let error: unknown;
      try {
        yield* readable(fd);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toEqual(refusal);
    });
  } finally {
    closeSync(fd);
  }
});

test('what is no descriptor is refused: by its type, and by the system', () => {
  runs(function* () {
    expect(() => openFd('1' as never)).toThrow(TypeError);
    expect(() => openFd(1.5)).toThrow(TypeError);
    expect(() => openFd(987_654)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(() => readable(-1)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    yield* sleep(0);
  });
});

// --- readable() and writable()

test("readable() and writable() wait for a descriptor that stays its owner's, both sides at once", () => {
  const path = join(folder, 'fifo3');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  runs(function* () {
    yield* writable(fd); // there is room
    const order: string[] = [];
    const reading = createTask(function* () {
      yield* readable(fd);
      order.push('readable');
    });
    yield* sleep(1);
    expect(reading.done).toBe(false);
    yield* writable(fd); // while the other waits
    writeFileSync(fd, 'x');
    order.push('written');
    yield* reading;
    yield* readable(fd); // nobody has read it
    expect(order).toEqual(['written', 'readable']);
  });
  closeSync(fd);
});

test('S71: a second task that waits for the same side is busy; a cancelled one leaves the descriptor free', () => {
  runs(function* () {
    const { writer } = pipe();
    const fd = openSync(join(folder, 'fifo3'), constants.O_RDWR | constants.O_NONBLOCK);
    const first = createTask(() => readable(fd));
    yield* sleep(0);
    const results = yield* gather([readable(fd), readable(writer.fd)], { returnExceptions: true });
    expect(results.map((each) => (each as unknown as { code: string }).code)).toEqual([
      'ERR_COREACTOR_BUSY',
      'ERR_COREACTOR_BUSY',
    ]);
    first.cancel();
    yield* sleep(0);
    const again = createTask(() => readable(fd));
    yield* sleep(0);
    writeFileSync(fd, 'x');
    yield* again;
    closeSync(fd);
  });
});

test('a wait that others share begins anew: what was told to an earlier one counts no more', () => {
  runs(function* () {
    const { fd: listener, address } = syscalls.listen({ host: '127.0.0.1', port: 0 });
    using peer = yield* connect(address);
    yield* readable(listener);
    const fd = syscalls.accept(listener) as number;
    const buffer = Buffer.alloc(1 << 20);
    while (syscalls.send(fd, buffer) !== null);
    const blocked = createTask(writable(fd)); // keeps the descriptor registered
    yield* sleep(1);
    for (let i = 0; i < 5; i++) {
      yield* peer.sendAll(Buffer.from('x'));
      yield* readable(fd);
      expect(syscalls.recv(fd, buffer)).toBe(1);
    }
    expect(blocked.done).toBe(false);
    blocked.cancel();
    yield* sleep(0);
    syscalls.close(fd);
    syscalls.close(listener);
  });
});

test('a read that brings less than was asked for does not mean that nothing is left', () => {
  runs(function* () {
    const fd = addon.openInotify();
    addon.addWatch(fd, folder, 0x100); // IN_CREATE
    const stream = openFd(fd);
    for (const name of ['first', 'second', 'third']) writeFileSync(join(folder, name), '');
    for (let i = 0; i < 3; i++) expect((yield* stream.recv(60)).length).toBe(32); // one event, not two
    stream.close();
  });
});

test('a pipe that cannot be had leaves nothing open', () => {
  const before = countDescriptors();
  expect(() => pipe()).toThrow(expect.objectContaining({ code: 'ERR_COREACTOR_INVALID_STATE' }));
  expect(countDescriptors()).toBe(before);
});
