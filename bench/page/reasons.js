// Why somebody is ahead of us, as far as we know. The first that fits is taken.

/**
 * @typedef {object} Reason
 * @property {RegExp} bench
 * @property {RegExp} [who]
 * @property {RegExp} [where]
 * @property {RegExp} [what]
 * @property {boolean} [starves] whether it lets connections wait for the whole window
 * @property {boolean} [loadIsLimit] whether the load had its core for itself
 * @property {boolean} [uneven] whether its slowest answers are slower than ours
 * @property {boolean} [spends] whether it takes half as much CPU time again as we do
 * @property {boolean} [cold] whether nobody had a second of load before he was measured
 * @property {string} why
 */

/** @type {Reason[]} */
const REASONS = [
  {
    bench: /echo|sizes|latency/,
    starves: true,
    why: 'it serves a few connections many times before it looks at the others: see the notes on connections without an answer',
  },
  {
    bench: /echo|latency/,
    where: / x 1$/,
    why: 'with one connection both sides sleep between messages: most of it is how soon two cores wake up, and then to which caches',
  },
  {
    bench: /latency/,
    what: /p50/,
    spends: true,
    why: 'it takes more than 1.5 times our CPU time: who looks for work before it sleeps has its core awake when the next message comes',
  },
  {
    bench: /latency/,
    who: /^Go/,
    what: /p50/,
    why: 'its monitor thread wakes up thousands of times a second (perf counts its calls of nanosleep), so its core is seldom long asleep; it takes a third more CPU time than we do',
  },
  {
    bench: /echo|sizes|accept/,
    what: /p50/,
    uneven: true,
    why: 'it has an order of its own: more of its answers come early, and the last ones later than ours (see p99)',
  },
  {
    bench: /echo|sizes/,
    what: /p99\.9/,
    cold: true,
    why: 'one pause in a window is as much, and so short a warm-up is not enough for our compilers; likely, not proven',
  },
  {
    bench: /echo/,
    who: /^Bun/,
    where: / x (1000|9000)$/,
    why: 'each request finds its connection gone from the cache, and its record of one is a third of ours (see "idle"); likely, not proven',
  },
  {
    bench: /sizes/,
    who: /^uvloop/,
    what: /CPU/,
    loadIsLimit: true,
    why: 'its limit is the load, for which it waits (perf: 19,000 waits a second, ours 200 to 600), so it finds what comes fresh in the cache; it echoes fewer messages a second than we do',
  },
  {
    bench: /accept/,
    what: /CPU/,
    why: 'a connection is a Socket, its operations, a task and a generator here; ended by a reset, an error with its stack too (1.20 instead of 1.37 times C epoll if none is kept)',
  },
  { bench: /accept/, loadIsLimit: true, why: 'the load is the limit, which has its core for itself: see "load busy"' },
  { bench: /idle/, what: /in all/, why: 'its process is smaller before the first connection' },
  {
    bench: /idle/,
    who: /^uvloop/,
    why: 'its connection is a protocol and a transport; ours a handful of JavaScript objects',
  },
  { bench: /idle/, why: 'its connection is a record of native code; ours a handful of JavaScript objects' },
  { bench: /switch/, where: /^1$/, why: 'with one task each switch is a whole turn of the loop' },
  {
    bench: /spawn|scale/,
    who: /^await/,
    why: 'an async function is no task: no name, no cancelling; its switch is a microtask, no turn of a loop',
  },
  { bench: /timers|scale/, who: /^Go/, why: 'its timers are records of its runtime, ours JavaScript objects' },
  {
    bench: /timers|scale/,
    who: /^setTimeout/,
    why: 'timers of equal delays lie in one list there; ours in sorted runs, which any delays may share',
  },
  { bench: /sync/, where: /hand|lock|queue/, who: /^Go/, why: 'machine code, and no generator to be resumed' },
  { bench: /sync/, who: /semaphore/, why: 'it resolves a promise: no task, no owner, no cancelling' },
  {
    bench: /sync/,
    where: /lock/,
    why: 'each acquire makes a Wait, which is its guard and takes it back when it is cancelled: to collect them is a fifth of the time',
  },
  {
    bench: /sync/,
    where: /timeout/,
    why: 'a TimeoutError has a stack and says what was not finished; moveOnAfter() makes none',
  },
  {
    bench: /sync/,
    where: /^100,000$/,
    who: /^await/,
    why: 'tasks are woken once as warm-up and once measured: the young generation is full in the middle of that, and to collect it is half of our wake',
  },
  { bench: /units/, why: 'see the notes of the table' },
];

/** What of the samples may speak for a reason. @typedef {Pick<Reason, 'starves' | 'loadIsLimit' | 'uneven' | 'spends' | 'cold'>} Signs */
const SIGNS = /** @type {const} */ (['starves', 'loadIsLimit', 'uneven', 'spends', 'cold']);

/**
 * @param {{ bench: string, where: string, who: string, what: string }} lead one that is there in every round
 * @param {Signs} [signs]
 */
export function reasonFor({ bench, where, who, what }, signs = {}) {
  const fits = (/** @type {RegExp | undefined} */ pattern, /** @type {string} */ text) => pattern?.test(text) ?? true;
  const found = REASONS.find(
    (one) =>
      one.bench.test(bench) &&
      fits(one.who, who) &&
      fits(one.where, where) &&
      fits(one.what, what) &&
      SIGNS.every((sign) => one[sign] === undefined || one[sign] === (signs[sign] ?? false)),
  );
  return found?.why ?? 'not known';
}
