// What the JavaScript programs of the task benches share: the clock, the time they run, and the line they print.

/** CPU time of this process, user and system, all threads (so the garbage collector's too). */
export function cpuNs() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

const WARMUP_NS = 200e6;
const WINDOW_NS = 500e6;

/**
 * Tells whether a loop is to go round again: until its CPU time is used up, but three times at least. At a million
 * tasks a round is long; at one it is so short that the caller does many between two questions.
 * @param {boolean} measured
 */
export function mustGo(measured) {
  const end = cpuNs() + (measured ? WINDOW_NS : WARMUP_NS);
  let left = 3;
  return () => --left > 0 || cpuNs() < end;
}

/**
 * @param {number} count
 * @param {number} ns
 */
export function printResult(count, ns) {
  console.log(JSON.stringify({ count, cpuNs: ns }));
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
