// What is bounded in the codec of plain values; for what arrives see channel.test.ts.

import { expect, test } from 'vitest';
import { PlainReader, PlainWriter } from '../../src/threads/plain-codec.ts';
import { TextWindow } from '../../src/threads/text-buffer.ts';

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
