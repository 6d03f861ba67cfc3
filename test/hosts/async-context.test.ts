// What AsyncLocalStorage has in tasks of runPromise(main, { asyncContext: true }): as in asynchronous functions.

import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import {
  type Coroutine,
  callLater,
  callSoon,
  createTask,
  Event,
  fromPromise,
  gather,
  runPromise,
  sleep,
  timeout,
} from '../../src/index.ts';

const storage = new AsyncLocalStorage<string>();
const inContext = <T>(main: () => Coroutine<T>): Promise<T> => runPromise(main, { asyncContext: true });

/** One of each way to give up control. */
const SUSPENSIONS: (() => Coroutine<unknown>)[] = [
  function* () {
    yield* sleep(1);
  },
  function* () {
    yield* sleep(0);
  },
  function* () {
    yield* fromPromise(Promise.resolve());
  },
  function* () {
    // One that has a value of its own, and is settled where there is another.
    yield* fromPromise(storage.run('elsewhere', () => new Promise<void>((resolve) => setTimeout(resolve, 1))));
  },
  function* () {
    const event = new Event();
    storage.run('waker', () =>
      createTask(function* () {
        yield* sleep(1);
        event.set();
      }),
    );
    yield* event.wait();
  },
  function* () {
    yield* gather([sleep(1), sleep(2)]);
  },
  function* () {
    yield* timeout(1000, () => sleep(1));
  },
];

test('what enterWith() leaves in a step the next steps of the task have, whatever they waited on', async () => {
  const seen = await inContext(function* () {
    const all: (string | undefined)[] = [];
    for (const [i, suspend] of SUSPENSIONS.entries()) {
      storage.enterWith(`value ${i}`);
      for (let times = 0; times < 2; times++) {
        yield* suspend();
        all.push(storage.getStore());
      }
    }
    return all;
  });
  expect(seen).toEqual(SUSPENSIONS.flatMap((_, i) => [`value ${i}`, `value ${i}`]));
});

test('a child begins with what its creator had then; neither sees what the other enters later, nor do siblings', async () => {
  const seen: string[] = [];
  const look = (who: string): void => void seen.push(`${who} ${storage.getStore()}`);
  await storage.run('outside', () =>
    inContext(function* () {
      look('main');
      storage.enterWith('first');
      const children = ['a', 'b'].map((name) =>
        createTask(function* () {
          look(name);
          storage.enterWith(`own of ${name}`);
          yield* sleep(1);
          look(name);
          const grandchild = createTask(function* () {
            yield* sleep(0);
            look(`child of ${name}`);
          });
          storage.enterWith(`later of ${name}`);
          yield* grandchild;
          look(name);
        }),
      );
      storage.enterWith('second');
      for (const child of children) yield* child;
      look('main');
    }),
  );
  const of = (who: string): string[] => seen.filter((each) => each.startsWith(`${who} `));
  expect(of('main')).toEqual(['main outside', 'main second']);
  for (const name of ['a', 'b']) {
    expect(of(name)).toEqual([`${name} first`, `${name} own of ${name}`, `${name} later of ${name}`]);
    expect(of(`child of ${name}`)).toEqual([`child of ${name} own of ${name}`]);
  }
});

test('run() holds for what it calls, also for a task or a promise that begins there, and then is over', async () => {
  const seen = await inContext(function* () {
    storage.enterWith('of the task');
    const inside = storage.run('of the run', () => storage.getStore());
    const task = storage.run('of the run', () =>
      createTask(function* () {
        yield* sleep(1);
        return storage.getStore();
      }),
    );
    const promised = fromPromise(
      storage.run('of the run', async () => {
        await null;
        return storage.getStore();
      }),
    );
    return [inside, storage.getStore(), yield* task, yield* promised, storage.getStore()];
  });
  expect(seen).toEqual(['of the run', 'of the task', 'of the run', 'of the run', 'of the task']);
});

test('clean-up after a cancel has what the step before it left', async () => {
  const seen: (string | undefined)[] = [];
  await inContext(function* () {
    const task = createTask(function* () {
      try {
        storage.enterWith('entered');
        yield* sleep(1e6);
      } finally {
        seen.push(storage.getStore());
        yield* sleep(1);
        seen.push(storage.getStore());
      }
    });
    yield* sleep(1);
    storage.run('canceller', () => task.cancel());
    yield* sleep(5);
  });
  expect(seen).toEqual(['entered', 'entered']);
});

test('nothing of it is left outside, nor in a run beside it', async () => {
  const beside = inContext(function* () {
    yield* sleep(2);
    return storage.getStore();
  });
  await inContext(function* () {
    storage.enterWith('inside');
    yield* sleep(5);
  });
  expect(await beside).toBe(undefined);
  expect(storage.getStore()).toBe(undefined);
});

test('callbacks are no tasks: what they call is bound by hand', async () => {
  const seen: (string | undefined)[] = [];
  const look = (): void => void seen.push(storage.getStore());
  await inContext(function* () {
    storage.enterWith('first');
    callSoon(AsyncLocalStorage.bind(look));
    callLater(1, AsyncLocalStorage.bind(look));
    const task = createTask(sleep(2));
    task.addDoneCallback(AsyncLocalStorage.bind(look));
    storage.enterWith('second');
    callSoon(() => storage.enterWith('of a callback'));
    yield* task;
    look();
  });
  expect(seen).toEqual(['first', 'first', 'first', 'second']);
});
