// runProcess: a program from its start to its end, with what it says.

import { gather } from '../compose/gather.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import type { Stream } from '../net/stream.ts';
import { type SpawnOptions, spawn } from './child.ts';
import type { ExitStatus } from './exit.ts';

export interface RunProcessOptions extends Omit<SpawnOptions, 'stdin' | 'stdout' | 'stderr'> {
  /** What it reads; nothing by default. */
  input?: Uint8Array | string;
  /** How long it may clean up when this is cancelled, in milliseconds; then it is killed. Default 5000. */
  grace?: number;
}

export interface Finished extends ExitStatus {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * Runs a program to its end and gives how it ended and all it has written. Cancelled (by a timeout, for example), it asks the
 * program to end, kills it if that takes too long, and reaps it. Suspends meanwhile. (trio: run_process)
 * @throws as spawn(); a program that fails is no error: look at `code`.
 * @example
 * const { code, stdout } = yield* runProcess('git', ['log', '-1']);
 */
export function runProcess(
  file: string,
  args: readonly string[] = [],
  options: RunProcessOptions = {},
): Operation<Finished> {
  return made(running(file, args, options), 'runProcess()');
}

function* running(file: string, args: readonly string[], options: RunProcessOptions): Coroutine<Finished> {
  const { input = '', grace, ...rest } = options;
  const child = spawn(file, args, { ...rest, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  try {
    const [stdout, stderr] = yield* gather([
      all(child.stdout as Stream),
      all(child.stderr as Stream),
      feed(child.stdin as Stream, Buffer.from(input as string)),
    ]);
    return { ...(yield* child.wait()), stdout: stdout as Buffer, stderr: stderr as Buffer };
  } finally {
    yield* child.end(grace === undefined ? {} : { grace });
  }
}

function* all(stream: Stream): Coroutine<Buffer> {
  const pieces: Buffer[] = [];
  const buffer = Buffer.allocUnsafeSlow(65_536);
  for (;;) {
    const length = yield* stream.recvInto(buffer);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(Buffer.from(buffer.subarray(0, length)));
  }
}

function* feed(stream: Stream, input: Buffer): Coroutine<void> {
  try {
    yield* stream.sendAll(input);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPIPE') throw error; // it does not want all of it
  } finally {
    stream.close();
  }
}
