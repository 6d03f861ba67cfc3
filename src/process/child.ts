// Child processes: started with pipes on the loop, awaited, signalled, ended.

import { closeSync, openSync } from 'node:fs';
import { waitFor } from '../compose/timeout.ts';
import { ArgumentTypeError, TimeoutError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { addon } from '../native/addon.ts';
import { checked, SystemError } from '../native/system-error.ts';
import { openFd } from '../net/open-fd.ts';
import type { Stream } from '../net/stream.ts';
import { Exit, type ExitStatus } from './exit.ts';
import type { SignalName } from './signal-names.ts';

/** What a child has as stdin, stdout or stderr: a pipe to us, what we have, nothing, or a descriptor. */
export type Stdio = 'pipe' | 'inherit' | 'ignore' | number;

export interface SpawnOptions {
  /** The working directory; ours by default. */
  cwd?: string;
  /** All of its environment; ours by default. */
  env?: Record<string, string | undefined>;
  /** Default 'inherit', as for the other two. */
  stdin?: Stdio;
  stdout?: Stdio;
  stderr?: Stdio;
  /** Whether it leads a process group of its own, which Ctrl-C in the terminal does not reach. Default false. */
  ownGroup?: boolean;
}

/** How long end() waits before it kills, in milliseconds. */
const GRACE = 5000;

/**
 * Made by spawn(). Whatever happens, it is reaped: when it has ended, at the latest with the run, which kills what is left.
 * @example
 * const child = spawn('sort', [], { stdin: 'pipe', stdout: 'pipe' });
 * try {
 *   yield* child.stdin.sendAll(text);
 *   child.stdin.close();
 *   const sorted = yield* child.stdout.reader().readExactly(text.length);
 * } finally {
 *   yield* child.end();
 * }
 */
export class ChildProcess {
  readonly file: string;
  /** Of those that are 'pipe': what is sent to it, and what is received from it. */
  readonly stdin: Stream | null;
  readonly stdout: Stream | null;
  readonly stderr: Stream | null;
  readonly #exit: Exit;

  /** @internal Takes over the three descriptors. */
  constructor(file: string, pid: number, pipes: readonly (number | null)[]) {
    this.file = file;
    this.#exit = new Exit(pid);
    const [stdin, stdout, stderr] = pipes.map((fd) => (fd === null ? null : openFd(fd)));
    this.stdin = stdin ?? null;
    this.stdout = stdout ?? null;
    this.stderr = stderr ?? null;
  }

  get pid(): number {
    return this.#exit.pid;
  }

  /** How it has ended, null while it runs. */
  get status(): ExitStatus | null {
    return this.#exit.status;
  }

  /**
   * Suspends until it has ended and gives how. Any number of tasks may wait; a cancelled one leaves the child alone. (What
   * it has written to its pipes is still there to be received.) (POSIX: waitpid)
   */
  wait(): Operation<ExitStatus> {
    return made(this.#exit.wait(), 'wait()');
  }

  /** Sends a signal; false if it has ended already. Never suspends. (POSIX: kill) */
  kill(signal: SignalName = 'SIGTERM'): boolean {
    return this.#exit.kill(signal);
  }

  /**
   * Closes our ends of its pipes, asks it to end (SIGTERM), kills it when it has not after `grace` milliseconds (default
   * 5000), and suspends until it has ended. For `finally`: cancelled, it kills at once.
   */
  end(options: { grace?: number } = {}): Operation<ExitStatus> {
    return made(this.ending(options.grace ?? GRACE), 'end()');
  }

  toString(): string {
    return `process ${this.pid} (${this.file})`;
  }

  private *ending(grace: number): Coroutine<ExitStatus> {
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream?.close();
    this.kill('SIGTERM');
    try {
      return yield* waitFor(this.#exit.wait(), grace);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    } finally {
      this.kill('SIGKILL');
    }
    return yield* this.#exit.wait();
  }
}

/**
 * Starts a program; never suspends. It gets the default of every signal, its three streams and no other descriptor.
 * `file` without a slash is looked for in PATH. (POSIX: posix_spawn)
 * @throws SystemError ENOENT (no such program, or no such cwd), EACCES, E2BIG, EMFILE ...; TypeError for what is no text.
 */
export function spawn(file: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
  currentKernel('spawn()');
  for (const text of [file, options.cwd ?? '', ...args]) {
    if (typeof text !== 'string') throw new ArgumentTypeError(`spawn() takes strings, and was given ${typeof text}`);
    if (text.includes('\0')) throw new ArgumentTypeError('spawn() was given a string with a zero byte in it');
  }
  const environment = Object.entries(options.env ?? process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const { stdin = 'inherit', stdout = 'inherit', stderr = 'inherit', cwd = '', ownGroup = false } = options;
  const ours: (number | null)[] = [];
  const theirs: number[] = [];
  const opened: (() => unknown)[] = []; // what closes what is the child's
  try {
    for (const [fd, what] of [stdin, stdout, stderr].entries()) {
      const [one, other] = endsOf(what, fd, opened);
      ours.push(one);
      theirs.push(other);
    }
    const [zero, one, two] = theirs as [number, number, number];
    const pid = addon.spawn(file, [file, ...args], environment, cwd, zero, one, two, ownGroup);
    const where = cwd === '' ? '' : ` in ${cwd}`;
    checked(pid, 'spawn', { what: `${file}${where}` });
    return new ChildProcess(file, pid, ours.splice(0));
  } finally {
    for (const close of opened) close();
    for (const fd of ours) if (fd !== null) addon.closeDescriptor(fd);
  }
}

/** Our end of one of its streams, if we have one, and its own. */
function endsOf(what: Stdio, fd: number, opened: (() => unknown)[]): [ours: number | null, theirs: number] {
  if (what === 'inherit') return [null, fd];
  if (typeof what === 'number') return [null, what];
  if (what === 'ignore') {
    const nothing = openSync('/dev/null', fd === 0 ? 'r' : 'w');
    opened.push(() => closeSync(nothing));
    return [null, nothing];
  }
  if (what !== 'pipe') {
    throw new ArgumentTypeError(`spawn() takes 'pipe', 'inherit', 'ignore' or a descriptor, not ${String(what)}`);
  }
  const ends = addon.makePipe();
  if (typeof ends === 'number') throw new SystemError(ends, 'pipe');
  const [reader, writer] = ends;
  const [ours, theirs] = fd === 0 ? [writer, reader] : [reader, writer];
  addon.setNonBlocking(theirs, false); // as programs expect it
  opened.push(() => addon.closeDescriptor(theirs));
  return [ours, theirs];
}
