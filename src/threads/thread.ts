// One worker of a pool, and the jobs it is given.

import { CoreactorError } from '../kernel/errors.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { type Packed, unpack } from './packed-error.ts';
import { WorkerLine } from './worker-line.ts';
import { JOBS, VALUE } from './worker-source.ts';

/** What a worker is asked for: a function by its text, or by its module and name there. */
export type Job = { args: unknown[] } & ({ text: string } | { module: string; name: string });

/** `stranger`: whether the function has used a name that is not known where it ran. */
type Answer = { value: unknown } | { thrown: Packed; stranger: boolean };

export class Thread {
  readonly #begun = new Int32Array(new SharedArrayBuffer(4));
  readonly #line = new WorkerLine('coreactor', JOBS, { begun: this.#begun });
  /** How many jobs it was given, of which the worker counts those that it has begun. */
  #given = 0;
  /** Whether it can be given a job. */
  idle = true;

  /** Suspends until the worker has done the job. Cancelled, the thread must be ended: it is at work still. */
  *perform(job: Job): Coroutine<unknown> {
    this.#line.worker.postMessage(job);
    this.#given++;
    this.idle = false;
    const word = yield* this.#line.hear('a thread');
    if (word === null) throw this.died();
    this.idle = true;
    if (word.startsWith(VALUE)) return JSON.parse(word.slice(VALUE.length));
    return result(this.#line.take() as Answer, job);
  }

  /** Whether it has ended after a job was done, and before the next was begun, which another thread can do. */
  get diedIdle(): boolean {
    if (this.idle) return this.#line.ended;
    return this.#given > 1 && Atomics.load(this.#begun, 0) < this.#given;
  }

  died(): CoreactorError {
    const suspects = 'process.exit() was called, or there was no memory left';
    if (!this.#line.begun) return this.#line.epitaph('the worker could not begin', suspects);
    if (!this.diedIdle) return this.#line.epitaph('the worker has ended before it had an answer', suspects);
    return this.#line.epitaph('a worker has ended while it waited for work, by what an earlier job has left', suspects);
  }

  /** As WorkerLine's. */
  end(): void {
    this.#line.end();
  }
}

function result(answer: Answer, job: Job): unknown {
  if ('value' in answer) return answer.value;
  const cause = unpack(answer.thrown);
  if (!answer.stranger || !('text' in job)) throw cause;
  throw new CoreactorError(
    'ERR_COREACTOR_CLOSURE',
    `${(cause as Error).message} in the thread. If it is from outside of the function: what is given to toThread() goes ` +
      'there as its text, without the variables and imports around it. Give them as arguments, use require() in it, or ' +
      "name a module: toThread({ module: new URL('./work.js', import.meta.url), export: 'work' })",
    { cause },
  );
}
