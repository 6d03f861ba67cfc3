// Why a blocking sleep stops everyone: there is one thread. `yield* sleep()` gives it to the others; Atomics.wait, a long
// computation or a synchronous file read keeps it.

import { gather, now, run, sleep } from 'coreactor';

/** @param {number} ms */
function blockingSleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** @param {(ms: number) => Generator<any, void, void> | import('coreactor').Operation<void>} nap */
function* ticksDuring(nap) {
  let ticks = 0;
  function* ticker() {
    const end = now() + 100;
    while (now() < end) {
      yield* sleep(10);
      ticks++;
    }
  }
  yield* gather([ticker(), nap(100)]);
  return ticks;
}

run(function* () {
  const beside = yield* ticksDuring((ms) => sleep(ms));
  console.log(`beside yield* sleep(100) the ticker ticks ${beside > 2 ? 'many times' : beside}`);
  const blocked = yield* ticksDuring(function* (ms) {
    blockingSleep(ms);
  });
  console.log(`beside a blocking sleep of 100 ms it ticks ${blocked > 2 ? 'many times' : 'once, when all is over'}`);
});

// Output:
// beside yield* sleep(100) the ticker ticks many times
// beside a blocking sleep of 100 ms it ticks once, when all is over
