// A scope at work, as an operation: drives the body, and is the frame at which a return() for the scope ends.

import { begin, checkBody } from './begin.ts';
import { describe } from './describe.ts';
import { addCause, TimeoutError } from './errors.ts';
import { here } from './here.ts';
import { awaitedAgain } from './once.ts';
import { DONE, type Operation, PARK, type Park } from './operation.ts';
import { giveWay } from './park.ts';
import type { CancelScope, ScopeBody } from './scope.ts';
import type { Task } from './task.ts';

/** What a scope gives in place of the body's result, or throws; `lateness` makes the error for that, which says 'not finished ...'. */
export type Instead<O> = (lateness: (limit: string) => TimeoutError) => O;

const IN_TIME = 'in time';

/** Which scope a TimeoutError is of: those that programs make themselves are errors like any other. */
const makers = new WeakMap<Error, number>();

const NEW = 0;
const RUNNING = 1;
const ENDING = 2; // by its own cancel: what comes of it comes one step later

export class ScopeRun<T, O> implements Operation<T | O>, Iterator<Park, T | O, void> {
  readonly #caller: string;
  readonly #scope: CancelScope;
  readonly #start: ScopeBody<T>;
  readonly #instead: Instead<O>;
  #state = NEW;
  #body: Iterator<Park, T, void> | null = null;
  /** What the body waited on when it was told to end: as text, since it may be another thing afterwards. */
  #waitedOn = '';
  #outcome: (() => T | O) | null = null;
  /** Whether the body has come to nothing. */
  #cutOff = false;
  /** The scopes after this number were entered in clean-up. */
  #lastWithin = Number.POSITIVE_INFINITY;

  constructor(caller: string, scope: CancelScope, start: ScopeBody<T>, instead: Instead<O>) {
    checkBody(start, caller);
    this.#caller = caller;
    this.#scope = scope;
    this.#start = start;
    this.#instead = instead;
  }

  [Symbol.iterator](): this {
    if (this.#state !== NEW) throw awaitedAgain(this.#caller);
    return this;
  }

  next(): IteratorResult<Park, T | O> {
    if (this.#state === ENDING) return this.deliver();
    if (this.#state === NEW) {
      // Before the deadline counts: what is ready at once, such as a finished task, must not meet an empty budget.
      if (here.budget < 2) return giveWay(this);
      this.#scope.enter();
      this.#state = RUNNING;
    }
    let result: IteratorResult<Park, T>;
    try {
      this.#body ??= begin(this.#start(this.#scope), this.#caller);
      result = this.#body.next();
    } catch (error) {
      return this.failed(error);
    }
    if (!result.done) return result;
    // A body that has a result gives it, though it may be late.
    const { value } = result;
    return this.#scope.leave() ? this.end(() => value) : result;
  }

  return(): IteratorResult<Park, T | O> {
    if (this.#state !== RUNNING) return DONE as IteratorReturnResult<never>;
    if (this.#lastWithin === Number.POSITIVE_INFINITY) this.#lastWithin = this.#scope.entered;
    if (this.#waitedOn === '' && this.#scope.expired) this.#waitedOn = describe(here.task?.waitingOn);
    let result: IteratorResult<Park, T> | undefined;
    try {
      result = this.#body?.return?.();
    } catch (error) {
      return this.failed(error);
    }
    if (result?.done === false) return result; // its clean-up waits, or a scope within has taken this
    return this.#scope.leave() ? this.cutOff(undefined) : (DONE as IteratorReturnResult<never>);
  }

  private failed(error: unknown): IteratorResult<Park, T | O> {
    const unwinding = this.#scope.unwinding;
    const postponed = this.#scope.postponed(error);
    const ends = this.#scope.leave();
    if (this.#scope.expired && (ends || !unwinding)) {
      // A scope within was late as well: each says so itself.
      if (error instanceof TimeoutError && this.isOfScopeWithin(error)) return this.cutOff(error);
      if (error instanceof Error && (ends || postponed)) addCause(error, this.lateness(IN_TIME, undefined));
    }
    if (!ends) throw error;
    return this.end(() => {
      throw error;
    });
  }

  private cutOff(cause: unknown): IteratorYieldResult<Park> {
    this.#cutOff = true;
    return this.end(() => {
      this.#scope.markCancelled();
      return this.#instead((limit) => this.lateness(limit, cause));
    });
  }

  // To finish within return() would be to return: whoever awaits this scope would end as well. So it finishes one step
  // later, in next().
  private end(outcome: () => T | O): IteratorYieldResult<Park> {
    this.#state = ENDING;
    this.#outcome = outcome;
    const task = here.task as Task<unknown>;
    task.waitingOn = this;
    task.comeBack();
    return PARK;
  }

  private deliver(): IteratorResult<Park, T | O> {
    // Late, and cancelled from further out in the same turn: that is a cancel.
    if (this.#cutOff && this.#scope.overruled) return giveWay(this);
    return { done: true, value: (this.#outcome as () => T | O)() };
  }

  private lateness(limit: string, cause: unknown): TimeoutError {
    const why = this.#scope.expired ? `not finished ${limit}` : 'not finished when its scope was cancelled';
    const waited = this.#waitedOn === '' ? '' : `: it waited on ${this.#waitedOn}`;
    const error = new TimeoutError(why + waited, cause === undefined ? undefined : { cause });
    makers.set(error, this.#scope.number);
    return error;
  }

  private isOfScopeWithin(error: TimeoutError): boolean {
    const maker = makers.get(error);
    return maker !== undefined && maker > this.#scope.number && maker <= this.#lastWithin;
  }

  toString(): string {
    return 'the end of a scope';
  }
}
