// A timeout around one operation, around many, and a way to go on without the answer. Whatever is late is cancelled and
// has cleaned up before the timeout is told.

import { gather, moveOnAfter, run, sleep, TimeoutError, timeout, waitFor } from 'coreactor';

/**
 * @param {string} name
 * @param {number} ms
 */
function* ask(name, ms) {
  let answered = false;
  try {
    yield* sleep(ms);
    answered = true;
    return `${name} answered`;
  } finally {
    if (!answered) console.log(`  (${name} hangs up)`);
  }
}

run(function* () {
  console.log(yield* waitFor(ask('quick', 1), 1000));

  try {
    yield* waitFor(ask('slow', 60_000), 20);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log('one: too late');
  }

  try {
    yield* timeout(300, function* () {
      console.log(yield* ask('first', 1)); // the limit is for both together
      yield* gather([ask('second', 1), ask('third', 60_000)]);
    });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log('many: too late');
  }

  const answer = yield* moveOnAfter(20, () => ask('optional', 60_000));
  console.log(`without an error: ${answer ?? 'no answer'}`);
});

// Output:
// quick answered
//   (slow hangs up)
// one: too late
// first answered
//   (third hangs up)
// many: too late
//   (optional hangs up)
// without an error: no answer
