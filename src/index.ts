// The public names, nothing else.

export { Runner, type RunOptions, run } from './hosts/runner.ts';
export { type CallbackHandle, callAt, callLater, callSoon } from './kernel/callback.ts';
export { createTask } from './kernel/create-task.ts';
export {
  ArgumentRangeError,
  ArgumentTypeError,
  BusyError,
  CancelledError,
  ClosedError,
  CoreactorError,
  DeadlockError,
  InvalidStateError,
  TimeoutError,
} from './kernel/errors.ts';
export { currentTask } from './kernel/here.ts';
export type { Instrument } from './kernel/instruments.ts';
export type { Unhandled } from './kernel/kernel.ts';
export type { Coroutine, Main, Operation, Park } from './kernel/operation.ts';
export { giveWay, park, spend, wake } from './kernel/park.ts';
export { now, sleep, sleepUntil } from './kernel/sleep.ts';
export { Task } from './kernel/task.ts';
export { TaskLocal } from './kernel/task-local.ts';
export { allTasks } from './kernel/tasks.ts';
export type { Address } from './native/address.ts';
export { READ, Selector, type SelectorKey, WRITE } from './native/selector.ts';
export { syscalls } from './native/syscalls.ts';
export { SystemError } from './native/system-error.ts';
export { connect } from './net/connect.ts';
export { Listener, type ListenOptions, listen } from './net/listener.ts';
export { type Direction, Socket } from './net/socket.ts';
