// Which tests hold which hazard (a title that begins with its number), counted; fails if one has none.
//   npm run hazards [-- --titles]

import { readdirSync, readFileSync } from 'node:fs';

const WANTED = range(1, 43);
const WITHOUT_TEST = { 39: 'npm run test:runtimes', 42: 'npm run test:sanitizers', 43: 'npm run soak' };

/** @param {number} first @param {number} last */
function range(first, last) {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** @type {Map<number, { layer: string, title: string }[]>} */
const found = new Map(WANTED.map((number) => [number, []]));
for (const [folder, layer, ending] of [
  ['native/test', 'native', '_test.cc'],
  ['test', 'JavaScript', '.test.ts'],
]) {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) =>
    each.endsWith(ending),
  )) {
    const source = readFileSync(`${folder}/${file}`, 'utf8');
    // A quote, the numbers, a colon, and the rest of the string.
    for (const [, numbers, rest] of source.matchAll(/['"`]((?:[A-Z]\d+, )*[A-Z]\d+): (.*?)['"`]/g)) {
      for (const [, number] of numbers.matchAll(/H(\d+)/g)) {
        found.get(Number(number))?.push({ layer, title: `${file}: ${rest}` });
      }
    }
  }
}

let missing = 0;
for (const [number, tests] of found) {
  const count = (/** @type {string} */ layer) => tests.filter((each) => each.layer === layer).length;
  const other = WITHOUT_TEST[number];
  if (tests.length === 0 && other === undefined) missing++;
  const columns = [`H${number}`.padEnd(4), `native ${count('native')}`.padEnd(10), `JavaScript ${count('JavaScript')}`];
  console.log(columns.join(' '), other ?? (tests.length === 0 ? 'NO TEST' : ''));
  if (process.argv.includes('--titles')) for (const { title } of tests) console.log(`       ${title}`);
}
if (missing > 0) console.error(`${missing} hazards have no test`);
process.exit(missing > 0 ? 1 : 0);
