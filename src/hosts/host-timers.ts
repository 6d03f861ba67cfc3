// The timers by which a guest is called. A test runner may put fake ones in their place, and take them away again: its own
// move our time on, as they do for all that waits for timers, but a call that never comes, or is forgotten with the fake,
// would be a run that never goes on. So while they are there we ask the runtime's too, and whichever comes first calls.

/** The longest that a timer of the runtime can take, in milliseconds. */
export const LONGEST = 2 ** 31 - 1;

/** How often a run looks at a clock that is a fake, in milliseconds: it may be the runtime's again. */
const LOOK = 20;

type Timers = Pick<
  typeof globalThis,
  'clearImmediate' | 'clearTimeout' | 'performance' | 'setImmediate' | 'setTimeout'
>;

/** The runtime's own. */
const { clearImmediate, clearTimeout, performance, setImmediate, setTimeout } = globalThis;
const own: Timers = { clearImmediate, clearTimeout, performance, setImmediate, setTimeout };

/** Calls once in the coming pass of the host's loop. */
export function soon(fn: () => void): void {
  if (globalThis.setImmediate === setImmediate) setImmediate(fn);
  else firstOf(fn, [(once) => immediate(globalThis, once), (once) => immediate(own, once)]);
}

/** Calls once, `ms` milliseconds from now, unless the function that it gives is called before. */
export function later(ms: number, fn: () => void): () => void {
  const delay = Math.min(Math.ceil(ms), LONGEST);
  if (globalThis.setTimeout === setTimeout) return timer(own, delay, fn);
  const look = globalThis.performance === performance ? delay : Math.min(delay, LOOK);
  return firstOf(fn, [(once) => timer(globalThis, delay, once), (once) => timer(own, look, once)]);
}

function immediate(timers: Timers, fn: () => void): () => void {
  const { setImmediate: set, clearImmediate: clear } = timers; // both of now: the fake may be gone then
  const waiting = set(fn);
  return () => clear(waiting);
}

function timer(timers: Timers, ms: number, fn: () => void): () => void {
  const { setTimeout: set, clearTimeout: clear } = timers;
  const waiting = set(fn, ms);
  return () => clear(waiting);
}

function firstOf(fn: () => void, begins: readonly ((once: () => void) => () => void)[]): () => void {
  const callOff = (): void => {
    for (const each of begun) each();
  };
  const begun = begins.map((begin) =>
    begin(() => {
      callOff();
      fn();
    }),
  );
  return callOff;
}
