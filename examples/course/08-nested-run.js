// Why a loop cannot be nested: run() blocks until its main has ended. Inside a running loop it would block that loop, and
// with it everybody who could ever end the inner one's waits. So it refuses, and says what to do.

import { createTask, run, sleep } from 'coreactor';

function* fetchNumber() {
  yield* sleep(1);
  return 42;
}

run(function* () {
  try {
    run(fetchNumber);
  } catch (error) {
    console.log(/** @type {Error} */ (error).message);
  }
  console.log(`with yield*: ${yield* fetchNumber()}`); // in this task
  console.log(`as a task: ${yield* createTask(fetchNumber)}`); // beside it
});

console.log(`one after another works: ${run(fetchNumber)}`);

// Output:
// run() was called inside a running loop, which it would block for ever: await the coroutine with "yield*", or start it with createTask()
// with yield*: 42
// as a task: 42
// one after another works: 42
