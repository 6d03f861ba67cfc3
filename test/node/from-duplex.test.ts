// fromDuplex(): what becomes of the bytes when it is closed, how it is given back, and streams that it does not take.

import net from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import tls from 'node:tls';
import { expect, test, vi } from 'vitest';
import {
  type Coroutine,
  connect,
  createTask,
  type DuplexStream,
  fromDuplex,
  fromPromise,
  gather,
  listen,
  runPromise,
  sleep,
  toDuplex,
  wait,
} from '../../src/index.ts';
import { testWith } from '../support/commands.ts';
import { certificate } from './certificate.ts';
import { ANY, guest, once, type Target, until } from './guest.ts';

const CLOSED = expect.objectContaining({ code: 'ERR_COREACTOR_CLOSED' });
const BUSY = expect.objectContaining({ code: 'ERR_COREACTOR_BUSY' });

/** A server outside of all runs; `received` is what the next connection has sent when it has ended. */
async function serving(
  server: net.Server,
  body: (target: Target, received: Promise<Buffer>) => Promise<void>,
): Promise<void> {
  const name = server instanceof tls.Server ? 'secureConnection' : 'connection';
  const received = new Promise<Buffer>((resolve) => {
    server.once(name, (socket: net.Socket) => {
      const parts: Buffer[] = [];
      socket.on('data', (part) => parts.push(part));
      socket.on('error', () => {});
      socket.on('close', () => resolve(Buffer.concat(parts)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await body({ host: '127.0.0.1', port: (server.address() as net.AddressInfo).port }, received);
  } finally {
    server.close();
  }
}

function* secured(target: Target): Coroutine<DuplexStream> {
  const socket = toDuplex(yield* connect(target));
  return fromDuplex(tls.connect({ socket, ca: certificate().cert, servername: 'localhost' }));
}

const HELLO = Buffer.from('hello');
const LIVES: Record<string, (target: Target) => Coroutine<void>> = {
  *'and the run ends'(target) {
    const secure = yield* secured(target);
    yield* secure.sendAll(HELLO);
  },
  *'and using closes'(target) {
    using secure = yield* secured(target);
    yield* secure.sendAll(HELLO);
  },
  *'and close() while the program goes on'(target) {
    const secure = yield* secured(target);
    yield* secure.sendAll(HELLO);
    secure.close();
    yield* fromPromise(new Promise((resolve) => secure.duplex.once('close', resolve)));
  },
  *'by a writer, and the run ends'(target) {
    const writer = (yield* secured(target)).writer();
    yield* writer.write(HELLO);
    yield* writer.end();
  },
  *'by trySend(), and close() while the program goes on'(target) {
    const secure = yield* secured(target);
    expect(secure.trySend(HELLO)).toBe(HELLO.length);
    secure.close();
    yield* fromPromise(new Promise((resolve) => secure.duplex.once('close', resolve)));
  },
};

for (const [what, life] of Object.entries(LIVES)) {
  testWith(['openssl'], `what was sent over tls arrives: sendAll() at once ${what}`, () =>
    serving(tls.createServer(certificate()), async (target, received) => {
      await runPromise(() => life(target));
      expect(String(await received)).toBe('hello');
    }),
  );
}

test('what was sent on a socket of node:net before it has connected arrives, when it is closed at once', async () => {
  for (const size of [16_000, 5_000_000]) {
    await serving(net.createServer(), async (target, received) => {
      await runPromise(function* () {
        using stream = fromDuplex(net.connect(target));
        stream.trySend(Buffer.alloc(size - 10));
        const sending = createTask(stream.sendAll(Buffer.alloc(10)));
        yield* sleep(0);
        sending.cancel();
      });
      expect((await received).length).toBe(size);
    });
  }
});

test('sendAll() waits for the stream to hand on all of its pieces, the last one, too', () =>
  guest(function* () {
    const dones: (() => void)[] = [];
    const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, done) => void dones.push(done) });
    using stream = fromDuplex(duplex);
    for (const data of [HELLO, [HELLO, HELLO], [Buffer.alloc(100_000), HELLO]]) {
      const sending = createTask(stream.sendAll(data));
      const pieces = Array.isArray(data) ? data.length : 1;
      for (let i = 0; i < pieces; i++) {
        yield* sleep(1);
        expect(sending.done).toBe(false);
        (dones.shift() as () => void)();
      }
      yield* sending;
    }
    expect(yield* stream.sendAll([])).toBe(0);
  }));

test('one task sends, one receives; a second one is told so, and may after it', () =>
  guest(function* () {
    const dones: (() => void)[] = [];
    const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, done) => void dones.push(done) });
    using stream = fromDuplex(duplex);
    for (let i = 0; i < 2; i++) {
      const tasks = [createTask(stream.sendAll(HELLO)), createTask(stream.recv(10))];
      yield* sleep(1);
      for (const second of [stream.sendAll(HELLO), stream.recv(10)]) {
        const task = createTask<unknown>(second);
        yield* wait([task]);
        expect(task.exception()).toEqual(BUSY);
      }
      expect(() => stream.detach()).toThrow(BUSY);
      duplex.push('answer');
      (dones.shift() as () => void)();
      yield* wait(tasks);
      expect(tasks.map((task) => String(task.result()))).toEqual(['5', 'answer']);
    }
  }));

