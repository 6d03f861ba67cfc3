// What a request costs as the connections become more: of the server, not of the moment at which it was measured.

import { expect, test } from 'vitest';
import { growthTable } from '../../bench/echo/tables.js';

/** Rounds of servers, each with its CPU per request and that of the yardstick in the same second. */
function cell(connections: number, servers: Record<string, [cpuUs: number, reference: number][]>): never {
  const outcomes = Object.entries(servers).map(([name, rounds]) => [
    name,
    rounds.map(([cpuUs, reference]) => ({ value: { cpuUs, reference: { cpuUs: reference } } })),
  ]);
  return { connections, size: 128, refused: '', outcomes: new Map(outcomes as never) } as never;
}

test('who was measured at a slow moment with few connections does not grow less for that', () => {
  const few = cell(50, { slow: [[4, 2]], quick: [[2, 1]], 'C epoll': [[1, 1]] });
  const many = cell(1000, { slow: [[3, 1.5]], quick: [[3, 1.5]], 'C epoll': [[1.5, 1.5]] });
  const [table] = growthTable(128, [few, many]);
  expect(table?.rows.map(([name, growth]) => [name, growth])).toEqual([
    ['slow', '1.50x'],
    ['quick', '1.50x'],
    ['C epoll', '1.50x'],
  ]);
  expect(table?.plots?.[0]?.series[0]?.values).toEqual([2, 3]);
  expect(growthTable(128, [few])).toEqual([]); // of one number there is no growth
});
