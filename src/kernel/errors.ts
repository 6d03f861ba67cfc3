// Every error the package throws by itself. Each has a stable `code`; a message says what to do.
// Errors of the operating system are SystemError (native/system-error.ts) with the errno's name as code.

import type { TaskWait } from './resource.ts';

/**
 * The base of those that are no TypeError, RangeError or AggregateError. `error.code` tells all of them:
 * ERR_COREACTOR_..., or the errno's name.
 */
export class CoreactorError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** Thrown where a cancelled task is awaited or its result is asked for. The cancelled task itself never sees it. */
export class CancelledError extends CoreactorError {
  /** What was given to `cancel(reason)`. */
  readonly reason: unknown;
  /** The name of the task that called `cancel()`; undefined when it was called outside any task. */
  readonly by: string | undefined;

  constructor(message = 'the task was cancelled', reason?: unknown, by?: string, error?: unknown) {
    const cause = error ?? (reason instanceof Error ? reason : undefined);
    super('ERR_COREACTOR_CANCELLED', message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.by = by;
  }
}

/** An operation was not finished in time. */
export class TimeoutError extends CoreactorError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_COREACTOR_TIMEOUT', message, options);
  }
}

/** The call does not fit the state its object is in; the message names both. */
export class InvalidStateError extends CoreactorError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_COREACTOR_INVALID_STATE', message, options);
  }
}

/** Gives an error a cause, unless it has one, or is frozen and cannot have one. */
export function addCause(error: Error, cause: unknown): void {
  if (cause === undefined || error.cause !== undefined) return;
  Reflect.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}

/** One coroutine (or one operation) that two tasks await at the same time. */
export function awaitedTwice(task: { name: string }, other: { name: string } | null, what: unknown): InvalidStateError {
  return new InvalidStateError(
    `${task.name} awaits ${what}, and so does ${other?.name} already: call the function once for each task, or make it a ` +
      'task with createTask(), which any number can await',
  );
}

/** Another task already waits where only one can (the read side of a socket, for example). */
export class BusyError extends CoreactorError {
  constructor(message: string) {
    super('ERR_COREACTOR_BUSY', message);
  }
}

/** The socket, listener or selector was closed, before the call or while it waited. */
export class ClosedError extends CoreactorError {
  constructor(message: string) {
    super('ERR_COREACTOR_CLOSED', message);
  }
}

/** A line, or whatever ends with a separator, is longer than its reader's limit. What has come is still there to be read. */
export class LimitOverrunError extends CoreactorError {
  /** In bytes. */
  readonly limit: number;

  constructor(message: string, limit: number) {
    super('ERR_COREACTOR_LIMIT', message);
    this.limit = limit;
  }
}

/** The stream has ended before what was to be read was complete. */
export class IncompleteReadError extends CoreactorError {
  /** What came of it. */
  readonly partial: Buffer;

  constructor(message: string, partial: Buffer) {
    super('ERR_COREACTOR_INCOMPLETE', message);
    this.partial = partial;
  }
}

/** Every task waits and nothing that could wake one is left. The message shows the tasks and what each waits on. */
export class DeadlockError extends CoreactorError {
  /** The same for programs: one entry for each task, oldest first. */
  readonly waits: readonly TaskWait[];

  constructor(message: string, waits: readonly TaskWait[] = []) {
    super('ERR_COREACTOR_DEADLOCK', message);
    this.waits = waits;
    // Printed with the error it would bury the message under every field of every task.
    Object.defineProperty(this, 'waits', { enumerable: false });
  }
}

/** A Barrier that was aborted or reset, or one of whose tasks was cancelled while the others waited. */
export class BrokenBarrierError extends CoreactorError {
  constructor(message: string) {
    super('ERR_COREACTOR_BROKEN_BARRIER', message);
  }
}

/** getNowait() on an empty queue. */
export class QueueEmptyError extends CoreactorError {
  constructor(message: string) {
    super('ERR_COREACTOR_QUEUE_EMPTY', message);
  }
}

/** putNowait() on a full queue. */
export class QueueFullError extends CoreactorError {
  constructor(message: string) {
    super('ERR_COREACTOR_QUEUE_FULL', message);
  }
}

/** put() after a queue's shutdown(), and get() once it is drained. */
export class QueueShutDownError extends CoreactorError {
  constructor(message: string) {
    super('ERR_COREACTOR_QUEUE_SHUT_DOWN', message);
  }
}

/** What went wrong in a task group: the errors of its body and its children, each with its own stack. */
export class TaskGroupError extends AggregateError {
  readonly code = 'ERR_COREACTOR_TASK_GROUP';

  override get name(): string {
    return 'TaskGroupError';
  }
}

/** An argument of the wrong type. */
export class ArgumentTypeError extends TypeError {
  readonly code = 'ERR_COREACTOR_ARGUMENT';
}

/** An argument of the right type with an impossible value (NaN milliseconds, port 70000). */
export class ArgumentRangeError extends RangeError {
  readonly code = 'ERR_COREACTOR_RANGE';
}
