// A coroutine at work: its generator, its state and who waits for its end. The kernel steps it; nobody else does.
//
//   createTask()           step                  park()
//   -----------> NEW ---------------> RUNNING ---------------> PARKED
//                                     |     ^                  |    |
//                    returns, throws  |     | step      wake() |    | cancel()
//                                     |     |                  v    |
//                                     |     +-------------- READY   +---> DOOMED
//                                     v                                     | step: return() instead of next()
//                   RETURNED | FAILED | CANCELLED <-------------------------+
//
// A task that gave way (sleep(0), or its budget is spent) is GAVE_WAY: queued, but with nothing handed to it yet, so
// that a cancel may still doom it. That is the difference to READY, which keeps what it was woken with.

import { kindOf } from './begin.ts';
import { type Cause, NEVER } from './cancellation.ts';
import { describe } from './describe.ts';
import { DoneCallback } from './done-callback.ts';
import { ArgumentTypeError, CancelledError, InvalidStateError } from './errors.ts';
import { here } from './here.ts';
import { Join } from './join.ts';
import type { Kernel } from './kernel.ts';
import { type Coroutine, type Operation, PARK, type Park } from './operation.ts';
import type { Step } from './ready-queue.ts';
import { unwind } from './unwind.ts';

const NEW = 0;
const GAVE_WAY = 1;
const READY = 2; // woken: the step calls next()
const DOOMED = 3; // cancelled before any wake: the step calls return()
const RUNNING = 4;
const PARKED = 5;
const RETURNED = 6;
const FAILED = 7;
const CANCELLED = 8;
const PHASE_NAMES = ['new', 'ready', 'ready', 'ready', 'running', 'parked', 'returned', 'failed', 'cancelled'];

// Facts beside the phase, in the higher bits of the same field: a parked task is to be small.
const PHASE_MASK = 15;
const CANCEL_ASKED = 16; // a cancel waits for the next suspension
const CANCELLING = 32; // a return() has been delivered: what runs now is clean-up
const RETRIEVED = 64; // somebody has looked at the outcome, or was told of it
const HOLD = 128; // somebody is about to; from here on the field counts how many

/** A coroutine that catches every error and yields something wrong again would never end its step. */
const WRONG_YIELDS = 100;

/** How many operations may complete at once in one step before the task gives way (the idea of tokio's coop budget). */
const STEP_BUDGET = 128;

/** Told once when the task it was added to has ended. */
export interface Waiter {
  taskDone(task: Task<unknown>): void;
}

const NO_CAUSE: Cause = { reason: undefined, by: undefined };

/** What a task shares with its creator until it changes it: a value, replaced and never written to. */
export interface Context {
  readonly kernel: Kernel;
  readonly locals: ReadonlyMap<unknown, unknown> | null;
}

/**
 * A running coroutine, made by createTask(). `yield* task` suspends until it has ended and gives its result, throws its
 * error, or throws CancelledError. (asyncio: Task)
 */
export class Task<T> implements Operation<T>, Step, PromiseLike<T> {
  /** What the task waits on now: the value given to park(). */
  waitingOn: unknown = null;
  /** @internal */ context: Context;
  /** @internal */ previous: Task<unknown> | null = null;
  /** @internal */ following: Task<unknown> | null = null;
  #status = NEW;
  #label: string | number;
  /** The generator while it lives, then the result, the error or the Cause of the cancel. */
  #content: unknown;
  #waiters: Waiter | Set<Waiter> | null = null;

  /** @internal Use createTask(). */
  constructor(context: Context, body: Coroutine<T>, label: string | number) {
    this.context = context;
    this.#content = body;
    this.#label = label;
  }

  /** @internal */
  get kernel(): Kernel {
    return this.context.kernel;
  }

  /** For people; Task-1, Task-2, ... unless set. */
  get name(): string {
    return typeof this.#label === 'number' ? `Task-${this.#label}` : this.#label;
  }
  set name(name: string) {
    this.#label = String(name);
  }

  /** Whether it has returned, failed or was cancelled. */
  get done(): boolean {
    return this.phase >= RETURNED;
  }

  /** Whether it ended by a cancel. */
  get cancelled(): boolean {
    return this.phase === CANCELLED;
  }

