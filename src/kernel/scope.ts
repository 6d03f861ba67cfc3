// A stretch of a task that can be cancelled by itself: timeout, moveOnAfter and task groups are made of it. (trio:
// CancelScope)
//
// Cancelling a scope is cancelling its task, with one difference: the return() that unwinds the task's coroutines ends at
// the scope's own frame, which is between the body and whoever awaits the scope.
//
//     task       <- return() ends here when the task was cancelled
//      scope 1   <- ... or here, when this one was
//       scope 2
//        body    -> suspended; return() comes from here outwards
//
// Which of several it is for: a cancel further out outranks those inside. Deadlines that passed are settled from the
// inside out: each scope that is late says so itself, and the one around it has its turn at the next suspension.

import { NEVER, type Outside } from './cancellation.ts';
import { deadlineAt } from './deadline.ts';
import { InvalidStateError, TimeoutError } from './errors.ts';
import { currentTask } from './here.ts';
import { made } from './made.ts';
import type { Operation } from './operation.ts';
import { ScopeRun } from './scope-run.ts';
import type { Task } from './task.ts';
import type { Timer } from './timer.ts';

/** What runs in a scope: a function* as a rule, or any function that gives an operation. */
export type ScopeBody<T> = (scope: CancelScope) => Operation<T>;

/**
 * Cancels what runs in it, and nothing around it: by cancel(), or when its deadline passes. Used once.
 * @example
 * const scope = new CancelScope();
 * callLater(100, () => scope.cancel());
 * const page = yield* scope.run(function* () {
 *   return yield* fetchPage(url);
 * }); // undefined if it was cancelled
 */
export class CancelScope {
  #deadline: number;
  #expiry: Expiry | null = null;
  #task: Task<unknown> | null = null;
  #left = false;
  #cancelCalled = false;
  #expired = false;
  #cancelled = false;
  /** Its place among the scopes of the task: those around it have smaller numbers. */
  #number = 0;
  /** Whether it was entered in clean-up, and what is asked of those who clean up. */
  #cancelling = false;
  #outside: Outside | null = null;
  #aborter: AbortController | null = null;

  /**
   * @param options.deadline on the clock of now(); null and Infinity mean never.
   * @throws RangeError for NaN.
   */
  constructor(options: { deadline?: number | null } = {}) {
    this.#deadline = deadlineAt(options.deadline ?? null, 'new CancelScope()');
  }

  /**
   * Runs `body` and gives its result, or undefined if the scope was cancelled before the body had ended. Suspends as the
   * body does.
   * @throws what the body throws, with the TimeoutError as its cause if it threw because the deadline had passed.
   */
  run<T>(body: ScopeBody<T>): Operation<T | undefined> {
    return made(new ScopeRun<T, undefined>('CancelScope.run()', this, body, () => undefined), 'CancelScope.run()');
  }