test('who waits hears of its end: close(), destroy(), an error', () =>
  guest(function* () {
    const ends: [(stream: DuplexStream) => void, unknown][] = [
      [(stream) => stream.close(), CLOSED],
      [(stream) => stream.duplex.destroy(), CLOSED],
      [(stream) => stream.duplex.destroy(new Error('of the stream')), new Error('of the stream')],
    ];
    for (const [end, error] of ends) {
      const stream = fromDuplex(new Duplex({ read() {}, write() {} }));
      const tasks = [createTask(stream.sendAll(HELLO)), createTask(stream.recv(10))];
      yield* sleep(1);
      end(stream);
      yield* wait(tasks);
      expect(tasks.map((task) => task.exception())).toEqual([error, error]);
      expect(stream.closed).toBe(true);
      stream.duplex.destroy();
    }
  }));

test('the end of what comes is a recv() of nothing, while our direction goes on', () =>
  guest(function* () {
    const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    using stream = fromDuplex(duplex);
    const receiving = createTask(stream.recv(10));
    yield* sleep(1);
    duplex.push(null);
    expect((yield* receiving).length).toBe(0);
    expect(yield* stream.sendAll(HELLO)).toBe(HELLO.length);
  }));

test('recvView() gives what has come, in memory of its own, and sends what others lend it as it was', () =>
  guest(function* () {
    using listener = listen(ANY);
    const [socket, peer] = yield* gather([connect(listener.address as Target), listener.accept()]);
    const written: Buffer[] = [];
    const duplex = new Duplex({
      read() {},
      write: (chunk, _encoding, done) => {
        written.push(chunk);
        setTimeout(done, 20);
      },
    });
    using stream = fromDuplex(duplex);
    duplex.push(HELLO);
    const view = yield* stream.recvView();
    expect(view).toEqual(HELLO);
    duplex.push(null);
    expect(yield* stream.recvView()).toHaveLength(0);
    for (const letter of ['a', 'b', 'c']) {
      yield* peer.sendAll(Buffer.alloc(1000, letter));
      const lent = yield* socket.recvView();
      const others = createTask(function* () {
        for (let i = 0; i < 20; i++) {
          yield* peer.sendAll(Buffer.alloc(1000, 'x'));
          yield* socket.recvView();
        }
      });
      // The first is more than the stream takes at once.
      yield* stream.sendAll([Buffer.alloc(100_000, letter), lent]);
      yield* others;
    }
    expect(Buffer.concat(written).toString()).toBe(['a', 'b', 'c'].map((letter) => letter.repeat(101_000)).join(''));
    expect(view).toEqual(HELLO);
    socket.close();
    peer.close();
  }));

test('a write that is cut off fails: with the error of the stream, or as it was closed', () =>
  guest(function* () {
    const failing = fromDuplex(
      new Duplex({ read() {}, write: (_chunk, _encoding, done) => void setImmediate(done, new Error('of the write')) }),
    );
    const sending = createTask(failing.sendAll(HELLO));
    yield* wait([sending]);
    expect(sending.exception()).toMatchObject({ message: 'of the write' });

    using listener = listen(ANY);
    for (const unread of [0, 1_000_000]) {
      const accepting = createTask(listener.accept());
      const stream = fromDuplex(toDuplex(yield* connect(listener.address as Target)));
      const peer = yield* accepting;
      yield* peer.sendAll(Buffer.alloc(unread)); // with much of it only the writer hears of the reset
      const large = createTask(stream.sendAll(Buffer.alloc(50_000_000)));
      yield* sleep(10);
      peer.reset();
      yield* wait([large]);
      expect(large.exception()).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    }
  }));

