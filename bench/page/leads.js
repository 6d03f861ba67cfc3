// In which figures somebody else is ahead of us, computed from every round and not from memory, with what we know of the
// reason.

import { summarizeRatio } from '../harness/statistics.js';
import { figure } from '../harness/table.js';
import { reasonFor } from './reasons.js';

/** @typedef {{ bench: string, where: string, who: string, what: string, ratio: import('../harness/statistics.js').Summary }} Lead */

const OURS = 'coreactor';

/** What of an echo sample is compared, and whether more is better. */
const ECHO = /** @type {const} */ ([
  ['cpuUs', 'CPU per request', false],
  ['perSecond', 'throughput', true],
  ['p99Us', 'p99 latency', false],
]);

const WORDS = new Map([
  ['ns', 'CPU time'],
  ['wakeNs', 'CPU time of the wake'],
  ['own', 'own memory'],
  ['rss', 'resident memory'],
  ['total', 'resident memory in all'],
  ['heap', 'heap'],
  ['heapBytes', 'heap that stays'],
]);

/** Neither ours nor a yardstick in C. @param {string} name */
function isRuntime(name) {
  return !name.startsWith(OURS) && !/^C |\(C\)$/.test(name);
}

/** @param {(readonly [string, import('./page.js').Part])[]} parts */
export function leads(parts) {
  const found = parts.flatMap(([bench, { tables }]) => tables.flatMap(({ data }) => leadsIn(bench, data)));
  if (found.length === 0) return ['Nobody, in any figure below.'];
  const rows = found.map(({ bench, where, who, what, ratio }) => {
    const sure = ratio.min > 1;
    const certain = sure ? 'in every round' : 'not in every round';
    const range = `${figure(ratio.median)} (${figure(ratio.min)}–${figure(ratio.max)})`;
    return `| ${[bench, where, who, what, range, certain, reasonFor({ bench, where, who, what, sure })].join(' | ')} |`;
  });
  return [
    'Every figure in which another runtime did better in the median; "ours / theirs" is the median of the rounds and their',
    'range (for throughput theirs / ours). What is ahead of us by less than it varies is in the list too. The servers in C',
    'are no runtimes but the yardsticks: how we stand to them is in each table.',
    '',
    '| bench | where | who | figure | ours / theirs | how surely | why |',
    '| --- | --- | --- | --- | ---: | --- | --- |',
    ...rows,
  ];
}

/**
 * @param {string} bench
 * @param {any} data of a table
 * @returns {Lead[]}
 */
function leadsIn(bench, data) {
  if (!Array.isArray(data)) return [];
  return data.flatMap((item) => {
    if (item.servers !== undefined) return echoLeads(bench, item);
    if (item.summary !== undefined) return taskLeads(bench, item);
    return [];
  });
}

/** @param {string} bench @param {any} cell */
function echoLeads(bench, { connections, inFlight, end, bytes, servers }) {
  const where = end === undefined ? `${bytes} B x ${connections}` : `${end}, ${inFlight} at a time`;
  const pick = (/** @type {any} */ server, /** @type {string} */ key) =>
    server.rounds.map((/** @type {any} */ round) => round.value?.[key]);
  const ours = servers.find((/** @type {any} */ server) => server.name === OURS);
  if (ours === undefined) return [];
  return servers
    .filter((/** @type {any} */ { name }) => isRuntime(name))
    .flatMap((/** @type {any} */ server) =>
      ECHO.flatMap(([key, what, more]) => {
        const [a, b] = more ? [server, ours] : [ours, server];
        const ratio = summarizeRatio(pick(a, key), pick(b, key));
        return ratio !== undefined && ratio.median > 1 ? [{ bench, where, who: server.name, what, ratio }] : [];
      }),
    );
}

/** @param {string} bench @param {any} row */
function taskLeads(bench, { case: where, name, summary }) {
  if (!isRuntime(name)) return [];
  return Object.entries(summary).flatMap(([key, value]) => {
    const ratio = /** @type {any} */ (value).coreactorDividedByIt;
    const what = WORDS.get(key);
    return what !== undefined && ratio?.median > 1 ? [{ bench, where, who: name, what, ratio }] : [];
  });
}
