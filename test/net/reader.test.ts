// BufferedReader: lines, pieces and blocks out of any chunks, limits, ends, and what a cancel leaves behind.

import { expect, test } from 'vitest';
import {
  BufferedReader,
  type Coroutine,
  createTask,
  type IncompleteReadError,
  type Operation,
  pipe,
  Queue,
  type ReaderOptions,
  run,
  type Stream,
  sleep,
  timeout,
  wait,
} from '../../src/index.ts';
import { cancelEverywhere, seeded } from '../../src/testing/index.ts';

/** Feeds the chunks one turn apart, then the end; gives what the body makes of it. */
function reading<T>(
  chunks: readonly (string | Buffer)[],
  body: (reader: BufferedReader) => Coroutine<T>,
  options?: ReaderOptions,
): T {
  return run(() =>
    timeout(10_000, function* () {
      const { reader, writer } = pipe();
      createTask(function* () {
        for (const chunk of chunks) {
          yield* writer.sendAll(Buffer.from(chunk as string));
          yield* sleep(0);
          yield* sleep(0);
        }
        writer.close();
      });
      return yield* body(reader.reader(options));
    }),
  );
}

function* allLines(reader: BufferedReader): Coroutine<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = yield* reader.readLine();
    if (line === null) return lines;
    lines.push(line);
  }
}

