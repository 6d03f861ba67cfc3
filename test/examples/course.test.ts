// Every program of examples/course prints what the comment at its end says, and nothing else.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startCommand } from '../support/program.ts';

const folder = fileURLToPath(new URL('../../examples/course/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.js'));

function expected(file: string): string[] {
  const [, output] = readFileSync(folder + file, 'utf8').split('\n// Output:\n');
  if (output === undefined) throw new Error(`${file} does not end with its output`);
  return output
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\/\/ ?/, ''));
}

test('the course has the programs of a course', () => {
  expect(files.length).toBeGreaterThanOrEqual(9);
});

test.each(files)('examples/course/%s prints what it says', async (file) => {
  const { code, stdout, stderr } = await startCommand([process.execPath, folder + file]).ended;
  expect(stdout.trimEnd().split('\n')).toEqual(expected(file));
  expect([code, stderr]).toEqual([0, '']);
});
