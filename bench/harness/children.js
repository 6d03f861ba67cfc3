// Child processes: pinned, bounded in time, and ended with us whatever happens. Each is started through
// native/launch.c, which also makes the kernel end it should we be killed outright.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { compile } from './build.js';

/** @typedef {{ pid: number, stop(): Promise<void>, exit: Promise<string>, tail(): string }} Child */

/** @type {Set<number>} pids of everything that runs */
const live = new Set();

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}

process.on('exit', () => live.forEach(kill));
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    console.error(`ended by ${signal}`);
    process.exit(128 + constants.signals[signal]);
  });
}

/**
 * @param {string[]} command
 * @param {number | undefined} cpu
 */
async function launch(command, cpu) {
  const launcher = await compile('launch');
  const child = spawn(launcher, [String(process.pid), cpu === undefined ? '-' : String(cpu), ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${command[0]} could not be started`);
  live.add(pid);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-4000);
  });
  child.stdout.setEncoding('utf8');
  /** @type {Promise<string>} how it ended, in words; '' for a good end */
  const exit = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      live.delete(pid);
      resolve(code === 0 ? '' : signal === null ? `exit code ${code}` : `ended by ${signal}`);
    });
  });
  return { child, pid, exit, tail: () => lastWords(errors) };
}

/**
 * The line of an error output that says most, short enough for a table.
 * @param {string} text
 */
function lastWords(text) {
  const lines = text.split('\n').map((line) => line.trim());
  const said = lines.filter((line) => /error|panic|EMFILE|too many|cannot|no /i.test(line) && !/^at /.test(line));
  return (said.at(-1) ?? lines.filter(Boolean).at(-1) ?? '').slice(0, 160);
}

/**
 * Runs a program to its end and gives what it printed.
 * @param {string[]} command
 * @param {{ cpu?: number | undefined, timeoutMs: number }} options
 */
export async function finish(command, { cpu, timeoutMs }) {
  const { child, pid, exit, tail } = await launch(command, cpu);
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill(pid);
  }, timeoutMs);
  const end = await exit;
  clearTimeout(timer);
  if (late) throw new Error(`not done after ${timeoutMs / 1000} s`);
  return { output, end, tail: tail() };
}

/**
 * Runs a program that prints one JSON object as its last line. An `error` in it, or no such line, is a rejection.
 * @param {string[]} command
 * @param {{ cpu?: number | undefined, timeoutMs: number }} options
 * @returns {Promise<any>}
 */
export async function measureProgram(command, options) {
  const { output, end, tail } = await finish(command, options);
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  const result = line.startsWith('{') ? JSON.parse(line) : {};
  if (result.error !== undefined) throw new Error(result.error);
  if (end !== '' || line === '') throw new Error([end, tail].filter(Boolean).join(': ') || 'printed nothing');
  return result;
}

/**
 * Starts a server and waits for its line `listening on HOST:PORT (..., pid PID)`.
 * @param {string[]} command
 * @param {{ cpu?: number | undefined, timeoutMs: number }} options
 */
export async function startServer(command, { cpu, timeoutMs }) {
  const { child, pid, exit, tail } = await launch(command, cpu);
  let output = '';
  /** @type {RegExpExecArray | string} */
  const answer = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(`did not listen within ${timeoutMs / 1000} s`), timeoutMs);
    const settle = (/** @type {RegExpExecArray | string} */ value) => {
      clearTimeout(timer);
      resolve(value);
    };
    child.stdout.on('data', (text) => {
      output = (output + text).slice(0, 4000);
      const match = /listening on \S*?:(\d+) \(.*?pid (\d+)\)/.exec(output);
      if (match !== null) settle(match);
    });
    exit.then((end) => settle([end || 'ended at once', tail()].filter(Boolean).join(': ')));
  });
  if (typeof answer === 'string') {
    kill(pid);
    await exit;
    throw new Error(answer);
  }
  const serverPid = Number(answer[2]); // differs from pid where a runtime starts through a wrapper
  live.add(serverPid);
  let ended = '';
  exit.then((end) => {
    ended = [end, tail()].filter(Boolean).join(': ');
  });
  return {
    port: Number(answer[1]),
    pid: serverPid,
    /** What it said or how it ended, for the words of a failure. */
    words: () => ended || tail(),
    async stop() {
      kill(serverPid);
      kill(pid);
      await exit;
      live.delete(serverPid);
    },
  };
}