test('what destroy() cuts off was not sent, though a socket of node:net calls back as if it was', () =>
  guest(function* () {
    using listener = listen(ANY);
    for (const error of [undefined, new Error('of destroy()')]) {
      const accepting = createTask(listener.accept());
      const socket = net.connect(listener.address as Target);
      yield* fromPromise(once(socket, 'connect'));
      using _peer = yield* accepting; // it reads nothing
      const stream = fromDuplex(socket);
      const sending = createTask(stream.sendAll(Buffer.alloc(50_000_000)));
      yield* until(() => socket.writableLength > 0);
      socket.destroy(error);
      yield* wait([sending]);
      // From 24 on Node itself calls back with ECANCELED.
      const code = expect.stringMatching(/^(ERR_COREACTOR_CLOSED|ECANCELED)$/);
      expect(sending.exception()).toMatchObject(error ?? { code });
    }
  }));

test('close() ends the stream and throws away what comes, so that a peer that writes first reads to the end', () =>
  guest(function* () {
    using listener = listen(ANY);
    const accepting = createTask(listener.accept());
    const duplex = toDuplex(yield* connect(listener.address as Target), { allowHalfOpen: true });
    const stream = fromDuplex(duplex);
    using peer = yield* accepting;
    const size = 20_000_000;
    stream.trySend(Buffer.alloc(size));
    stream.close();
    expect(stream.closed).toBe(true);
    expect(() => stream.endWriting()).toThrow(CLOSED);
    expect(() => stream.detach()).toThrow(CLOSED);
    yield* peer.sendAll(Buffer.alloc(size));
    while (duplex.bytesRead < size) yield* sleep(1);
    let length = 0;
    for (let more = 1; more > 0; length += more) more = (yield* peer.recv(1_000_000)).length;
    expect(length).toBe(size);
    stream.close();
    yield* sleep(1);
    expect(duplex.destroyed).toBe(true);
  }));

test('close() waits half a minute for a peer that reads nothing, and as long again for each write that has gone', () =>
  guest(function* () {
    const dones: (() => void)[] = [];
    const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, done) => void dones.push(done) });
    const stream = fromDuplex(duplex);
    stream.trySend(HELLO);
    stream.trySend(HELLO);
    vi.useFakeTimers();
    try {
      stream.close();
      vi.advanceTimersByTime(29_999);
      (dones.shift() as () => void)();
      vi.advanceTimersByTime(30_000);
      expect(duplex.destroyed).toBe(false);
      vi.advanceTimersByTime(1);
      expect(duplex.destroyed).toBe(true);
    } finally {
      vi.useRealTimers();
    }
    // One that has nothing to send, and one that has ended already.
    for (const ended of [false, true]) {
      const other = fromDuplex(new Duplex({ read() {}, write() {} }));
      if (ended) other.endWriting();
      yield* sleep(1);
      other.close();
      yield* sleep(1);
      expect(other.duplex.destroyed).toBe(true);
    }
  }));

testWith(['openssl'], 'detach(): a connection goes over to tls, over a socket of ours and over one of node:net', () =>
  guest(function* () {
    using listener = listen(ANY);
    const target = listener.address as Target;
    const open = [
      function* () {
        return toDuplex(yield* connect(target));
      },
      function* () {
        return net.connect(target);
      },
    ];
    for (const each of open) {
      createTask(function* () {
        using plain = fromDuplex(toDuplex(yield* listener.accept()));
        expect(String(yield* plain.recv(100))).toBe('STARTTLS\n');
        yield* plain.sendAll(Buffer.from('GO\n'));
        using secure = fromDuplex(new tls.TLSSocket(plain.detach(), { isServer: true, ...certificate() }));
        yield* secure.sendAll(yield* secure.reader().readExactly(100_000));
        yield* secure.recv(1);
      });
      const plain = fromDuplex((yield* each()) as Duplex);
      yield* plain.sendAll(Buffer.from('STARTTLS\n'));
      expect(String(yield* plain.recv(100))).toBe('GO\n');
      const { duplex } = plain;
      const socket = plain.detach();
      expect(socket).toBe(duplex);
      expect(plain.closed).toBe(true);
      using secure = fromDuplex(tls.connect({ socket, ca: certificate().cert, servername: 'localhost' }));
      const sent = Buffer.alloc(100_000, 'secret');
      yield* secure.sendAll(sent);
      expect((yield* secure.reader().readExactly(sent.length)).equals(sent)).toBe(true);
      plain.close(); // it is not its own any more
    }
  }),
);

