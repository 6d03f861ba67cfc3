// Why a blocking sleep stops everyone: there is one thread. `yield* sleep()` gives it to the others; Atomics.wait, a long
// computation or a synchronous file read keeps it.

import { gather, now, run, sleep } from 'coreactor';

const NAP = 300;

/** @param {number} ms */
function blockingSleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** @param {(ms: number) => Generator<any, void, void> | import('coreactor').Operation<void>} nap */
function* ticksDuring(nap) {
  let ticks = 0;
  function* ticker() {
    const end = now() + NAP;
    while (now() < end) {
      yield* sleep(10);
      ticks++;
    }
  }
  yield* gather([ticker(), nap(NAP)]);
  return ticks;
}

run(function* () {
  const beside = yield* ticksDuring((ms) => sleep(ms));
  console.log(`beside yield* sleep(${NAP}) the ticker ticks ${beside > 2 ? 'many times' : beside}`);
  const blocked = yield* ticksDuring(function* (ms) {
    blockingSleep(ms);
  });
  console.log(`beside a blocking sleep of ${NAP} ms it ticks ${blocked > 2 ? 'many times' : 'once, when all is over'}`);
});

// Output:
// beside yield* sleep(300) the ticker ticks many times
// beside a blocking sleep of 300 ms it ticks once, when all is over
