import { expect, test } from 'vitest';
import { chanceApart, coverage, medianInterval } from '../../bench/harness/statistics.js';

/** Repeatable rounds of noise around 0. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24 - 0.5;
  };
}

const rounds = (random: () => number, n: number) => Array.from({ length: n }, random);

test('the interval of a median is the same each time, in whatever order the rounds came', () => {
  const values = [5, 1, 4, 2, 3, 9, 7, 8, 6];
  expect(medianInterval(values)).toEqual({ low: 2, high: 8 });
  expect(medianInterval([...values].reverse())).toEqual({ low: 2, high: 8 });
});

test('with few rounds the interval is from the least to the greatest', () => {
  expect(medianInterval([3])).toEqual({ low: 3, high: 3 });
  expect(medianInterval([3, 1, 2])).toEqual({ low: 1, high: 3 });
  expect(medianInterval([5, 3, 1, 2, 100])).toEqual({ low: 1, high: 100 });
});

test('one round far off does not reach the interval of nine', () => {
  expect(medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 1e9]).high).toBe(8);
});

test('about 95 % of the intervals of many rounds hold the true median', () => {
  const random = noise(1);
  const held = Array.from({ length: 400 }, () => medianInterval(rounds(random, 15))).filter(
    ({ low, high }) => low <= 0 && 0 <= high,
  );
  expect(held.length / 400).toBeGreaterThan(0.92);
  expect(held.length / 400).toBeLessThan(0.99);
});

test('what few rounds cover', () => {
  expect(coverage(1)).toBe(0);
  expect(coverage(3)).toBe(0.75);
});

test.each([
  [3, 3],
  [3, 5],
  [9, 3],
  [9, 12],
])('chanceApart: how often %d and %d rounds of the same thing lie apart', (m, n) => {
  const random = noise(7);
  const trials = 1500;
  let apart = 0;
  for (let i = 0; i < trials; i++) {
    const [a, b] = [medianInterval(rounds(random, m)), medianInterval(rounds(random, n))];
    if (a.high < b.low || b.high < a.low) apart++;
  }
  expect(Math.abs(apart / trials - chanceApart(m, n))).toBeLessThan(0.02);
});

test('chanceApart counts the ways: all of one below all of the other', () => {
  expect(chanceApart(3, 3)).toBeCloseTo(2 / 20);
  expect(chanceApart(5, 3)).toBeCloseTo(2 / 56);
});
