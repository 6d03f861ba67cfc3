// The queue benches on Effection, whose tasks are generators as ours are: node --expose-gc effection.js queue | handoff queue.
// It has no lock and no event.

import { createQueue, main, spawn } from 'effection';
import { cpuNs, mustGo, printResult } from '../tasks/measure.js';

const [verb = ''] = process.argv.slice(2);

function* queueing() {
  const queue = createQueue();
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 10_000; i++) {
        queue.add(1); // never suspends
        count += (yield* queue.next()).value;
      }
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

function* handing() {
  const [there, back] = [createQueue(), createQueue()];
  yield* spawn(function* () {
    for (;;) back.add((yield* there.next()).value);
  });
  for (const measured of [false, true]) {
    const go = mustGo(measured);
    const begin = cpuNs();
    let count = 0;
    do {
      for (let i = 0; i < 10_000; i++) {
        there.add(2);
        count += (yield* back.next()).value;
      }
    } while (go());
    if (measured) printResult(count, cpuNs() - begin);
  }
}

await main(verb === 'queue' ? queueing : handing);