test('detach() leaves nothing behind, not even what waits to be read; what uses it after that is told so', () =>
  guest(function* () {
    const duplex = new PassThrough();
    const stream = fromDuplex(duplex);
    yield* stream.sendAll(Buffer.from('one two'));
    expect(String(yield* stream.recv(3))).toBe('one');
    const names = ['readable', 'end', 'close', 'error', 'drain'];
    const without = new PassThrough();
    stream.detach();
    expect(names.map((name) => duplex.listenerCount(name))).toEqual(names.map((name) => without.listenerCount(name)));
    const told = expect.objectContaining({
      code: 'ERR_COREACTOR_CLOSED',
      message: expect.stringMatching(/detach\(\)/),
    });
    for (const call of [() => stream.trySend(HELLO), () => stream.endWriting(), () => stream.detach()]) {
      expect(call).toThrow(told);
    }
    for (const operation of [stream.sendAll(HELLO), stream.recv(1)]) {
      const task = createTask<unknown>(operation);
      yield* wait([task]);
      expect(task.exception()).toEqual(told);
    }
    stream.close();
    expect(String((yield* fromPromise(once(duplex, 'data')))[0])).toBe(' two');
    expect(duplex.destroyed).toBe(false);
    duplex.destroy();
  }));

test('a stream that has failed gives its error; one that gives text is refused, before and after', () =>
  guest(function* () {
    const duplex = new PassThrough().on('error', () => {});
    duplex.destroy(new Error('of before'));
    yield* sleep(1);
    const failed = fromDuplex(duplex);
    for (const operation of [failed.recv(1), failed.sendAll(HELLO)]) {
      const task = createTask<unknown>(operation);
      yield* wait([task]);
      expect(task.exception()).toMatchObject({ message: 'of before' });
    }

    expect(() => fromDuplex(new PassThrough().setEncoding('utf8'))).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(/setEncoding\(\)/) }),
    );
    using text = fromDuplex(new PassThrough());
    text.duplex.setEncoding('utf8');
    text.duplex.write('ääääää');
    const reading = createTask(text.recv(6));
    yield* wait([reading]);
    expect(reading.exception()).toMatchObject({
      code: 'ERR_COREACTOR_INVALID_STATE',
      message: expect.stringMatching(/setEncoding\(\)/),
    });
  }));

test('a stream of objects is refused, since its bytes could not be told', () =>
  guest(function* () {
    for (const options of [{ objectMode: true }, { readableObjectMode: true }]) {
      expect(() => fromDuplex(new PassThrough(options))).toThrow(
        expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(/readableObjectMode/) }),
      );
    }
    using stream = fromDuplex(new PassThrough({ writableObjectMode: true }));
    yield* stream.sendAll(HELLO);
    expect(String(yield* stream.recv(10))).toBe('hello');
  }));

test('trySend() takes all, or nothing while the stream wants no more; a length of 0 waits for nothing', () =>
  guest(function* () {
    const through = new PassThrough({ writableHighWaterMark: 8, readableHighWaterMark: 1 });
    const stream = fromDuplex(through);
    let sent = '';
    for (const piece of ['0123', '4567', '89ab', 'cdef']) {
      if (stream.trySend(Buffer.from(piece)) > 0) sent += piece;
    }
    expect(sent.length).toBeLessThan(16);
    expect(yield* stream.recvInto(Buffer.alloc(1), 0, 0)).toBe(0);
    expect(String(yield* stream.reader().readExactly(sent.length))).toBe(sent);
    expect(yield* stream.recvInto(Buffer.alloc(1), 0, 0)).toBe(0);
    yield* until(() => !through.writableNeedDrain);
    expect(stream.trySend(HELLO)).toBe(HELLO.length);
    stream.close();
  }));

