// Cancelling: a cancel is a `return` at the suspension. `finally` runs and may suspend, `catch` sees nothing; whoever
// awaits the task gets CancelledError, with who cancelled it and why.

import { CancelledError, createTask, run, shield, sleep } from 'coreactor';

function* upload() {
  let sent = 0;
  try {
    while (sent < 100) {
      yield* sleep(1);
      sent++;
    }
    return 'complete';
  } catch {
    console.log('never printed: nobody can swallow a cancel');
  } finally {
    if (sent < 100) {
      yield* sleep(1); // clean-up may take its time
      console.log('the half upload is removed');
    }
  }
}

run(
  function* () {
    const task = createTask(upload, { name: 'upload' });
    yield* sleep(10);
    task.cancel('the user has left');
    try {
      yield* task;
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      console.log(error.message);
    }

    const saver = createTask(function* () {
      yield* shield(save()); // the saver can be cancelled, the saving cannot
    });
    yield* sleep(1);
    saver.cancel();
    yield* sleep(20);
    console.log(`the saver is ${saver.state}`);
  },
  { name: 'main' },
);

function* save() {
  yield* sleep(5);
  console.log('saved');
}

// Output:
// the half upload is removed
// upload was cancelled by main: the user has left
// saved
// the saver is cancelled
