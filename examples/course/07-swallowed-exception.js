// How exceptions get swallowed: a task that nobody awaits fails in silence, in many loops. Here it is reported by itself.
// The cures: await the task, look at its exception(), or put it in a group that ends with it.

import { createTask, run, sleep, taskGroup } from 'coreactor';

/** @returns {Generator<any, void, void>} */
function* faulty() {
  yield* sleep(1);
  throw new Error('disk full');
}

run(
  function* () {
    createTask(faulty, { name: 'forgotten' }); // nobody awaits it
    yield* sleep(200);
    console.log('main has noticed nothing');

    const task = createTask(faulty); // cure 1: await it, and handle the error
    try {
      yield* task;
    } catch (error) {
      console.log(`awaited: ${/** @type {Error} */ (error).message}`);
    }

    try {
      yield* taskGroup(function* (group) {
        group.createTask(faulty); // cure 2: a group does not outlive an error
        yield* sleep(60_000);
      });
    } catch (error) {
      console.log(`group: ${/** @type {AggregateError} */ (error).errors.map((each) => each.message)}`);
    }
  },
  // Without this it would be printed with its stack, and the exit code would be 1.
  { onUnhandled: ({ task, error }) => console.log(`unhandled, from ${task}: ${/** @type {Error} */ (error).message}`) },
);

// Output:
// unhandled, from forgotten: disk full
// main has noticed nothing
// awaited: disk full
// group: disk full