test('a listener outside of every task is told how the stream gets to one', () =>
  guest(function* () {
    using listener = listen(ANY);
    createTask(listener.accept());
    using socket = yield* connect(listener.address as Target);
    const heard = new Promise<void>((resolve, reject) => {
      process.nextTick(() => {
        for (const call of [() => fromDuplex(new PassThrough()), () => toDuplex(socket)]) {
          try {
            expect(call).toThrow(
              /^(from|to)Duplex\(\) needs a loop .* of runPromise\(\), to which a listener can hand .* Queue$/,
            );
          } catch (error) {
            reject(error);
          }
        }
        resolve();
      });
    });
    yield* fromPromise(heard);
  }));

test('wrong arguments are refused as by a Socket, before a byte is taken or sent', () =>
  guest(function* () {
    using listener = listen(ANY);
    const accepting = createTask(listener.accept());
    using socket = yield* connect(listener.address as Target);
    using _peer = yield* accepting;
    using stream = fromDuplex(new PassThrough());
    yield* stream.sendAll(HELLO);
    const stretches: [number, number?][] = [[0, 10], [5], [-1], [1.5], [0, 1.5], [0, Number.NaN], [0, -1]];
    for (const each of [socket, stream]) {
      for (const [offset, length] of stretches) {
        expect(() => each.recvInto(Buffer.alloc(4), offset, length)).toThrow(RangeError);
      }
      for (const size of [0, -1, 1.5, Number.NaN]) expect(() => each.recv(size)).toThrow(RangeError);
      expect(() => each.recvInto('text' as never)).toThrow(TypeError);
      for (const data of ['text', 5, new Uint16Array([1000])] as never[]) {
        expect(() => each.sendAll(data)).toThrow(TypeError);
        expect(() => each.sendAll([HELLO, data])).toThrow(TypeError);
        expect(() => each.trySend(data)).toThrow(TypeError);
      }
    }
    expect(String(yield* stream.recv(100))).toBe('hello');
  }));

test('S14: a stream that always has something keeps nobody else from running', () =>
  guest(function* () {
    const duplex = new Duplex({
      read() {
        this.push(HELLO);
      },
      write() {},
    });
    const stream = fromDuplex(duplex);
    const receiving = createTask(function* () {
      for (let i = 0; i < 100_000; i++) yield* stream.recv(5);
    });
    for (let i = 0; i < 5; i++) yield* sleep(0);
    expect(receiving.done).toBe(false);
    receiving.cancel();
    yield* wait([receiving]);
    expect(String(yield* stream.recv(5))).toBe('hello');
    duplex.destroy();
  }));

test('what is sent is copied: the buffer may be used again at once, and after a cancel', () =>
  guest(function* () {
    const written: [Buffer, () => void][] = [];
    const duplex = new Duplex({ read() {}, write: (chunk, _encoding, done) => void written.push([chunk, done]) });
    using stream = fromDuplex(duplex);
    const buffer = Buffer.from('one');
    expect(stream.trySend(buffer)).toBe(3);
    buffer.write('two');
    const sending = createTask(stream.sendAll(buffer));
    yield* sleep(1);
    sending.cancel();
    yield* wait([sending]);
    buffer.fill('x');
    for (const text of ['one', 'two']) {
      const [chunk, done] = written.shift() as [Buffer, () => void];
      expect(String(chunk)).toBe(text);
      done();
      yield* sleep(1);
    }
  }));

test('who waits for what comes does not look again and again', () =>
  guest(function* () {
    const duplex = new PassThrough();
    using stream = fromDuplex(duplex);
    yield* stream.sendAll(HELLO);
    yield* stream.recv(10);
    const receiving = createTask(stream.recv(10));
    yield* sleep(1);
    const look = vi.spyOn(duplex, 'read');
    for (let i = 0; i < 20; i++) yield* sleep(0);
    expect(look).not.toHaveBeenCalled();
    yield* stream.sendAll(HELLO);
    expect(String(yield* receiving)).toBe('hello');
  }));

test('an error of the stream after close() is nobody’s any more, and ends no program', () =>
  guest(function* () {
    const duplex = new Duplex({ read() {}, write() {} });
    const stream = fromDuplex(duplex);
    stream.trySend(HELLO);
    stream.close();
    const closed = new Promise((resolve) => void duplex.once('close', resolve));
    duplex.destroy(new Error('too late')); // would be an uncaught exception, and fail the test
    yield* fromPromise(closed);
    expect(duplex.errored).toMatchObject({ message: 'too late' });
  }));
