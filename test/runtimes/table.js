// The README's table of runtimes beside what the smoke suite has printed in one of them.

/** @typedef {Map<string, Map<string, string>>} Table the cells: of a runtime, under a heading */
/** @typedef {Map<string, { passed: string[], failed: string[] }>} Report the cases under each heading */

/** @param {string} markdown @returns {Table} */
export function readTable(markdown) {
  const lines = markdown.split('\n');
  const first = lines.findIndex((line) => line.startsWith('| runtime '));
  if (first < 0) throw new Error('the README has no table that begins with "| runtime": it says what runs where');
  const [headings = [], , ...rows] = lines.slice(first, lines.indexOf('', first)).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
  return new Map(
    rows.map(([title = '', ...cells]) => [
      title,
      new Map(cells.map((cell, i) => [/** @type {string} */ (headings[i + 1]), cell])),
    ]),
  );
}

/** A line for each case: "ok" or "FAILED", the heading, the case. The last one says how many. @param {string} output */
export function readReport(output) {
  /** @type {Report} */
  const report = new Map();
  let count = 0;
  for (const [, how, heading = '', name = ''] of output.matchAll(/^(ok|FAILED) +(.+?): (.+?)(?:: .*)?$/gm)) {
    count++;
    if (!report.has(heading)) report.set(heading, { passed: [], failed: [] });
    report.get(heading)?.[how === 'ok' ? 'passed' : 'failed'].push(name);
  }
  if (!output.includes(`end of ${count} cases`)) throw new Error('the smoke suite has not come to its end');
  return report;
}

/** What the table says otherwise than the report. @param {string} title @param {Table} table @param {Report} report */
export function disagreements(title, table, report) {
  const row = table.get(title);
  if (row === undefined) return [`the README's table says nothing of ${title}`];
  /** @type {string[]} */
  const wrong = [];
  for (const heading of new Set([...row.keys(), ...report.keys()])) {
    const cell = row.get(heading);
    const { passed, failed } = report.get(heading) ?? { passed: [], failed: [] };
    const where = `the README's table, ${title}, ${heading}:`;
    if (cell === undefined) wrong.push(`${where} there is no such column`);
    else if (passed.length + failed.length === 0) wrong.push(`${where} the smoke suite has no case of it`);
    else if (cell !== 'yes' && cell !== 'no') wrong.push(`${where} a cell is "yes" or "no", not "${cell}"`);
    else if (cell === 'yes' && failed.length > 0) wrong.push(`${where} "yes", but it failed: ${failed.join(', ')}`);
    else if (cell === 'no' && failed.length === 0) wrong.push(`${where} "no", but all of it passed`);
  }
  return wrong;
}
