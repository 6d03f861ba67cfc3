// Calls from other threads: a port carries what is said, a pipe wakes a loop that waits for descriptors only.

import { constants } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import { createTask } from '../kernel/create-task.ts';
import { ArgumentTypeError, ClosedError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { giveWay, spend } from '../kernel/park.ts';
import type { Task } from '../kernel/task.ts';
import { addon } from '../native/addon.ts';
import { workerThreads } from '../native/worker-threads.ts';
import { type Pipe, pipe } from '../net/pipe.ts';
import { openShared, type SharedFd, shareFd } from './shared-fd.ts';

const { EAGAIN } = constants.errno;

/** What another thread needs to call: send it there, with its `port` in the list of what is transferred. */
export interface ThreadsafeHandle {
  readonly port: MessagePort;
  readonly bell: SharedFd;
}

/** Made by callSoonThreadsafe(). While it is open, the loop counts on calls to come. */
export class ThreadsafeCall<A extends unknown[]> implements Disposable {
  readonly handle: ThreadsafeHandle;
  readonly #port: MessagePort;
  readonly #pipe: Pipe;
  readonly #task: Task<void>;

  /** @internal */
  constructor(fn: (...args: A) => unknown) {
    const { port1, port2 } = new (workerThreads().MessageChannel)();
    this.#port = port1;
    port1.unref();
    this.#pipe = pipe();
    this.handle = { port: port2, bell: shareFd(this.#pipe.writer.fd) };
    this.#task = createTask(this.listening(fn), { name: `calls from other threads of ${fn.name || 'a function'}` });
  }

  /** No more calls are heard. A second close() does nothing. Never suspends. */
  close(): void {
    this.#task.cancel();
    this.#pipe.reader.close();
    this.#pipe.writer.close();
    this.#port.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private *listening(fn: (...args: A) => unknown): Coroutine<void> {
    const bytes = Buffer.alloc(1024);
    const { receiveMessageOnPort } = workerThreads();
    const kernel = currentKernel('callSoonThreadsafe()');
    try {
      for (;;) {
        // What was said comes before its byte, so after a byte all of it is there.
        for (let said = receiveMessageOnPort(this.#port); said; said = receiveMessageOnPort(this.#port)) {
          const args = said.message as A;
          kernel.callSoon(() => fn(...args));
          // A thread may say more than this one hears, and then there is no end.
          if (spend()) yield giveWay('calls from other threads').value;
        }
        yield* this.#pipe.reader.recvInto(bytes);
      }
    } finally {
      this.#port.close(); // also at the end of the run
    }
  }
}

/**
 * Lets other threads call `fn` on this loop's thread: give them `handle`, and let them call fromThread(handle)(...args).
 * Arguments are copied (see structuredClone); calls of one thread come in their order. Never suspends. This is how another
 * thread wakes a task, too: `callSoonThreadsafe(() => wake(task))`. (asyncio: call_soon_threadsafe)
 * @throws InvalidStateError outside a running loop; SystemError EMFILE.
 * @example
 * using done = callSoonThreadsafe((result) => results.putNowait(result));
 * new Worker(file, { workerData: done.handle, transferList: [done.handle.port] });
 * // in the worker: fromThread(workerData)('the result');
 */
export function callSoonThreadsafe<A extends unknown[]>(fn: (...args: A) => unknown): ThreadsafeCall<A> {
  currentKernel('callSoonThreadsafe()');
  if (typeof fn !== 'function') throw new ArgumentTypeError('callSoonThreadsafe() takes a function');
  return new ThreadsafeCall(fn);
}

/** Given by fromThread(). Close it when no more is to be said: else it keeps its descriptor until its thread ends. */
export interface ThreadCaller extends Disposable {
  (...args: unknown[]): void;
  /** Calls made here after that throw ClosedError. A second close() does nothing. Never suspends. */
  close(): void;
}

/**
 * The other side of callSoonThreadsafe(): gives a function that has it called there, soon. That needs no loop here, and
 * never suspends.
 * @throws ClosedError if it is closed there, when this is called or when the function is.
 * @example
 * using tell = fromThread(handle);
 * tell('the result');
 */
export function fromThread(handle: ThreadsafeHandle): ThreadCaller {
  const { port, bell } = handle;
  let out = openShared(bell);
  if (out === null) throw closed();
  port.unref();
  const call = (...args: unknown[]): void => {
    if (out === null) throw new ClosedError('this caller was closed, by its own close()');
    port.postMessage(args);
    const result = addon.tell(out, 0);
    if (result < 0 && result !== -EAGAIN) throw closed(); // a full pipe will wake it all the same
  };
  const close = (): void => {
    if (out !== null) addon.closeDescriptor(out);
    out = null;
  };
  return Object.assign(call, { close, [Symbol.dispose]: close });
}

function closed(): ClosedError {
  return new ClosedError('the thread that was to be called hears no more calls');
}
