// Why a blocking sleep stops everyone: there is one thread. `yield* sleep()` gives it to the others; Atomics.wait, a long
// computation or a synchronous file read keeps it.

import { gather, run, sleep } from 'coreactor';

/** @param {number} ms */
function blockingSleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** How often a ticker ticks beside ten naps. @param {(ms: number) => Generator<any, void, void>} nap */
function* ticksBeside(nap) {
  let ticks = 0;
  let over = false;
  function* ticker() {
    while (!over) {
      yield* sleep(10);
      ticks++;
    }
  }
  function* sleeper() {
    for (let i = 0; i < 10; i++) yield* nap(20);
    over = true;
  }
  yield* gather([ticker(), sleeper()]);
  return ticks;
}

run(function* () {
  const beside = yield* ticksBeside(function* (ms) {
    yield* sleep(ms);
  });
  console.log(`beside ten times yield* sleep(20) the ticker ticks ${beside > 2 ? 'many times' : beside}`);
  const blocked = yield* ticksBeside(function* (ms) {
    blockingSleep(ms);
  });
  console.log(`beside ten blocking sleeps it ticks ${blocked > 2 ? 'many times' : 'once, when all is over'}`);
});

// Output:
// beside ten times yield* sleep(20) the ticker ticks many times
// beside ten blocking sleeps it ticks once, when all is over
