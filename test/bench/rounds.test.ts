// The rounds of the benches: who is measured when, and who not again.

import { expect, test } from 'vitest';
import { alternate, failures, leftOut } from '../../bench/harness/rounds.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('each round is begun by another contestant, every other one in the opposite order; one that fails twice is left out', async () => {
  const order: string[] = [];
  const results = await alternate({
    contestants: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    rounds: 3,
    measure: async ({ name }: { name: string }) => {
      order.push(name);
      if (name === 'b') throw new Error('no');
      return 1;
    },
    report: () => {},
  });
  expect(order.join('')).toBe('abc' + 'bac' + 'ca'); // b has failed twice before the third
  expect(failures(results.get('b') ?? [])).toBe('failed 2 of 2 rounds: no');
  expect(results.get('b')?.[2]).toEqual({ untried: 'failed' });
});

test('who takes longer than the patience in one round is left out of the further ones, and that can be told', async () => {
  const results = await alternate({
    contestants: [{ name: 'slow' }, { name: 'quick' }],
    rounds: 3,
    patience: 0.02,
    measure: ({ name }: { name: string }) => pause(name === 'slow' ? 25 : 0),
    report: () => {},
  });
  const slow = results.get('slow') ?? [];
  expect(slow.map(({ untried }) => untried)).toEqual([undefined, 'slow', 'slow']);
  expect(leftOut(slow)).toBe('1 of 3 rounds only, as one takes long');
  expect([leftOut(slow.slice(0, 1)), failures(slow)]).toEqual(['', '']);
});
