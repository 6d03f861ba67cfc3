// Work that blocks, on threads that may: a bounded number of workers, which are kept for the next.

import { availableParallelism } from 'node:os';
import { types } from 'node:util';
import { printUnhandled } from '../hosts/unhandled.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../kernel/errors.ts';
import { currentKernel, here } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { Semaphore } from '../sync/semaphore.ts';
import { type Job, Thread } from './thread.ts';
import { checkModule } from './worker-line.ts';

/** A function of a module: what a bundler or a stranger's file exports. */
export interface ModuleFunction {
  /** A URL, an absolute path or the name of a package. */
  module: string | URL;
  /** Default 'default'. */
  export?: string;
}

type Work<A extends unknown[], T> = ((...args: A) => T | PromiseLike<T>) | ModuleFunction;

/**
 * So many jobs are done at once. One that was cancelled in a system call counts no more, though its thread is still there
 * until the call returns: see toThread().
 * @example
 * const hashers = new ThreadPool({ threads: 2 });
 * const hash = yield* hashers.run(hashPassword, password);
 */
export class ThreadPool implements Disposable {
  readonly threads: number;
  readonly #places: Semaphore;
  readonly #idle: Thread[] = [];
  #closed = false;

  constructor(options: { threads?: number } = {}) {
    const { threads = Math.max(2, availableParallelism()) } = options;
    if (!Number.isInteger(threads) || threads < 1) {
      throw new ArgumentRangeError(
        `new ThreadPool() was given ${threads} threads: it must be a whole number, at least 1`,
      );
    }
    this.threads = threads;
    this.#places = new Semaphore(threads);
  }

  /** As toThread(), with the threads of this pool. */
  run<A extends unknown[], T>(work: Work<A, T>, ...args: A): Operation<T> {
    currentKernel('toThread()');
    this.#closed = false;
    return made(this.perform<T>(toJob(work as Work<unknown[], T>, args)), 'toThread()');
  }

  /** Ends the workers, those that are at work after it. A job that is given later starts others. Never suspends. */
  close(): void {
    this.#closed = true;
    for (const thread of this.#idle.splice(0)) {
      if (thread.diedIdle) report(thread.died());
      thread.end();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private *perform<T>(job: Job): Coroutine<T> {
    yield* this.#places.acquire();
    try {
      for (;;) {
        const thread = this.#idle.pop() ?? new Thread();
        try {
          return (yield* thread.perform(job)) as T;
        } catch (error) {
          if (thread.idle || !thread.diedIdle) throw error;
          report(error);
        } finally {
          if (thread.idle && !this.#closed) this.#idle.push(thread);
          else thread.end();
        }
      }
    } finally {
      this.#places.release();
    }
  }
}

/** A thread has ended that had no work, so that nobody waits for the error. */
function report(error: unknown): void {
  const warning = { kind: 'warning', error, task: here.task } as const;
  if (here.kernel === null) printUnhandled({ ...warning, createdAt: undefined });
  else here.kernel.unhandled(warning);
}

function toJob(work: Work<unknown[], unknown>, args: unknown[]): Job {
  if (typeof work === 'function') return { text: textOf(work), args };
  const { module, export: name = 'default' } = work ?? {};
  if (module === undefined) {
    throw new ArgumentTypeError("toThread() takes a function, or { module, export }: such as { module: 'node:zlib' }");
  }
  return { module: checkModule(module, 'toThread()'), name, args };
}

function textOf(work: (...args: unknown[]) => unknown): string {
  if (types.isGeneratorFunction(work)) {
    throw new ArgumentTypeError(
      'toThread() was given a function*, which needs a loop, and the thread has none: give it a function or an async ' +
        'function, or createTask() what is to run beside you in this thread',
    );
  }
  const text = Function.prototype.toString.call(work);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(text)) {
    throw new ArgumentTypeError(
      `toThread() was given ${work.name || 'a function'}, whose text is not known (it is built in, or made by bind()): wrap ` +
        'it in a function of yours, or name its module',
    );
  }
  if (/^class\b/.test(text)) throw new ArgumentTypeError('toThread() was given a class: give it a function');
  return text;
}

/** The pool of toThread(): as many threads as there are processors, two at least. */
let common: ThreadPool | undefined;

/**
 * Runs a function in another thread and gives what it returns, or throws what it throws, with the stack from there; a
 * promise is awaited there. Suspends, while other tasks go on: for what blocks or computes for long. Waits for its turn when
 * all threads are at work. Cancelled, or in a timeout(), it stops the thread in the middle of whatever it computes.
 *
 * A system call that blocks (readFileSync() of a FIFO, execSync()) nothing can stop: the caller goes on at once, but the
 * thread is gone only when that call returns. Until then it is one more than the pool has, and the end of the process, also by
 * process.exit(), waits for it. Give such calls an end of their own: execSync(command, { timeout }).
 * Under run() what Node keeps of a thread that was stopped (its stack: 4 MiB of addresses, some 60 KiB of memory) is given back
 * at the end of the run only: a program that cancels thousands of jobs is better off with runPromise().
 *
 * Arguments and results are copied (see structuredClone), and errors but for what cannot be. The function goes as its text:
 * it knows its arguments, require() and what is global, nothing of what is around it here, and runs in strict mode, as in a
 * module. require() and import() look for packages and relative paths from process.cwd(), wherever the program's file is, and
 * so does { module } for packages. What a job writes to console is printed by this thread while the job runs, whenever a task
 * here gives way, and all of it before the job is done; a job that is far ahead of that waits. An AbortSignal arrives as an
 * empty object: cancel the task instead. What would have to be transferred (a MessagePort, a handle of callSoonThreadsafe())
 * cannot be given to a job; a Channel's handle can, such as to tell how far it is.
 * (asyncio: to_thread)
 * What a job leaves behind (a timer, a promise that nobody awaits) may end its thread later: onUnhandled is told of that when
 * the pool comes to it again, and no other job fails for it.
 * @throws CoreactorError ERR_COREACTOR_CLOSURE for a function that needs more, ERR_COREACTOR_THREAD if its thread has ended or
 * cannot begin, with the cause where that is known; TypeError for what cannot be taken there; DataCloneError for arguments
 * that cannot be copied.
 * @example
 * const total = yield* toThread((n) => { let sum = 0; for (let i = 0; i < n; i++) sum += i; return sum; }, 1e9);
 * const page = yield* toThread({ module: new URL('./render.js', import.meta.url), export: 'render' }, data);
 */
export function toThread<A extends unknown[], T>(work: (...args: A) => T | PromiseLike<T>, ...args: A): Operation<T>;
export function toThread(work: ModuleFunction, ...args: unknown[]): Operation<unknown>;
export function toThread(work: Work<unknown[], unknown>, ...args: unknown[]): Operation<unknown> {
  common ??= new ThreadPool();
  return common.run(work, ...args);
}
