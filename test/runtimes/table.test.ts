// The README's table of runtimes is held against what the smoke suite saw: both ways, and each cell.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { disagreements, readReport, readTable } from './table.js';

const README = `# A package

| runtime | \`run\` | threads |
| ------- | ------- | ------- |
| Node 20 | yes     | yes     |
| Else    | yes     | no      |

More.
`;
const report = (...lines: string[]) => readReport([...lines, `end of ${lines.length} cases`].join('\n'));
const wrongOf = (title: string, ...lines: string[]): string[] =>
  disagreements(title, readTable(README), report(...lines));

test('what the table says and what was seen agree', () => {
  expect(wrongOf('Node 20', 'ok      run: epoll', 'ok      run: poll', 'ok      threads: cluster, run')).toEqual([]);
  expect(wrongOf('Else', 'ok      run: epoll', 'ok      threads: one', 'FAILED  threads: two: Error: why')).toEqual([]);
  expect(report('ok      node:http closes: at the end').get('node:http closes')?.passed).toEqual(['at the end']);
});

test('a cell that says yes of what failed, or no of what passed, is named', () => {
  expect(wrongOf('Node 20', 'ok      run: epoll', 'FAILED  run: poll: Error: why', 'ok      threads: one')).toEqual([
    expect.stringMatching(/Node 20, run: "yes", but it failed: poll/),
  ]);
  expect(wrongOf('Else', 'ok      run: epoll', 'ok      threads: one')).toEqual([
    expect.stringMatching(/Else, threads: "no", but all of it passed/),
  ]);
});

test('a row, a column or a case that is missing, and a suite that broke off', () => {
  expect(wrongOf('Nowhere', 'ok      run: epoll')).toEqual([expect.stringMatching(/says nothing of Nowhere/)]);
  expect(wrongOf('Node 20', 'ok      run: epoll')).toEqual([
    expect.stringMatching(/threads: the smoke suite has no case/),
  ]);
  expect(wrongOf('Node 20', 'ok      run: a', 'ok      threads: a', 'ok      fetch: a')).toEqual([
    expect.stringMatching(/fetch: there is no such column/),
  ]);
  expect(() => readReport('ok      run: epoll\n')).toThrow(/not come to its end/);
  expect(() => readReport('ok      run: epoll\nend of 2 cases')).toThrow(/not come to its end/);
});

test('the README has such a table, with nothing but yes and no', () => {
  const table = readTable(readFileSync(new URL('../../README.md', import.meta.url), 'utf8'));
  expect(table.size).toBeGreaterThan(0);
  for (const [, row] of table) for (const [, cell] of row) expect(cell).toMatch(/^(yes|no)$/);
});
