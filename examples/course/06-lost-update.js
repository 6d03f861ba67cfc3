// Read, suspend, write: whoever reads before you have written overwrites your update. One thread does not save you; no
// suspension in between would, or a Lock.

import { gather, Lock, run, sleep } from 'coreactor';

run(function* () {
  let balance = 0;

  function* deposit() {
    const before = balance; // read
    yield* sleep(1); // suspend: the others read the same
    balance = before + 10; // write: their updates are lost
  }

  yield* gather(Array.from({ length: 10 }, deposit));
  console.log(`ten deposits of 10 without a lock: ${balance}`);

  balance = 0;
  const lock = new Lock();
  yield* gather(Array.from({ length: 10 }, () => lock.with(deposit)));
  console.log(`with a lock: ${balance}`);
});

// Output:
// ten deposits of 10 without a lock: 10
// with a lock: 100
