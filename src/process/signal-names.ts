// Signals by their names and their numbers.

import { constants } from 'node:os';
import { ArgumentRangeError } from '../kernel/errors.ts';

export type SignalName = NodeJS.Signals;

const NUMBERS = constants.signals as Record<string, number>;

/** The number of a signal. */
export function signalNumber(name: unknown, caller: string): number {
  const number = typeof name === 'string' && Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
  if (number !== undefined) return number;
  throw new ArgumentRangeError(`${caller} was given the signal ${String(name)}: take a name such as 'SIGTERM'`);
}

export function signalName(number: number): SignalName {
  const found = Object.entries(NUMBERS).find(([, value]) => value === number);
  return (found?.[0] ?? `SIG${number}`) as SignalName;
}