  /**
   * Asks the body to return() at its suspension, as task.cancel() does to a whole task. Before the scope is entered: at
   * the first suspension. Never suspends.
   * @returns false if the scope has ended already, or is being ended from outside.
   */
  cancel(): boolean {
    if (this.#left || this.passed) return false;
    this.#cancelCalled = true;
    if (this.#task !== null) this.ask(false);
    this.abort();
    return true;
  }

  /**
   * For what takes an AbortSignal: aborted when the scope is cancelled or expires, and when it ends, however it does. Its
   * reason is a TimeoutError when the deadline has passed, what cancel() was given when the task is cancelled, or an
   * AbortError.
   * @example
   * const page = yield* timeout(1000, (scope) => fromPromise(fetch(url, { signal: scope.signal })));
   */
  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.cancelCalled || this.#left) this.abort();
    return this.#aborter.signal;
  }

  /** When it expires, on the clock of now(); Infinity for never. Set it to move it: InvalidStateError unless it runs. */
  get deadline(): number {
    return this.#deadline;
  }
  set deadline(deadline: number | null) {
    const at = deadlineAt(deadline, 'CancelScope.deadline');
    if (this.#task === null || this.#left || this.#expired) {
      const state = this.#task === null ? 'was not entered yet' : this.#left ? 'has ended' : 'has expired';
      throw new InvalidStateError(`the deadline of a scope that ${state} cannot be moved: move it while its body runs`);
    }
    this.#deadline = at;
    this.arm();
  }

  /** Whether cancel() was called or the deadline passed. */
  get cancelCalled(): boolean {
    return this.#cancelCalled || this.#expired;
  }

  /** Whether the deadline passed while it ran. (asyncio: timeout.expired) */
  get expired(): boolean {
    return this.#expired;
  }

  /** Whether it ended by its own cancel and not with its body. (trio: cancelled_caught) */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** @internal */
  enter(): void {
    if (this.#task !== null) {
      throw new InvalidStateError('a CancelScope runs once: make a new one for each run()');
    }
    const task = currentTask();
    const { kernel } = task;
    this.#task = task;
    this.#number = ++kernel.scopes;
    this.#cancelling = task.cancelling;
    const cancellation = kernel.cancellations.size > 0 ? kernel.cancellations.get(task) : undefined;
    if (cancellation?.delivered) this.#outside = cancellation.enter(task.cancelAsked);
    if (this.#cancelCalled) this.ask(false);
    this.arm();
  }

  /** @internal The deadline has passed. */
  expire(): void {
    if (this.passed) return;
    this.#expired = true;
    this.ask(true);
    this.abort();
  }

  /** @internal The body has ended. True if a return() was under way for this scope: then it ends here. */
  leave(): boolean {
    const task = this.#task as Task<unknown>;
    const { kernel } = task;
    this.#left = true;
    this.abort();
    if (this.#expiry !== null) kernel.timers.cancel(this.#expiry);
    const cancellation = kernel.cancellations.size > 0 ? kernel.cancellations.get(task) : undefined;
    if (cancellation === undefined) return false;

    if (cancellation.deferred && this.#outside === null) {
      cancellation.deferred = false;
      cancellation.cancelled = 0;
    }
    cancellation.cancelled = this.around(cancellation.cancelled);
    cancellation.expired = this.around(cancellation.expired);
    const { delivered, cancelled, expired, cut } = cancellation;
    const ends = delivered && this.cancelCalled && cancelled === NEVER && (expired === NEVER || !cut);
    if (ends) {
      cancellation.absorb();
      // A deadline further out that has passed has its turn at the next suspension.
      task.settle(this.#cancelling, expired !== NEVER);
    } else if (!delivered && this.cancelCalled) {
      task.settle(this.#cancelling, Math.min(cancelled, expired) !== NEVER);
    }
    if (this.#outside !== null) cancellation.leave(this.#outside);
    else if (!task.cancelling && Math.min(cancelled, expired) === NEVER) kernel.cancellations.delete(task);
    return ends;
  }

  /** @internal Whether `error` was thrown first, while a return() was due: see Postpone. */
  postponed(error: unknown): boolean {
    const task = this.#task as Task<unknown>;
    return task.kernel.cancellations.get(task)?.postponed === error;
  }

  /** @internal Whose stretch it is; null before it was entered. */
  get task(): Task<unknown> | null {
    return this.#task;
  }

  /** @internal Its place among all scopes of the run, by the order in which they were entered. */
  get number(): number {
    return this.#number;
  }

  /** @internal How many scopes of the run were entered so far. */
  get entered(): number {
    return (this.#task as Task<unknown>).kernel.scopes;
  }

  /** @internal Whether a return() is under way in it. */
  get unwinding(): boolean {
    const task = this.#task as Task<unknown>;
    return task.kernel.cancellations.get(task)?.delivered ?? false;
  }

  /** @internal Whether something around it was cancelled after it had ended by its own deadline. */
  get overruled(): boolean {
    const task = this.#task as Task<unknown>;
    return task.cancelAsked && task.kernel.cancellation(task).cancelled < this.#number;
  }

  /** @internal It ends by its own cancel. */
  markCancelled(): void {
    this.#cancelled = true;
  }

  private arm(): void {
    const { kernel } = this.#task as Task<unknown>;
    const { timers, clock } = kernel;
    if (kernel.sleeper !== null) kernel.rouse(); // moved from outside of a turn
    if (this.#expiry !== null) timers.cancel(this.#expiry);
    this.#expiry = null;
    if (this.#deadline === NEVER) return;
    if (this.#deadline <= clock.now()) {
      this.expire();
      return;
    }
    this.#expiry = new Expiry(this);
    timers.add(this.#expiry, this.#deadline);
  }

  private abort(): void {
    if (this.#aborter === null || this.#aborter.signal.aborted) return;
    const late = this.#expired ? new TimeoutError('the deadline of the scope has passed') : undefined;
    this.#aborter.abort(late ?? reasonToEnd(this.#task));
  }

  private ask(late: boolean): void {
    const task = this.#task as Task<unknown>;
    const cancellation = task.kernel.cancellation(task);
    if (late) cancellation.expired = Math.min(cancellation.expired, this.#number);
    else cancellation.cancelled = Math.min(cancellation.cancelled, this.#number);
    task.interrupt(late);
  }

  /** Whether a return() is on its way through this scope to one further out: it is too late to end by itself. */
  private get passed(): boolean {
    const cancellation = this.#task?.kernel.cancellations.get(this.#task);
    if (cancellation === undefined || !cancellation.delivered) return false;
    return this.around(Math.min(cancellation.cancelled, cancellation.expired)) !== NEVER;
  }

  /** `number` if it stands for something around this scope. */
  private around(number: number): number {
    return number < this.#number ? number : NEVER;
  }
}

/** @internal What the cancel was given that ends the task now; undefined if it is a scope that ends. */
export function reasonToEnd(task: Task<unknown> | null): unknown {
  const cancellation = task?.kernel.cancellations.get(task);
  return cancellation?.cancelled === 0 ? cancellation.cause?.reason : undefined;
}

class Expiry implements Timer {
  armed = false;
  readonly #scope: CancelScope;

  constructor(scope: CancelScope) {
    this.#scope = scope;
  }

  get limits(): Task<unknown> | null {
    return this.#scope.task;
  }

  fire(): void {
    this.#scope.expire();
  }
}
