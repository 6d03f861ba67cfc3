// One producer, three consumers, and an end marker for each consumer: the one who takes a marker is done, and leaves the
// others' markers alone. (A queue's shutdown() says the same without markers: see the second half.)

import { createTask, gather, Queue, QueueShutDownError, run, sleep } from 'coreactor';

const END = Symbol('end');
const CONSUMERS = 3;

run(function* () {
  /** @type {Queue<number | typeof END>} */
  const queue = new Queue(2); // at most two wait in it: the producer cannot run ahead
  let sum = 0;

  function* producer() {
    for (let i = 1; i <= 9; i++) yield* queue.put(i);
    for (let i = 0; i < CONSUMERS; i++) yield* queue.put(END);
  }
  function* consumer() {
    for (let taken = 0; ; taken++) {
      const item = yield* queue.get();
      if (item === END) return taken;
      yield* sleep(1); // works on it
      sum += item;
    }
  }

  const counts = yield* gather([consumer(), consumer(), consumer(), producer()]);
  console.log(`items taken by each: ${counts.slice(0, CONSUMERS).join(' ')}, sum ${sum}, left ${queue.size}`);
});

run(function* () {
  /** @type {Queue<number>} */
  const queue = new Queue();
  let sum = 0;
  function* consumer() {
    try {
      for (;;) sum += yield* queue.get();
    } catch (error) {
      if (!(error instanceof QueueShutDownError)) throw error; // anything else is ours to know
    }
  }
  const consumers = [createTask(consumer), createTask(consumer)];
  for (let i = 1; i <= 9; i++) yield* queue.put(i);
  queue.shutdown(); // what is in it is still given out
  yield* gather(consumers);
  console.log(`by shutdown: sum ${sum}`);
});

// Output:
// items taken by each: 3 3 3, sum 45, left 0
// by shutdown: sum 45
