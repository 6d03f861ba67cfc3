// A semaphore as a rate limit: ten jobs, three at a time. The peak is measured, not believed.

import { gather, run, Semaphore, sleep } from 'coreactor';

run(function* () {
  const semaphore = new Semaphore(3);
  let running = 0;
  let peak = 0;

  function* job() {
    running++;
    peak = Math.max(peak, running);
    yield* sleep(5);
    running--;
  }

  yield* gather(Array.from({ length: 10 }, () => semaphore.with(job)));
  console.log(`with the semaphore: at most ${peak} at a time`);

  peak = 0;
  yield* gather(Array.from({ length: 10 }, job));
  console.log(`without: ${peak}`);
});

// Output:
// with the semaphore: at most 3 at a time
// without: 10
