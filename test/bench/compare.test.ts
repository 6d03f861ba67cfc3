import { expect, test } from 'vitest';
import { findChanges } from '../../bench/compare/changes.js';

type Sample = { ns: number; heapBytes?: number; reference?: { ns: number } };
type Rounds = Record<string, (Sample | undefined)[]>;

function report(contestants: Rounds, label = '10') {
  const data = Object.entries(contestants).map(([name, rounds]) => ({
    case: label,
    name,
    rounds: rounds.map((value) => (value === undefined ? { error: 'broken' } : { value })),
  }));
  const machine = { cpu: 'any', commit: 'any', versions: {} };
  return { file: 'f', date: '2000-01-01', command: '', machine, results: { switch: [{ title: 'A switch', data }] } };
}

const ns = (...values: number[]) => values.map((value) => ({ ns: value }));

test('a machine that is twice as slow changes nothing: the ratios to the yardstick of each round are compared', () => {
  const before = report({ coreactor: ns(50, 55, 60), await: ns(100, 110, 120) });
  const after = report({ coreactor: ns(100, 110, 120), await: ns(200, 220, 240) });
  const { ours, peers } = findChanges([before], [after]);
  expect(ours).toMatchObject({ compared: 1, changes: [] });
  expect(ours.byChance).toBeCloseTo(0.1);
  expect(peers.compared).toBe(0); // the yardstick itself
});

test('where a sample has the yardstick of the same second, it is compared with that', () => {
  const paired = (...values: [ns: number, reference: number][]) =>
    values.map(([ns, reference]) => ({ ns, reference: { ns: reference } }));
  const before = report({ coreactor: paired([10, 10], [11, 10], [12, 10]), await: ns(1, 2, 3) });
  const after = report({ coreactor: paired([20, 20], [22, 20], [24, 20]), await: ns(1, 2, 3) });
  expect(findChanges([before], [after]).ours).toMatchObject({ compared: 1, changes: [] });
  const worse = report({ coreactor: paired([20, 10], [22, 10], [24, 10]), await: ns(1, 2, 3) });
  expect(findChanges([before], [worse]).ours.changes).toMatchObject([{ figure: 'ns / await', ratio: 2 }]);
});

test('intervals that overlap are no change, those that do not are, the greatest first', () => {
  const before = report({ coreactor: ns(10, 11, 12), uvloop: ns(10, 11, 12), asyncio: ns(10, 11, 12) });
  const after = report({ coreactor: ns(14, 13, 15), uvloop: ns(12, 13, 14), asyncio: ns(1, 2, 3) });
  const { ours, peers } = findChanges([before], [after]);
  expect(ours.changes).toMatchObject([{ name: 'coreactor', figure: 'ns', better: false, ratio: 14 / 11 }]);
  expect(peers.changes).toMatchObject([{ name: 'asyncio', better: true }]);

  const both = findChanges(
    [report({ 'coreactor (poll)': ns(10, 11, 12), coreactor: ns(10, 11, 12) })],
    [report({ 'coreactor (poll)': ns(13, 14, 15), coreactor: ns(1, 2, 3) })],
  );
  expect(both.ours.changes.map(({ name }) => name)).toEqual(['coreactor', 'coreactor (poll)']);
});

test('bytes are compared as they are, whatever the yardstick has', () => {
  const bytes = (...values: number[]) => values.map((heapBytes) => ({ ns: 1, heapBytes }));
  const before = report({ coreactor: bytes(100, 101, 102), await: bytes(5, 5, 5) });
  const after = report({ coreactor: bytes(100, 101, 102), await: bytes(50, 50, 50) });
  const { ours, peers } = findChanges([before], [after]);
  expect(ours.changes).toEqual([]);
  expect(peers.changes).toMatchObject([{ name: 'await', figure: 'heapBytes', ratio: 10 }]);
});

test('a ratio takes the yardstick of its own round, and rounds without one are left out', () => {
  const before = report({ coreactor: ns(40, 20, 10, 7), await: [...ns(4, 2, 1), undefined] });
  const after = report({ coreactor: ns(12, 24, 48), await: ns(1, 2, 4) });
  expect(findChanges([before], [after]).ours.changes).toMatchObject([
    { figure: 'ns / await', before: { interval: { low: 10, high: 10 } }, after: { median: 12 } },
  ]);
});

test('what only one side has, what has too few rounds and what fails now is counted, not compared', () => {
  const before = report({
    coreactor: ns(1, 1, 1),
    gone: ns(1, 1, 1),
    few: ns(1, 1),
    broken: ns(1, 1, 1),
    never: [undefined],
  });
  const after = report({
    coreactor: ns(1, 1, 1),
    come: ns(1, 1, 1),
    few: ns(9, 9, 9),
    broken: [undefined],
    never: [undefined],
  });
  const found = findChanges([before], [after]);
  expect(found).toMatchObject({ onlyBefore: 2, onlyNow: 1, tooFewRounds: 1, failed: ['A switch, 10, broken'] });
  expect(found.ours.compared + found.peers.compared).toBe(1);
  expect(findChanges([before], [report({ coreactor: ns(1, 1, 1) }, '20')])).toMatchObject({
    onlyBefore: 4,
    onlyNow: 1,
  });
});

test('several files of one run are one set of rounds', () => {
  const before = report({ coreactor: ns(10, 11, 12) });
  const found = findChanges([before], [report({ coreactor: ns(13) }), report({ coreactor: ns(14, 15) })]);
  expect(found.ours.changes).toMatchObject([{ after: { interval: { low: 13, high: 15 } } }]);
});

test('both ways in which connections end are compared, and rounds in which others held up the load are not', () => {
  const part = (end: string, cpuUs: number, waited: number) => ({
    ...{ end, inFlight: 64 },
    servers: [{ name: 'coreactor', rounds: Array(3).fill({ value: { cpuUs, waited } }) }],
  });
  const accept = (reset: number, fin: number, waited = 0) => ({
    ...report({}),
    results: { accept: [{ title: 'Accept', data: [part('reset', reset, waited), part('fin', fin, waited)] }] },
  });
  const { ours } = findChanges([accept(1, 1)], [accept(10, 1)]);
  expect(ours.compared).toBe(2);
  expect(ours.changes).toMatchObject([{ label: '64 at a time, reset', ratio: 10 }]);
  expect(findChanges([accept(1, 1)], [accept(10, 1, 0.5)]).ours.compared).toBe(0);
});

test('two loads of one table with as many connections are two cases', () => {
  const load = (bytes: number, p50Us: number) => ({
    ...{ connections: 50, bytes, rate: 1000 },
    servers: [{ name: 'coreactor', rounds: Array(3).fill({ value: { p50Us } }) }],
  });
  const latency = (small: number, large: number) => ({
    ...report({}),
    results: { latency: [{ title: 'Latency', data: [load(128, small), load(16_384, large)] }] },
  });
  const { ours } = findChanges([latency(1, 1)], [latency(10, 1)]);
  expect(ours.compared).toBe(2);
  expect(ours.changes).toMatchObject([{ label: '128 B x 50, 1000/s', ratio: 10 }]);
});
