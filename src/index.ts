// The public names, nothing else.

export { Cluster, type ClusterMember, type ClusterOptions, cluster, type Distribution } from './cluster/cluster.ts';
export { type ClusterWorker, clusterWorker } from './cluster/cluster-worker.ts';
export { asCompleted } from './compose/as-completed.ts';
export { type GatherOptions, gather } from './compose/gather.ts';
export { shield } from './compose/shield.ts';
export { type TaskGroup, taskGroup } from './compose/task-group.ts';
export { moveOnAfter, timeout, waitFor } from './compose/timeout.ts';
export {
  ALL_COMPLETED,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type Waited,
  type WaitOptions,
  wait,
} from './compose/wait.ts';
export { formatTasks } from './debug/format-tasks.ts';
export type { ChannelMessages } from './debug/node-log.ts';
export { NeverAwaitedWarning, SlowStepWarning } from './debug/warnings.ts';
export { fromPromise } from './hosts/from-promise.ts';
export type { RunOptions } from './hosts/options.ts';
export { type RunPromiseOptions, runPromise } from './hosts/run-promise.ts';
export { Runner, run } from './hosts/runner.ts';
export { type CallbackHandle, callAt, callLater, callSoon } from './kernel/callback.ts';
export { createTask } from './kernel/create-task.ts';
export {
  ArgumentRangeError,
  ArgumentTypeError,
  BrokenBarrierError,
  BusyError,
  CancelledError,
  ClosedError,
  CoreactorError,
  DeadlockError,
  IncompleteReadError,
  InvalidStateError,
  LimitOverrunError,
  QueueEmptyError,
  QueueFullError,
  QueueShutDownError,
  TaskGroupError,
  TimeoutError,
} from './kernel/errors.ts';
export { currentSelector, currentTask } from './kernel/here.ts';
export type { Instrument } from './kernel/instruments.ts';
export type { Unhandled } from './kernel/kernel.ts';
export type { Coroutine, Main, Operation, Park } from './kernel/operation.ts';
export { giveWay, park, spend, wake } from './kernel/park.ts';
export type { Resource, TaskWait } from './kernel/resource.ts';
export { CancelScope, type ScopeBody } from './kernel/scope.ts';
export { now, sleep, sleepUntil } from './kernel/sleep.ts';
export { Task } from './kernel/task.ts';
export { TaskLocal } from './kernel/task-local.ts';
export { allTasks } from './kernel/tasks.ts';
export type {
  Address,
  InternetAddress,
  InternetTarget,
  UnixAddress,
  UnixTarget,
} from './native/address.ts';
export { READ, Selector, type SelectorKey, WRITE } from './native/selector.ts';
export { syscalls } from './native/syscalls.ts';
export { SystemError } from './native/system-error.ts';
export { type ConnectOptions, connect } from './net/connect.ts';
export { type Datagram, DatagramSocket, type Received, type UdpOptions, udp } from './net/datagram.ts';
export { type GetAddrInfoOptions, getAddrInfo } from './net/dns.ts';
export { ConnectError } from './net/happy-eyeballs.ts';
export { type FileChange, type FileEvent, Inotify } from './net/inotify.ts';
export { Listener, type ListenOptions, listen } from './net/listener.ts';
export { type OpenFdOptions, openFd } from './net/open-fd.ts';
export { pipe } from './net/pipe.ts';
export { BufferedReader, type ReaderOptions } from './net/reader.ts';
export { readable, writable } from './net/ready.ts';
export type { FileStretch } from './net/send-many.ts';
export { type Direction, Socket } from './net/socket.ts';
export type { SocketOptions } from './net/socket-options.ts';
export { stderr, stdin, stdout } from './net/stdio.ts';
export type { Stream } from './net/stream.ts';
export { BufferedWriter, type WriterOptions } from './net/writer.ts';
export { DuplexStream, fromDuplex } from './node/from-duplex.ts';
export { type DuplexOptions, type SocketDuplex, toDuplex } from './node/to-duplex.ts';
export { ChildProcess, type SpawnOptions, type Stdio, spawn } from './process/child.ts';
export type { ExitStatus } from './process/exit.ts';
export { type Finished, type RunProcessOptions, runProcess } from './process/run-process.ts';
export { SignalListener, signal, signals } from './process/signal.ts';
export type { SignalName } from './process/signal-names.ts';
export { type Handler, Server, type ServerOptions } from './server/server.ts';
export { Barrier } from './sync/barrier.ts';
export { Condition } from './sync/condition.ts';
export { Event } from './sync/event.ts';
export type { Guard } from './sync/guard.ts';
export { LifoQueue } from './sync/lifo-queue.ts';
export { Lock } from './sync/lock.ts';
export { PriorityQueue, type PriorityQueueOptions } from './sync/priority-queue.ts';
export { Queue, type QueueOptions } from './sync/queue.ts';
export type { QueueIterator } from './sync/queue-iterator.ts';
export { BoundedSemaphore, Semaphore } from './sync/semaphore.ts';
export {
  Channel,
  type ChannelHandle,
  type ChannelReceiver,
  type ChannelSender,
  openReceiver,
  openSender,
} from './threads/channel.ts';
export { type ModuleFunction, ThreadPool, toThread } from './threads/thread-pool.ts';
export {
  callSoonThreadsafe,
  fromThread,
  type ThreadCaller,
  type ThreadsafeCall,
  type ThreadsafeHandle,
} from './threads/threadsafe.ts';
