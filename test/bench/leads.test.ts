// Who is ahead of us: every figure of the tables counts, or somebody has said why not.

import { expect, test } from 'vitest';
import { leads } from '../../bench/page/leads.js';

type Key = 'cpuUs' | 'perSecond' | 'p50Us' | 'p99OfSliceUs' | 'p99Us' | 'p999Us' | 'starved' | 'loadBusy';
type Figures = Partial<Record<Key, number>>;
type Samples = (Figures & { reference?: Figures })[];

/** What the yardstick takes on a machine of speed 1. */
const REFERENCE = { cpuUs: 1, perSecond: 100, p50Us: 1, p99OfSliceUs: 1, p99Us: 1, p999Us: 1 };

/** A part of the page with one table of an echo bench. */
function echo(servers: Record<string, Samples>, more: object = {}): never {
  const data = {
    ...{ connections: 50, bytes: 128, ...more },
    servers: Object.entries(servers).map(([name, samples]) => ({
      name,
      summary: Object.fromEntries(
        (['starved', 'loadBusy', 'cpuUs', 'p99Us'] as const).map((key) => [key, { median: samples[0]?.[key] }]),
      ),
      rounds: samples.map((value) => ({ value: { reference: REFERENCE, ...value } })),
    })),
  };
  return ['echo', { tables: [{ data: [data] }] }] as never;
}

function tasks(key: string, coreactorDividedByIt: object, rounds = 3): never {
  const entry = { case: 'text', name: 'peer', summary: { [key]: { coreactorDividedByIt } } };
  return ['node', { tables: [{ data: [{ ...entry, rounds: Array(rounds).fill({ value: { [key]: 1 } }) }] }] }] as never;
}

const rowsOf = (part: never): string[] => leads([part]).filter((line) => /^\| (echo|node)/.test(line));

test('CPU, throughput and three latencies are compared; the servers in C and our own are no peers', () => {
  const ours = { cpuUs: 2, perSecond: 100, p50Us: 2, p99OfSliceUs: 2, p99Us: 2, p999Us: 2 };
  const theirs = { cpuUs: 1, perSecond: 200, p50Us: 1, p99OfSliceUs: 1, p99Us: 1, p999Us: 1 };
  const both = (samples: object) => [samples, samples, samples] as Samples;
  const rows = rowsOf(
    echo({ coreactor: both(ours), Peer: both(theirs), 'C epoll': both(theirs), 'coreactor (x)': both(theirs) }),
  );
  expect(rows.map((row) => row.split(' | ').slice(2, 5).join(' '))).toEqual([
    'Peer CPU per request 2.00 (2.00–2.00)',
    'Peer throughput 2.00 (2.00–2.00)',
    'Peer p50 latency 2.00 (2.00–2.00)',
    'Peer p99 latency 2.00 (2.00–2.00)',
    'Peer p99.9 latency 2.00 (2.00–2.00)',
  ]);
  expect(rowsOf(echo({ coreactor: both(theirs), Peer: both(ours) }))).toEqual([]);
  // At a rate that is given, nobody has more throughput.
  const paced = rowsOf(echo({ coreactor: both(ours), Peer: both(theirs) }, { rate: 1000 }));
  expect(paced.map((row) => row.split(' | ')[3])).toEqual([
    'CPU per request',
    'p50 latency',
    'p99 latency of a slice',
    'p99 latency',
    'p99.9 latency',
  ]);
});

test('who was measured while the machine was quick is not ahead for that', () => {
  const slow = { cpuUs: 4, reference: { cpuUs: 2 } };
  const quick = { cpuUs: 2.2, reference: { cpuUs: 1 } };
  expect(rowsOf(echo({ coreactor: [slow, slow], Peer: [quick, quick] }))).toEqual([]);
  expect(rowsOf(echo({ coreactor: [quick, quick], Peer: [slow, slow] }))[0]).toContain('1.10 (1.10–1.10)');
});

test('the slowest requests are compared as they are: a pause that has met the yardstick is nobody’s merit', () => {
  const ours = { p99Us: 2, reference: { p99Us: 1 } };
  const lucky = { p99Us: 3, reference: { p99Us: 100 } };
  expect(rowsOf(echo({ coreactor: [ours, ours], Peer: [lucky, lucky] }))).toEqual([]);
});

