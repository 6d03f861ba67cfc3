// Finding the stuck task: give tasks and locks names, print the tree, cancel by name.

import { allTasks, createTask, formatTasks, Lock, Queue, run, sleep } from 'coreactor';

run(
  function* () {
    const log = new Lock({ name: 'log' });
    /** @type {Queue<string>} */
    const jobs = new Queue(0, { name: 'jobs' });

    function* flusher() {
      const guard = yield* log.acquire();
      try {
        yield* jobs.get(); // waits with the lock in its hand, and nobody puts anything
      } finally {
        guard.release(); // with `using guard = ...` this would be written for us
      }
    }
    function* writer() {
      yield* log.with(function* () {
        console.log('written at last');
      });
    }

    createTask(flusher, { name: 'flusher' });
    const writing = createTask(writer, { name: 'writer' });
    yield* sleep(10);

    console.log(formatTasks([...allTasks()].filter(({ name }) => name !== 'main')));
    const stuck = allTasks().find(({ name }) => name === 'flusher');
    console.log(`${stuck} is ${stuck?.state}, waits on: ${stuck?.waitingOn}`);

    stuck?.cancel('found stuck'); // its guard lets go of the lock
    yield* writing;
    console.log(`tasks left: ${allTasks().map(String)}`);
  },
  { name: 'main' },
);

// Output:
// flusher (parked) waits on get from Queue jobs
// writer (parked) waits on Lock log, held by flusher
// flusher is parked, waits on: get from Queue jobs
// written at last
// tasks left: main
