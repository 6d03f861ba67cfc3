// Two workers take turns: `yield* sleep(0)` gives up control, and everybody who is ready gets a step before it returns.
// Between two suspensions nobody else runs, so no line is ever torn.

import { gather, run, sleep } from 'coreactor';

/** @param {string} name */
function* worker(name) {
  for (let i = 1; i <= 3; i++) {
    console.log(`${name} ${i}`);
    yield* sleep(0); // without this line each worker would run to its end before the next begins
  }
}

run(function* () {
  yield* gather([worker('ping'), worker('pong')]);
});

// Output:
// ping 1
// pong 1
// ping 2
// pong 2
// ping 3
// pong 3
