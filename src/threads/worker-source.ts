// What runs in our workers: plain JavaScript as text, since there is no file of it that every bundler would keep. The
// pipe's end is opened there, so that Node closes it when the worker ends, however it does. Until then the number that the
// worker was given must not come to mean another file: who first sets `taken` has it, to open it or to close it.

import { PACK } from './packed-error.ts';
import { isPlain } from './plain.ts';
import { PRINTING } from './printing.ts';

/** How each word of a worker begins (but for PRINTED, of printing.ts): it has begun; */
export const BEGUN = 'b';
/** a job is done, and the answer is in the port, */
export const ANSWER = 'a';
/** or in the word itself, as JSON, and a line end; */
export const VALUE = 'v';
/** the worker of a cluster serves; */
export const JOINED = 'j';
/** what nobody has caught ends the worker, and the error is in the port. */
export const FAILED = 'f';

/** Who has the pipe's end, in `taken`: one of the two is about to open or to close it, */
export const TAKEN = 1;
/** or the worker has one of its own. */
export const OPENED = 2;

/** What a pipe takes at once, or not at all. (PIPE_BUF) */
const LONGEST_WORD = 4096;

/**
 * What comes first: `port` takes messages, tell(word) wakes whoever listens on the line, pack(error) packs what was
 * thrown, fail(error) ends the worker with it. A module or a script, as the program's options have it: so without import and
 * require.
 */
export const PRELUDE = `'use strict';
const builtin = process.getBuiltinModule;
const { parentPort, workerData } = builtin('node:worker_threads');
const { port } = workerData;
const { closeSync, constants, fstatSync, openSync, writeSync } = builtin('node:fs');
const { fd, identity } = workerData.pipe;
if (Atomics.exchange(workerData.taken, 0, ${TAKEN}) !== 0) process.exit(); // the number may be another file's by now
let out = fd; // theirs, until there is one of our own
const tell = (word) => { try { writeSync(out, word); } catch {} }; // nobody listens any more
${PACK}const fail = (error) => {
  port.postMessage(pack(error));
  tell('${FAILED}');
  process.exit(1);
};
const isPipe = (one) => {
  const { ino, mode } = fstatSync(one, { bigint: true });
  return Number(BigInt.asIntN(64, ino * 16n + ((mode & 0o170000n) >> 12n))) === identity; // as the addon has it
};
try {
  // Nothing is changed by opening what may be the wrong file, and nobody waits for it. (A host may tell of our end early.)
  const own = openSync('/dev/fd/' + fd, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  if (!isPipe(own)) process.exit();
  out = own;
  Atomics.store(workerData.taken, 0, ${OPENED});
  Atomics.notify(workerData.taken, 0);
} catch (error) {
  try {
    if (!isPipe(fd)) process.exit();
  } catch {
    process.exit();
  }
  fail(error); // not allowed by the permission model, or no descriptor is free
}
${PRINTING}// Node closes it by itself, after all who listen to the exit: from then on the host ends what is left of the worker.
if (process.versions.bun !== undefined || process.versions.deno !== undefined) {
  process.once('exit', () => {
    closeSync(out);
    out = -1; // who prints after this must not meet the next file of that number
  });
}
process.on('uncaughtException', (error) => {
  if (process.listenerCount('uncaughtException') === 1) fail(error); // or the program sees to it
});
tell('${BEGUN}');
`;

/** The file that a job is, in stacks. */
const JOB = 'coreactor-job';

/** Does the jobs that come as messages; `begun` counts them. */
export const JOBS = `
const load = builtin('node:module').createRequire(process.cwd() + '/');
const evaluate = eval; // not in this scope; and so that the first line of a job is the first one in stacks
const functions = new Map(); // by their text

// What Node gives to a text that it runs means something else in a module, or nothing. (Deno keeps it.)
for (const name of ['module', 'exports', '__filename', '__dirname']) Reflect.deleteProperty(globalThis, name);

// As in a module: a name from outside that is set, too, is unknown here, and makes no variable that the next job would find.
function compile(text) {
  let found = functions.get(text);
  if (found !== undefined) return found;
  const made = (expression) =>
    evaluate('"use strict"; (require) => (' + expression + '\\n)\\n//# sourceURL=${JOB}')(load);
  try {
    found = made(text);
  } catch (error) {
    found = methodOf(made, text, error);
  }
  if (typeof found !== 'function') throw new SyntaxError('a getter or setter is not known by its text');
  functions.set(text, found);
  return found;
}

function methodOf(made, text, asExpression) {
  try {
    return Object.values(made('{ ' + text + '\\n}'))[0];
  } catch (error) {
    // Of two reasons the one that is not "this is no method", or "this is no expression".
    throw /^Unexpected/.test(error?.message) ? asExpression : error;
  }
}

// Whether the job's own text has used a name that is not known here, and not what it has called or compiled.
const STRANGER = /^ReferenceError: \\S+ is not defined\\n +at (?:.* \\()?${JOB}(?:, <anonymous>)?:\\d+:\\d+\\)?(?:\\n|$)/;

function stackOf(error) {
  try {
    return error.stack;
  } catch {
    return '';
  }
}

async function answerTo({ text, module, name, args }) {
  let target;
  try {
    target = text !== undefined ? compile(text) : (await import(module))[name];
    if (typeof target !== 'function') throw new TypeError(module + ' exports no function "' + name + '"');
  } catch (error) {
    return { thrown: pack(error), stranger: text !== undefined };
  }
  try {
    return { value: await target(...args) };
  } catch (error) {
    return { thrown: pack(error), stranger: isNativeError(error) && STRANGER.test(stackOf(error)) };
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
    port.postMessage({ thrown: pack(error), stranger: false }); // what cannot be copied
  }
  tell('${ANSWER}');
});
`;

/** Runs a program: what runs a loop in it joins the cluster by clusterWorker(). */
export const PROGRAM = `
workerData.tell = tell;
import(workerData.entry).catch(fail);
`;