  /** True while its clean-up (`finally` blocks, `using`) runs after a cancel. */
  get cancelling(): boolean {
    return (this.#status & CANCELLING) !== 0 && !this.done;
  }

  /** For people: 'new', 'ready', 'running', 'parked', 'returned', 'failed' or 'cancelled'. */
  get state(): string {
    return PHASE_NAMES[this.phase] as string;
  }

  /** For people, in debug mode: the lines of the stack that created it. */
  get createdAt(): string | undefined {
    return this.kernel.debug?.createdAt(this as Task<unknown>);
  }

  /**
   * What the coroutine returned; throws its error if it failed. Never suspends.
   * @throws InvalidStateError while it runs, CancelledError if it was cancelled.
   */
  result(): T {
    if (this.done) this.#status |= RETRIEVED;
    if (this.phase === RETURNED) return this.#content as T;
    if (this.phase === FAILED) throw this.#content;
    throw this.noOutcome();
  }

  /** The error of a failed task, null of one that returned. Throws as result() does otherwise. */
  exception(): unknown {
    if (this.done) this.#status |= RETRIEVED;
    if (this.phase === RETURNED) return null;
    if (this.phase === FAILED) return this.#content;
    throw this.noOutcome();
  }

  private noOutcome(): Error {
    if (this.phase !== CANCELLED) {
      return new InvalidStateError(`${this.name} has not ended yet (it is ${this.state}): await it with yield* first`);
    }
    const { reason, by, error } = this.#content as Cause;
    const why = reason === undefined ? '' : `: ${describe(reason)}`;
    return new CancelledError(
      `${this.name} was cancelled${by === undefined ? '' : ` by ${by}`}${why}`,
      reason,
      by,
      error,
    );
  }

  /**
   * Asks the coroutine to return() at its suspension: `finally` blocks run and may suspend, `catch` sees nothing. A task
   * that was woken before takes what it was woken with and ends at its next suspension. Cancels that come before the
   * first one took effect count as one; a later one interrupts the clean-up's wait. Never suspends.
   * @returns false if the task has ended already.
   */
  cancel(reason?: unknown): boolean {
    if (this.done) return false;
    const cancellation = this.kernel.cancellation(this as Task<unknown>);
    cancellation.cancelled = 0;
    cancellation.cause ??= { reason, by: here.task?.name };
    this.interrupt(false);
    return true;
  }

  /** @internal Cancels it, but lets clean-up that is under way come to its end first, its own or that of a scope in it. */
  cancelAfterCleanUp(reason: unknown): void {
    if (!this.cancelling) {
      this.cancel(reason);
      return;
    }
    const cancellation = this.kernel.cancellation(this as Task<unknown>);
    if (cancellation.cause !== null) return; // it is the task's own
    cancellation.cause = { reason, by: here.task?.name };
    cancellation.deferred = true;
  }

  /** Calls `fn(task)` in the turn after the end, in the order of the calls. (asyncio: add_done_callback) */
  addDoneCallback(fn: (task: Task<T>) => unknown): void {
    if (typeof fn !== 'function') throw new ArgumentTypeError('addDoneCallback() takes a function');
    const callback = new DoneCallback(this as Task<unknown>, fn as (task: Task<unknown>) => unknown);
    if (this.done) callback.taskDone();
    else this.addWaiter(callback);
  }

  /** Takes back every addDoneCallback(fn) whose function has not run; returns how many. */
  removeDoneCallback(fn: (task: Task<T>) => unknown): number {
    const waiters = this.#waiters instanceof Set ? [...this.#waiters] : this.#waiters === null ? [] : [this.#waiters];
    const found = waiters.filter((waiter) => waiter instanceof DoneCallback && waiter.fn === fn);
    for (const waiter of found) this.removeWaiter(waiter);
    return found.length;
  }

  [Symbol.iterator](): Iterator<Park, T, void> {
    return new Join(this);
  }

  /**
   * For asynchronous functions: `await task` gives what `yield* task` would. (Under run() they rest, so that is after it.)
   * An error that is handed on like this is not reported by us: an unhandled rejection is the host's to report.
   */
  // biome-ignore lint/suspicious/noThenProperty: a task is a promise to those who know no coroutines
  then<A = T, B = never>(
    onResult?: ((value: T) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        try {
          resolve(this.result());
        } catch (error) {
          reject(error);
        }
      };
      if (this.done) settle();
      else this.addWaiter({ taskDone: settle });
    }).then(onResult, onError);
  }

  toString(): string {
    return this.name;
  }

  /** @internal */
  addWaiter(waiter: Waiter): void {
    if (this.#waiters === null) this.#waiters = waiter;
    else if (this.#waiters instanceof Set) this.#waiters.add(waiter);
    else this.#waiters = new Set([this.#waiters, waiter]);
  }

  /** @internal False if it was not there. */
  removeWaiter(waiter: Waiter): boolean {
    if (this.#waiters instanceof Set) return this.#waiters.delete(waiter);
    if (this.#waiters !== waiter) return false;
    this.#waiters = null;
    return true;
  }

  /** @internal Whether it failed and nobody has asked for the error, nor is about to. */
  get unretrieved(): boolean {
    return this.phase === FAILED && (this.#status & RETRIEVED) === 0 && this.#status < HOLD;
  }

  /** @internal Whether it failed, and nobody has asked for the error yet, though somebody holds it. */
  get heldFailure(): boolean {
    return this.phase === FAILED && (this.#status & RETRIEVED) === 0 && this.#status >= HOLD;
  }

  /** @internal Its failure has been reported: that is done once. */
  reported(): void {
    this.#status |= RETRIEVED;
  }

  /** @internal It has ended, and somebody will hand on its outcome later. */
  hold(): void {
    this.#status += HOLD;
  }

  /** @internal The end of a hold(). After the last its failure is unhandled as any other, unless somebody asks for it soon. */
  letGo(): void {
    this.#status -= HOLD;
    this.kernel.letGo(this as Task<unknown>);
    if (this.unretrieved) this.kernel.failed(this as Task<unknown>);
  }

  /** @internal The error, without counting as retrieved. */
  get failure(): unknown {
    return this.phase === FAILED ? this.#content : undefined;
  }

  /** @internal See wake() in park.ts. */
  wake(): boolean {
    const phase = this.phase;
    if (phase >= RETURNED || phase === DOOMED) return false;
    if (phase <= READY) {
      if (phase === GAVE_WAY) this.become(READY);
      return true;
    }
    if ((this.#status & CANCEL_ASKED) !== 0) return false; // decided before this wake
    // Parked, or running and woken before it parked: then it goes round once more.
    this.become(READY);
    this.kernel.enqueue(this);
    const { instruments } = this.kernel;
    if (instruments !== null) instruments.woken(this as Task<unknown>, here.task);
    return true;
  }

  /** @internal The current step ends, and the next one comes after everything that is ready or pending. */
  giveWay(): void {
    if (this.phase !== RUNNING) return; // woken within this step: it is queued already
    this.become(GAVE_WAY);
    this.kernel.yielded.push(this);
  }

  /**
   * @internal A return() is due: now if it is parked, else at its next suspension. A `late` one is for a deadline that
   * has passed; it lets those who are ready now step first, and whoever wakes the task until then still wins: a result
   * and a timeout of the same turn are a result.
   */
  interrupt(late: boolean): void {
    const phase = this.phase;
    if (phase === PARKED && late) {
      this.become(GAVE_WAY);
      this.#status |= CANCEL_ASKED;
      this.kernel.yielded.push(this);
    } else if (phase === PARKED) {
      this.become(DOOMED);
      this.kernel.enqueue(this);
    } else if (phase <= GAVE_WAY && !late) {
      this.become(DOOMED); // it is in a queue already
    } else if (phase !== DOOMED) {
      this.#status |= CANCEL_ASKED;
    }
  }

  /** @internal The current step ends, and the next one comes whatever is asked of the task meanwhile. */
  comeBack(): void {
    if (this.phase !== RUNNING) return; // woken within this step: it is queued already
    this.become(READY);
    this.kernel.enqueue(this);
  }

  /** @internal Whether its cancel was decided before any wake. */
  get doomed(): boolean {
    return this.phase === DOOMED;
  }

  /** @internal Whether a return() is due at its next suspension. */
  get cancelAsked(): boolean {
    return (this.#status & CANCEL_ASKED) !== 0;
  }

  /** @internal Whether that is for a cancel, and not for a deadline, which comes after a result. */
  get cancelDue(): boolean {
    return this.cancelAsked && this.kernel.cancellation(this as Task<unknown>).cancelled !== NEVER;
  }

  /** @internal For a scope that ends: whether clean-up goes on around it, and whether another return() is due. */
  settle(cancelling: boolean, cancelAsked: boolean): void {
    this.#status &= ~(CANCELLING | CANCEL_ASKED);
    if (cancelling) this.#status |= CANCELLING;
    if (cancelAsked) this.#status |= CANCEL_ASKED;
  }

  /** @internal One step: from one suspension to the next. */
  step(): void {
    const phase = this.phase;
    if (phase > DOOMED) return; // ended since it was queued
    const { instruments } = here;
    here.task = this as Task<unknown>;
    here.budget = STEP_BUDGET;
    if (instruments !== null) instruments.stepBegin(this as Task<unknown>);
    this.become(RUNNING);
    let wrongYields = 0;
    try {
      const body = this.#content as Coroutine<T>;
      let result = phase === DOOMED ? this.close(body) : this.resume(body);
      while (!result.done) {
        if (result !== PARK && result.value !== PARK.value) result = this.refuse(body, result.value, ++wrongYields);
        else if ((this.#status & CANCEL_ASKED) === 0 || this.phase === READY) break;
        else {
          if (this.phase === GAVE_WAY) this.kernel.yielded.pop(); // the place it has just taken
          result = this.close(body);
        }
      }
      if (result.done) this.finish(result.value);
      else {
        if (this.phase === RUNNING) this.become(PARKED);
        if (instruments !== null) instruments.parked(this as Task<unknown>, this.waitingOn);
      }
    } catch (error) {
      this.exit(FAILED, error);
    }
    here.task = null;
    if (instruments !== null) instruments.stepEnd(this as Task<unknown>);
  }

  /** Throws an error into a coroutine that yielded anything but a park. */
  private refuse(body: Coroutine<T>, value: unknown, times: number): IteratorResult<Park, T> {
    const error = new InvalidStateError(`${this.name} yielded ${kindOf(value)}: write "yield*" before an operation`);
    if (times > WRONG_YIELDS) throw error;
    try {
      return body.throw(error);
    } catch (thrown) {
      // It was not the coroutine that yielded this, but an array or the like, after a yield*.
      if (!isWithoutThrow(thrown)) throw thrown;
      throw new InvalidStateError(
        `${this.name} awaits a list of things with "yield*", and met ${kindOf(value)}: use gather([...]), or await one by one`,
      );
    }
  }

  private resume(body: Coroutine<T>): IteratorResult<Park, T> {
    if ((this.#status & CANCELLING) === 0) return body.next();
    return unwind(body, this.kernel.cancellation(this as Task<unknown>));
  }

  private close(body: Coroutine<T>): IteratorResult<Park, T> {
    this.#status = (this.#status & ~(PHASE_MASK | CANCEL_ASKED)) | CANCELLING | RUNNING;
    const cancellation = this.kernel.cancellation(this as Task<unknown>);
    cancellation.deliver();
    return unwind(body, cancellation);
  }

  private finish(value: T): void {
    if ((this.#status & CANCELLING) === 0) this.exit(RETURNED, value);
    else this.exit(CANCELLED, this.kernel.cancellation(this as Task<unknown>).cause ?? NO_CAUSE);
  }

  private exit(phase: number, outcome: unknown): void {
    const kernel = this.kernel;
    this.become(phase);
    this.#content = outcome; // and lets go of the frames
    this.waitingOn = null;
    this.context = kernel.root; // and of the task-locals
    kernel.exited(this as Task<unknown>);
    if (phase === FAILED) kernel.failed(this as Task<unknown>);
    const waiters = this.#waiters;
    if (waiters === null) return;
    this.#waiters = null;
    if (waiters instanceof Set) for (const waiter of waiters) waiter.taskDone(this as Task<unknown>);
    else waiters.taskDone(this as Task<unknown>);
  }

  private get phase(): number {
    return this.#status & PHASE_MASK;
  }

  private become(phase: number): void {
    this.#status = (this.#status & ~PHASE_MASK) | phase;
  }
}

function isWithoutThrow(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes("'throw' method");
}
