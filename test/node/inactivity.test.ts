// The timeout of a Duplex, by a clock of the test's own.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Inactivity } from '../../src/node/inactivity.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('once after each silence: what comes or goes puts it off, and begins another one after it', () => {
  const tell = vi.fn();
  const inactivity = new Inactivity(tell, () => 0);
  inactivity.set(100);
  vi.advanceTimersByTime(99);
  inactivity.renew();
  vi.advanceTimersByTime(99);
  expect(tell).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(1000);
  expect(tell).toHaveBeenCalledTimes(1);
  inactivity.renew();
  vi.advanceTimersByTime(100);
  expect(tell).toHaveBeenCalledTimes(2);
  for (const end of [() => inactivity.set(0), () => inactivity.stop()]) {
    inactivity.set(100);
    end();
    inactivity.renew();
    vi.advanceTimersByTime(1000);
  }
  expect(tell).toHaveBeenCalledTimes(2);
});

test('a write that goes on is no silence, one that is stuck is', () => {
  const tell = vi.fn();
  let sent = 5;
  const inactivity = new Inactivity(tell, () => sent);
  inactivity.set(100);
  for (let i = 0; i < 5; i++) {
    sent++;
    vi.advanceTimersByTime(100);
  }
  expect(tell).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(100);
  expect(tell).toHaveBeenCalledTimes(1);
});

test('a time that is none is refused, and one longer than any timer is the longest', () => {
  const tell = vi.fn();
  const inactivity = new Inactivity(tell, () => 0);
  for (const ms of [Number.NaN, -1, Number.POSITIVE_INFINITY]) expect(() => inactivity.set(ms)).toThrow(RangeError);
  expect(() => inactivity.set('1' as never)).toThrow(TypeError);
  inactivity.set(2 ** 40);
  vi.advanceTimersByTime(1e6);
  expect(tell).not.toHaveBeenCalled();
});
