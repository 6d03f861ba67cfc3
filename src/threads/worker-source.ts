// What runs in a worker of the pool: plain JavaScript as text, since there is no file of it that every bundler would keep.
// It hears of a job by a message, puts the answer into `port`, and then a byte into a pipe, which wakes a loop that waits
// for descriptors only. The pipe's end is opened here, so that Node closes it when the worker ends, however it does: the
// other side reads to the end then.

/** The bytes: it has begun; there is an answer in the port. */
export const BEGUN = 0;
export const ANSWER = 1;

// A module or a script, as the program's options have it: so without import and require.
export const WORKER_SOURCE = `'use strict';
const builtin = process.getBuiltinModule;
const { parentPort, workerData: { pipe, port } } = builtin('node:worker_threads');
const { openSync, writeSync } = builtin('node:fs');
const { isNativeError } = builtin('node:util').types;
const load = builtin('node:module').createRequire(process.cwd() + '/');
const out = openSync('/dev/fd/' + pipe, 'w');
const tell = (byte) => { try { writeSync(out, Uint8Array.of(byte)); } catch {} }; // nobody listens any more
const functions = new Map(); // by their text

function compile(text) {
  let found = functions.get(text);
  if (found === undefined) {
    try {
      found = new Function('require', 'return (' + text + '\\n)')(load);
    } catch {
      found = Object.values(new Function('require', 'return ({ ' + text + '\\n})')(load))[0]; // a method
    }
    functions.set(text, found);
  }
  return found;
}

async function answerTo({ text, module, name, args }) {
  try {
    const target = text !== undefined ? compile(text) : (await import(module))[name];
    if (typeof target !== 'function') throw new TypeError(module + ' exports no function "' + name + '"');
    return { value: await target(...args) };
  } catch (error) {
    return failure(error, text !== undefined && error instanceof ReferenceError);
  }
}

const failure = (error, stranger) => ({
  // Of an error that is none of the language's own (a DOMException) a clone is nothing.
  error: error instanceof Error && !isNativeError(error) ? new Error(error.message) : error,
  stranger,
  // A clone keeps the name of the built-in class, the message, the stack and the cause only.
  extra: error instanceof Error ? { name: error.name, stack: error.stack, ...error } : {},
});

parentPort.on('message', async (job) => {
  const answer = await answerTo(job);
  try {
    port.postMessage(answer);
  } catch (error) {
    try {
      if ('error' in answer) port.postMessage(failure(new Error(String(answer.error?.stack ?? answer.error)), false));
      else port.postMessage(failure(error, false));
    } catch (worse) {
      port.postMessage({ error: String(worse), stranger: false, extra: {} });
    }
  }
  tell(${ANSWER});
});
tell(${BEGUN});
`;
