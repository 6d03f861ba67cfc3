// What the JavaScript programs of the task benches share: the clock, the time they run, and the line they print.

/** CPU time of this process, user and system, all threads (so the garbage collector's too). */
export function cpuNs() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

const USUAL = { warmupNs: 200e6, windowNs: 500e6, least: 3 };

/**
 * Tells whether a loop is to go round again: until its CPU time is used up, but three times at least. At a million
 * tasks a round is long; at one it is so short that the caller does many between two questions.
 * @param {boolean} measured
 * @param {{ warmupNs: number, windowNs: number, least: number }} [times]
 */
export function mustGo(measured, { warmupNs, windowNs, least } = USUAL) {
  const end = cpuNs() + (measured ? windowNs : warmupNs);
  let left = least;
  return () => --left > 0 || cpuNs() < end;
}

/**
 * @param {number} count
 * @param {number} ns
 * @param {Record<string, number>} [more] other figures of the same run
 */
export function printResult(count, ns, more = {}) {
  console.log(JSON.stringify({ count, cpuNs: ns, ...more }));
}

function memoryNow() {
  gc?.();
  gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

/**
 * @param {number} count
 * @returns {(held: unknown) => void} prints the growth per task since this call; `held` keeps them all reachable
 */
export function printMemory(count) {
  const before = memoryNow();
  return (held) => {
    const after = memoryNow();
    if (held === undefined) throw new Error('nothing was held');
    const result = { heapBytes: (after.heap - before.heap) / count, rssBytes: (after.rss - before.rss) / count };
    console.log(JSON.stringify(result));
  };
}

/**
 * @param {number} count
 * @returns {(held: unknown) => void} prints the heap's growth since this call, all in all, and the CPU time of it
 */
export function printGrowth(count) {
  const [before, begin] = [memoryNow(), cpuNs()];
  return (held) => {
    const ns = cpuNs() - begin;
    const after = memoryNow();
    if (held === undefined) throw new Error('nothing was held');
    printResult(count, ns, { heapBytes: after.heap - before.heap });
  };
}

/**
 * How often each of two tasks had it: in turn, or what was measured is no hand-off.
 * @param {number} ours
 * @param {number} others
 */
export function mustAlternate(ours, others) {
  if (Math.abs(ours - others) <= 1 + ours / 100) return;
  throw new Error(`no hand-off: one task had it ${ours} times, the other ${others}`);
}
