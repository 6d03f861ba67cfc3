// What the two programs of the scale bench share: how long they run, and the clock between two phases.

import { PerformanceObserver } from 'node:perf_hooks';
import { cpuNs } from '../tasks/measure.js';

/** Shorter than elsewhere, for there are many sizes; at the greatest it is one batch each. */
export const TIMES = { warmupNs: 80e6, windowNs: 200e6, least: 1 };

/** At few tasks the clock is asked once for many batches. */
export const TASKS_PER_LOOK = 1000;

const WARMUP_TIMERS = 10_000;

/**
 * Twice as warm-up: with timers enough for the code to be compiled alike for all sizes, and as it will be measured.
 * @param {number} size
 */
export function passes(size) {
  return [
    { count: WARMUP_TIMERS, measured: false },
    { count: size, measured: false },
    { count: size, measured: true },
  ];
}

const ALL_DUE_MS = 3.5; // for delays up to 2 ms, and clocks that count whole ones

/** Lets time go by without a turn of the loop. */
export function spin() {
  const end = performance.now() + ALL_DUE_MS;
  while (performance.now() < end);
}

/** CPU time per timer by phase and batch, without what reading the clock takes, which is as much as ten timers. */
export class Phases {
  /** @type {Record<string, number[]>} */
  #costs = {};
  #last = 0;
  #clockNs = clockNs();

  begin() {
    this.#last = cpuNs();
  }

  /**
   * @param {string} name of the phase that ends here; the next one begins
   * @param {number} count how many went through it
   */
  end(name, count) {
    const ns = cpuNs() - this.#last - this.#clockNs;
    this.#costs[name] ??= [];
    this.#costs[name].push(ns / count);
    this.#last = cpuNs();
  }

  /** @param {(costs: number[]) => number} middle of all batches */
  figures(middle) {
    return Object.fromEntries(Object.entries(this.#costs).map(([name, costs]) => [name, middle(costs)]));
  }
}

/** What part of the time since it was made, up to stop(), the program has stood still for the collector of garbage. */
export class Collector {
  #pauses = 0;
  #begin = performance.now();
  #end = Number.POSITIVE_INFINITY;
  #observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      if (startTime >= this.#begin && startTime < this.#end) this.#pauses += duration;
    }
  });

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop() {
    this.#end = performance.now();
  }

  /** Once Node has told of all pauses, which it does when its loop goes round. */
  async part() {
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.#observer.disconnect();
    return this.#pauses / (this.#end - this.#begin);
  }
}

/** @param {number[]} costs */
export function mean(costs) {
  return costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
}

/** What passes between two looks at the clock that follow each other. */
function clockNs() {
  const looks = 5000;
  for (let i = 0; i < looks; i++) cpuNs();
  const begin = cpuNs();
  for (let i = 0; i < looks; i++) cpuNs();
  return (cpuNs() - begin) / looks;
}
