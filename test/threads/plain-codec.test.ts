// What is bounded in the codec of plain values; for what arrives see channel.test.ts.

import { expect, test } from 'vitest';
import { PlainReader, PlainWriter } from '../../src/threads/plain-codec.ts';
import { TextWindow } from '../../src/threads/text-buffer.ts';
import { collectGarbage } from '../kernel/helpers.ts';

test('names that never come again fill no memory: there is an end to the shapes, and what comes after it has none', () => {
  const [writer, text] = [new PlainWriter(), new TextWindow()];
  const reader = new PlainReader(text);
  const read = (): unknown => {
    text.move(writer.bytes, 0, 0);
    return reader.read(writer.bytes, 0);
  };
  let told = 0;
  for (let i = 0; i < 6000; i++) {
    const value = { [`name ${i}`]: i };
    expect(writer.write(value)).toBeGreaterThan(0);
    for (const shape of writer.fresh) {
      shape.told = true;
      told = Math.max(told, shape.number);
    }
    expect(read()).toEqual(value);
  }
  expect(told).toBe(4095);
  writer.write({ 'name 1': 5 }); // the first ones stay
  expect(writer.fresh).toEqual([]);
  expect(read()).toEqual({ 'name 1': 5 });
});

test('a program that has given Object.prototype what a property descriptor has loses no shape, nor what comes after it', () => {
  const [writer, text] = [new PlainWriter(), new TextWindow()];
  const reader = new PlainReader(text);
  const wide = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`n${i}`, i])); // without a shape
  const arrived: unknown[] = [];
  const prototype = Object.prototype as { get?: unknown };
  for (const value of [{ a: 1 }, wide, { a: 2 }]) {
    expect(writer.write(value)).toBeGreaterThan(0);
    for (const shape of writer.fresh) shape.told = true;
    text.move(writer.bytes, 0, 0);
    prototype.get = () => 5;
    try {
      arrived.push(reader.read(writer.bytes, 0));
    } finally {
      delete prototype.get;
    }
  }
  expect(arrived).toEqual([{ a: 1 }, wide, { a: 2 }]);
});

test('text of any length arrives whole or is refused, wherever it is', () => {
  const [writer, text] = [new PlainWriter(), new TextWindow()];
  const reader = new PlainReader(text);
  const refused = new Set<number>();
  const lengths = [21_000, ...Array.from({ length: 30 }, (_, i) => 21_820 + i), 65_536, 70_000];
  for (const letter of ['x', '€']) {
    for (const length of lengths) {
      const long = letter.repeat(length);
      for (const value of [long, [long], { long }, { long }, [1, long, 2], { one: 1, [long]: 2 }]) {
        if (writer.write(value) === 0) {
          refused.add(length);
          continue;
        }
        for (const shape of writer.fresh) shape.told = true;
        text.move(writer.bytes, 0, 0);
        expect(reader.read(writer.bytes, 0)).toEqual(value);
      }
    }
  }
  expect(refused).not.toContain(21_000);
  expect(refused).toContain(70_000);
});

test('a writer keeps nothing of what it has written or refused', async () => {
  const writer = new PlainWriter();
  const written = (value: object): WeakRef<object> => {
    writer.write(value);
    return new WeakRef(value);
  };
  const weak = [written({ a: [1] }), written({ a: [1], b: undefined })];
  await new Promise(setImmediate); // a WeakRef holds on until the end of the turn
  collectGarbage();
  expect(weak.map((each) => each.deref())).toEqual([undefined, undefined]);
});
