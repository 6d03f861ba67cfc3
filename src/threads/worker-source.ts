// What runs in our workers: plain JavaScript as text, since there is no file of it that every bundler would keep. The
// pipe's end is opened there, so that Node closes it when the worker ends, however it does.

import { isPlain } from './plain.ts';

/** How each word of a worker begins: it has begun; */
export const BEGUN = 'b';
/** a job is done, and the answer is in the port, */
export const ANSWER = 'a';
/** or in the word itself, as JSON, and a line end; */
export const VALUE = 'v';
/** the worker of a cluster serves; */
export const JOINED = 'j';
/** what nobody has caught ends the worker, and the error is in the port. */
export const FAILED = 'f';

/** What a pipe takes at once, or not at all. (PIPE_BUF) */
const LONGEST_WORD = 4096;

/**
 * What comes first: `port` takes messages, tell(word) wakes whoever listens on the line, failure(error, stranger) packs an
 * error, fail(error) ends the worker with it. A module or a script, as the program's options have it: so without import and
 * require.
 */
export const PRELUDE = `'use strict';
const builtin = process.getBuiltinModule;
const { parentPort, workerData } = builtin('node:worker_threads');
const { port } = workerData;
const { closeSync, openSync, writeSync } = builtin('node:fs');
let out = workerData.pipe; // theirs, until there is one of our own
const tell = (word) => { try { writeSync(out, word); } catch {} }; // nobody listens any more
const { isNativeError } = builtin('node:util').types;
const failure = (error, stranger) => ({
  // Of an error that is none of the language's own (a DOMException) a clone is nothing.
  error: error instanceof Error && !isNativeError(error) ? new Error(error.message) : error,
  stranger,
  // A clone keeps the name of the built-in class, the message, the stack and the cause only.
  extra: error instanceof Error ? { name: error.name, stack: error.stack, ...error } : {},
});
const fail = (error) => {
  try {
    port.postMessage(failure(error, false));
  } catch {
    port.postMessage(failure(new Error(String(error?.stack ?? error)), false)); // it cannot be cloned
  }
  tell('${FAILED}');
  process.exit(1);
};
try {
  out = openSync('/dev/fd/' + workerData.pipe, 'w');
} catch (error) {
  fail(error); // not allowed by the permission model, or no descriptor is free
}
process.once('exit', () => closeSync(out)); // Bun does not by itself
process.on('uncaughtException', (error) => {
  if (process.listenerCount('uncaughtException') === 1) fail(error); // or the program sees to it
});
tell('${BEGUN}');
`;

/** Does the jobs that come as messages; `begun` counts them. */
export const JOBS = `
const load = builtin('node:module').createRequire(process.cwd() + '/');
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

const isPlain = ${isPlain};

// What is small and plain goes as a word, and needs no second way.
function tellValue(answer) {
  try {
    if (!('value' in answer) || !isPlain(answer.value)) return false;
    const word = Buffer.from('${VALUE}' + JSON.stringify(answer.value) + '\\n');
    if (word.length > ${LONGEST_WORD}) return false;
    tell(word);
    return true;
  } catch {
    return false; // a getter throws, or a bundler has put something into isPlain() that is not known here
  }
}

parentPort.on('message', async (job) => {
  Atomics.add(workerData.begun, 0, 1);
  const answer = await answerTo(job);
  if (tellValue(answer)) return;
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
  tell('${ANSWER}');
});
`;

/** Runs a program: what runs a loop in it joins the cluster by clusterWorker(). */
export const PROGRAM = `
workerData.tell = tell;
import(workerData.entry).catch(fail);
`;
