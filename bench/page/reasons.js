// Why somebody is ahead of us, where we know it. The first that fits is taken.

/** @type {{ bench: RegExp, who: RegExp, what?: RegExp, why: string }[]} */
const REASONS = [
  {
    bench: /echo|sizes/,
    who: /^Deno/,
    why: 'serves a few connections many times before it looks at the others: see its p99',
  },
  {
    bench: /spawn/,
    who: /^await/,
    why: 'an async function is no task: no name, no cancelling, no switch',
  },
];

/**
 * @param {string} bench
 * @param {string} who
 * @param {string} what
 */
export function reasonFor(bench, who, what) {
  const found = REASONS.find((one) => one.bench.test(bench) && one.who.test(who) && (one.what?.test(what) ?? true));
  return found?.why ?? 'not known';
}