test('what is less than the yardstick differs from itself is noise, and no reason is made up for it', () => {
  const [ours, theirs] = [{ p99Us: 1.2 }, { p99Us: 1 }];
  const row = (...itself: number[]): string | undefined =>
    rowsOf(echo({ coreactor: [ours, ours], Peer: [theirs, theirs], 'C epoll': itself.map((p99Us) => ({ p99Us })) }))[0];
  expect(row(1, 1.3)).toContain('within the noise | here C epoll is 1.30 times as good as itself');
  expect(row(0.8, 1)).toContain('within the noise | here C epoll is 1.25 times as good as itself');
  expect(row(0.9, 1.1)).toContain('in every round | not known');
});

test('a reason is given only where somebody is ahead in every round, and for what its samples show', () => {
  const ours = [{ cpuUs: 2 }, { cpuUs: 2 }];
  const reason = (...samples: Samples): string | undefined =>
    rowsOf(echo({ coreactor: ours, Deno: samples }))[0]
      ?.split(' | ')
      .slice(5)
      .join(' ');
  expect(reason({ cpuUs: 1, starved: 5 }, { cpuUs: 1 })).toMatch(/^in every round it serves a few connections/);
  expect(reason({ cpuUs: 1, starved: 0 }, { cpuUs: 1 })).toMatch(/^in every round not known/);
  expect(reason({ cpuUs: 1, starved: 5 }, { cpuUs: 2.5 })).toMatch(/^not in every round none looked for/);
  expect(rowsOf(echo({ coreactor: ours, Deno: [{ cpuUs: 1, starved: 5 }] }))[0]).toMatch(/one round only/);
});

test('a median that is better at a price has the price for its reason', () => {
  const twice = (figures: Figures): Samples => [figures, figures];
  const ours = twice({ p50Us: 2, p99Us: 3, cpuUs: 2 });
  const reason = (figures: Figures, more?: object): string =>
    String(
      rowsOf(echo({ coreactor: ours, Peer: twice({ p50Us: 1, ...figures }) }, more)).find((row) => /p50/.test(row)),
    );
  expect(reason({ p99Us: 4 })).toContain('an order of its own');
  expect(reason({ p99Us: 2.9 })).toContain('not known');
  const paced = { rate: 1000 };
  const latency = (cpuUs: number): string => {
    const [, part] = echo({ coreactor: ours, Peer: twice({ p50Us: 1, cpuUs }) }, paced) as [string, object];
    return leads([['latency', part]] as never).find((row) => /p50/.test(row)) ?? '';
  };
  expect(latency(3.1)).toContain('more than 1.5 times our CPU time');
  expect(latency(2.9)).toContain('not known');
});

test('a short warm-up is a reason only where it was short', () => {
  const twice = (p999Us: number): Samples => [{ p999Us }, { p999Us }];
  const row = (warmup: number): string => {
    const [name, part] = echo({ coreactor: twice(2), Peer: twice(1) }) as [string, object];
    return String(rowsOf([name, { ...part, options: { warmup } }] as never)[0]);
  };
  expect(row(0.3)).toContain('so short a warm-up');
  expect(row(2)).toContain('not known');
});

test('more messages a second is better; a figure of which nobody has said what is better is refused', () => {
  expect(rowsOf(tasks('perSecond', { median: 0.5, min: 0.4, max: 0.8 }))[0]).toContain(
    'messages a second | 2.00 (1.25–2.50)',
  );
  expect(rowsOf(tasks('perSecond', { median: 2, min: 2, max: 2 }))).toEqual([]);
  expect(rowsOf(tasks('ns', { median: 2, min: 2, max: 2 }))).toHaveLength(1);
  expect(rowsOf(tasks('switches', { median: 2, min: 2, max: 2 }))).toEqual([]);
  expect(() => rowsOf(tasks('furlongs', { median: 2, min: 2, max: 2 }))).toThrow(/nobody has said whether "furlongs"/);
});
