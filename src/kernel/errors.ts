// Every error the package throws by itself. Each has a stable `code`; a message says what to do.
// Errors of the operating system are SystemError (native/system-error.ts) with the errno's name as code.

/** The base of all of them, so that `error instanceof CoreactorError` tells ours from yours. */
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

  constructor(message = 'the task was cancelled', reason?: unknown, by?: string) {
    super('ERR_COREACTOR_CANCELLED', message, reason instanceof Error ? { cause: reason } : undefined);
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

/** Every task waits and nothing that could wake one is left. The message lists the tasks and what each waits on. */
export class DeadlockError extends CoreactorError {
  constructor(message: string) {
    super('ERR_COREACTOR_DEADLOCK', message);
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
