// The npm packages that the sync benches compare with: the fastest of those that were tried (see README.md), each brought
// to one shape. The harness asks what is here, promises.js runs it.

/** @typedef {{ acquire(): Promise<unknown>, release(): void }} PromiseLock */
/** @typedef {{ put(item: number): unknown, get(): Promise<number> }} PromiseQueue */
/** @typedef {{ lock?: () => Promise<() => PromiseLock>, queue?: () => Promise<() => PromiseQueue> }} Package */

/** Plain JavaScript: what one writes by hand in a few lines, with no way to cancel a wait. */
const byHand = {
  lock: async () => () => {
    let last = Promise.resolve();
    /** @type {() => void} */
    let free = () => {};
    return {
      acquire() {
        const turn = last;
        /** @type {() => void} */
        let mine = () => {};
        last = new Promise((resolve) => {
          mine = resolve;
        });
        return turn.then(() => {
          free = mine;
        });
      },
      release: () => free(),
    };
  },
  queue: async () => () => {
    /** @type {number[]} */
    const items = [];
    /** @type {((item: number) => void)[]} */
    const takers = [];
    return {
      put(/** @type {number} */ item) {
        const taker = takers.shift();
        if (taker === undefined) items.push(item);
        else taker(item);
      },
      async get() {
        return items.shift() ?? new Promise((resolve) => takers.push(resolve));
      },
    };
  },
};

/** @param {string} name not known to TypeScript: whoever runs no bench need not install it */
const load = (name) => /** @type {Promise<any>} */ (import(name));

/** @type {Record<string, Package>} */
export const PACKAGES = {
  await: byHand,
  'await-lock': {
    async lock() {
      const { default: AwaitLock } = await load('await-lock');
      return () => {
        const lock = new AwaitLock();
        return { acquire: () => lock.acquireAsync(), release: () => lock.release() };
      };
    },
  },
  '@henrygd/semaphore': {
    async lock() {
      const { getSemaphore } = await load('@henrygd/semaphore');
      return () => getSemaphore('lock', 1);
    },
  },
  'async-channel': {
    async queue() {
      const { Channel } = (await load('async-channel')).default;
      return () => {
        const channel = new Channel(Number.POSITIVE_INFINITY);
        return { put: (item) => channel.push(item), get: () => channel.get() };
      };
    },
  },
};
