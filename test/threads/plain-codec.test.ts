// What is bounded in the codec of plain values; for what arrives see channel.test.ts.

import { expect, test } from 'vitest';
import { PlainReader, PlainWriter } from '../../src/threads/plain-codec.ts';

test('names that never come again fill no memory: there is an end to the shapes, and what comes after it has none', () => {
  const [writer, reader] = [new PlainWriter(), new PlainReader()];
  let told = 0;
  for (let i = 0; i < 6000; i++) {
    const value = { [`name ${i}`]: i };
    expect(writer.write(value)).toBeGreaterThan(0);
    for (const shape of writer.fresh) {
      shape.told = true;
      told = Math.max(told, shape.number);
    }
    expect(reader.read(writer.bytes, 0, 0)).toEqual(value);
  }
  expect(told).toBe(4095);
  writer.write({ 'name 1': 5 }); // the first ones stay
  expect(writer.fresh).toEqual([]);
  expect(reader.read(writer.bytes, 0, 0)).toEqual({ 'name 1': 5 });
});