function* errorOf(operation: Coroutine<unknown>): Coroutine<Error & { code?: string; partial?: Buffer }> {
  try {
    yield* operation;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

test('lines: with \\n, with \\r\\n, empty ones, and a last one without an end', () => {
  expect(reading(['one\ntwo\r\n\n\r\nlo', 'ng', 'er\r', '\nlast'], allLines)).toEqual([
    'one',
    'two',
    '',
    '',
    'longer',
    'last',
  ]);
  expect(reading(['only\n'], allLines)).toEqual(['only']);
  expect(reading([], allLines)).toEqual([]);
  expect(reading(['a\rb\n'], allLines)).toEqual(['a\rb']);
});

test('lines are UTF-8, also where a character is cut in two', () => {
  const bytes = Buffer.from('grüße, 世界\nzwei\n');
  for (let cut = 1; cut < bytes.length; cut++) {
    expect(reading([bytes.subarray(0, cut), bytes.subarray(cut)], allLines)).toEqual(['grüße, 世界', 'zwei']);
  }
});

test.each([1, 2, 3, 4, 5])('random texts in random chunks are the same lines (seed %i)', (seed) => {
  const random = seeded(seed);
  const text = Array.from({ length: 3000 }, () => 'ab\n\r'[random(random(10) === 0 ? 4 : 2)]).join('');
  const lines = Array.from({ length: 60 }, () => 'x'.repeat(random(seed * 3000)));
  const all = `${text}\n${lines.join('\n')}`;
  const chunks: string[] = [];
  for (let at = 0; at < all.length; ) {
    const size = 1 + random(random(3) === 0 ? 9000 : 30);
    chunks.push(all.slice(at, at + size));
    at += size;
  }
  expect(reading(chunks, allLines)).toEqual(all.split('\n').map((line) => line.replace(/\r$/, '')));
});

test('readUntil: separators of several bytes, cut anywhere, and those that begin twice', () => {
  for (const [text, separator, expected] of [
    ['head\r\n\r\nbody', '\r\n\r\n', 'head\r\n\r\n'],
    ['aaab', 'aab', 'aaab'],
    ['abababc!', 'ababc', 'abababc'],
    ['x--', '--', 'x--'],
    ['\0\0\x01', Buffer.from([0, 1]), '\0\0\x01'],
  ] as const) {
    const bytes = Buffer.from(text);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const got = reading(
        [bytes.subarray(0, cut), bytes.subarray(cut)].filter(({ length }) => length > 0),
        (reader) => reader.readUntil(separator) as Coroutine<Buffer>,
      );
      expect([text, cut, got.toString()]).toEqual([text, cut, expected]);
    }
  }
});

test('readExactly: out of the buffer, past it, nothing, and much', () => {
  const big = Buffer.alloc(300_000, 'abcdefg');
  reading(['12', '3456', '789', big], function* (reader) {
    expect((yield* reader.readExactly(1)).toString()).toBe('1');
    expect((yield* reader.readExactly(6)).toString()).toBe('234567');
    expect((yield* reader.readExactly(0)).length).toBe(0);
    expect((yield* reader.readExactly(2)).toString()).toBe('89');
    expect((yield* reader.readExactly(300_000)).equals(big)).toBe(true);
    expect((yield* reader.read(1)).length).toBe(0);
  });
});

test('a stream that ends too early says what has come', () => {
  reading(['abc'], function* (reader) {
    const error = yield* errorOf(reader.readExactly(5) as Coroutine<unknown>);
    expect(error).toMatchObject({
      code: 'ERR_COREACTOR_INCOMPLETE',
      message: 'the stream has ended after 3 of 5 bytes',
    });
    expect((error as IncompleteReadError).partial.toString()).toBe('abc');
  });
  reading(['abc'], function* (reader) {
    const error = yield* errorOf(reader.readUntil('\n') as Coroutine<unknown>);
    expect([error.code, (error as IncompleteReadError).partial.toString()]).toEqual([
      'ERR_COREACTOR_INCOMPLETE',
      'abc',
    ]);
    expect(yield* reader.readLine()).toBe(null);
  });
});

test('the limit: exactly reached it holds, passed it is an error, and the bytes are still there', () => {
  const options = { limit: 10 };
  expect(reading(['0123456789\nx\n'], allLines, options)).toEqual(['0123456789', 'x']);
  expect(reading(['01234', '56789', '\r', '\n'].slice(0, 2).concat('\n'), allLines, options)).toEqual(['0123456789']);
  reading(
    ['0123456789', 'A\nnext\n'],
    function* (reader) {
      const error = yield* errorOf(reader.readLine() as Coroutine<unknown>);
      expect(error).toMatchObject({ code: 'ERR_COREACTOR_LIMIT', limit: 10 });
      expect(error.message).toMatch(/more than 10 bytes.*raise the limit/);
      expect((yield* errorOf(reader.readLine() as Coroutine<unknown>)).code).toBe('ERR_COREACTOR_LIMIT'); // and again
      expect((yield* reader.readExactly(12)).toString()).toBe('0123456789A\n');
      expect(yield* reader.readLine()).toBe('next');
    },
    options,
  );
  reading(
    ['x'.repeat(100)],
    function* (reader) {
      expect((yield* errorOf(reader.readUntil('--') as Coroutine<unknown>)).code).toBe('ERR_COREACTOR_LIMIT');
      expect((yield* reader.read(1000)).length).toBeGreaterThan(10);
    },
    options,
  );
});

test('what was searched in vain for one separator is searched again for another', () => {
  run(function* () {
    const { reader: stream, writer } = pipe();
    const reader = stream.reader();
    yield* writer.sendAll(Buffer.from('one,two,'));
    const line = createTask(reader.readLine());
    yield* wait([line], { timeout: 20 });
    line.cancel();
    yield* sleep(0);
    expect(String(yield* timeout(10_000, () => reader.readUntil(',')))).toBe('one,');
    writer.close();
  });
  const small = reading(
    ['one,two,three'],
    function* (reader) {
      expect((yield* errorOf(reader.readLine() as Coroutine<string | null>)).code).toBe('ERR_COREACTOR_LIMIT');
      return yield* reader.readUntil(',');
    },
    { limit: 8 },
  );
  expect(small.toString()).toBe('one,');
});

test('read() gives what is there, and no more than asked for', () => {
  reading(['abcdef'], function* (reader) {
    expect((yield* reader.read(4)).toString()).toBe('abcd');
    expect(reader.buffered).toBe(2);
    expect((yield* reader.read(4)).toString()).toBe('ef');
    expect((yield* reader.read(4)).length).toBe(0);
    expect((yield* reader.read(4)).length).toBe(0);
  });
});

test("what is given is nobody else's: later reads do not change it", () => {
  reading(['aaaa\n', 'bbbb\n', 'cccc\n'], function* (reader) {
    const [one, two] = [yield* reader.readUntil('\n'), yield* reader.readExactly(5)];
    yield* reader.readLine();
    expect([one.toString(), two.toString()]).toEqual(['aaaa\n', 'bbbb\n']);
  });
});

/** A stream without a descriptor: what is put is received. An empty piece is its end. */
class Source {
  readonly #pieces = new Queue<Buffer>();
  #rest: Buffer = Buffer.alloc(0);

  put(text: string): void {
    this.#pieces.putNowait(Buffer.from(text));
  }

  *recvInto(buffer: Buffer, offset: number): Coroutine<number> {
    if (this.#rest.length === 0) this.#rest = yield* this.#pieces.get();
    const count = this.#rest.copy(buffer, offset);
    this.#rest = this.#rest.subarray(count);
    return count;
  }
}

const text = 'one\ntwo\nthree\nfour and more\n';
test.each<[string, (reader: BufferedReader) => Operation<string | Buffer | null>]>([
  ['readLine', (reader) => reader.readLine()],
  ['readUntil', (reader) => reader.readUntil('e\n')],
  ['readExactly', (reader) => reader.readExactly(20)],
  ['read', (reader) => reader.read(100)],
])('S82: %s, cancelled at every suspension, loses no byte', (_, read) => {
  const runs = cancelEverywhere(function* (victim) {
    const source = new Source();
    const reader = new BufferedReader(source as unknown as Stream);
    let got = '';
    const task = victim(function* () {
      for (;;) {
        const piece = yield* read(reader);
        got += typeof piece === 'string' ? `${piece}\n` : piece;
      }
    });
    for (let at = 0; at < text.length; at += 5) {
      source.put(text.slice(at, at + 5));
      yield* sleep(1);
    }
    task.cancel();
    yield* wait([task]);
    source.put('');
    for (;;) {
      const piece = yield* reader.read(100);
      if (piece.length === 0) break;
      got += piece;
    }
    expect(got).toBe(text);
  });
  expect(runs).toBeGreaterThan(5);
});

test('a line of a million bytes is read in linear time, and the buffer serves again', () => {
  const line = 'x'.repeat(1_000_000);
  const lines = reading([line, '\n', 'short\n', line, '\n'], allLines, { limit: 2_000_000 });
  expect(lines.map(({ length }) => length)).toEqual([1_000_000, 5, 1_000_000]);
});

test('bad arguments are refused', () => {
  reading(['x'], function* (reader) {
    expect(() => reader.readExactly(-1)).toThrow(RangeError);
    expect(() => reader.readExactly(1.5)).toThrow(RangeError);
    expect(() => reader.read(0)).toThrow(RangeError);
    expect(() => reader.readUntil('')).toThrow(RangeError);
    expect(() => reader.readUntil(5 as never)).toThrow(TypeError);
    yield* sleep(0);
  });
  expect(() => reading([], function* () {}, { limit: 0 })).toThrow(RangeError);
});
