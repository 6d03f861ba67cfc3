// The loop's heart: what is ready, what waits for time, what waits for I/O, and turn(), one pass over the three.
// One per run; used on one thread. It knows a Selector and a Clock by their interfaces, so a test can simulate both.

import { Callback } from './callback.ts';
import { Cancellation } from './cancellation.ts';
import type { Clock } from './clock.ts';
import type { DebugPort } from './debug-port.ts';
import { here } from './here.ts';
import { combine, type Instrument } from './instruments.ts';
import type { Coroutine } from './operation.ts';
import { Poller } from './poller.ts';
import { ReadyQueue, type Step } from './ready-queue.ts';
import type { SelectorPort } from './selector-port.ts';
import { type Context, Task } from './task.ts';
import { Timers } from './timers.ts';

/** An error that no coroutine can catch any more. */
export interface Unhandled {
  /**
   * 'task': a task failed and nobody asked for its error. 'callback': a plain callback threw. 'warning': something
   * went wrong and goes on by itself (a listener out of descriptors).
   */
  kind: 'task' | 'callback' | 'warning';
  error: unknown;
  /** The failed task, or the one that scheduled the callback or was at work. */
  task: Task<unknown> | null;
  /** Where that task was created: known in debug mode. */
  createdAt: string | undefined;
}

export interface KernelOptions {
  selector: SelectorPort;
  clock: Clock;
  instruments?: readonly Instrument[];
  onUnhandled: (report: Unhandled) => void;
  debug?: DebugPort | null;
  guest?: boolean;
  /** What a task is. Default Task. */
  Task?: typeof Task;
  /** Rearranges what is about to step in a turn, in place: for tests of every order that is allowed. */
  arrange?: (steps: Step[]) => void;
}

export class Kernel {
  readonly clock: Clock;
  readonly timers = new Timers();
  readonly poller: Poller;
  readonly instruments: Required<Instrument> | null;
  readonly debug: DebugPort | null;
  /** Of tasks that are being cancelled; beside the tasks, since few are. */
  readonly cancellations = new Map<Task<unknown>, Cancellation>();
  /** Tasks that gave way: they step after all that I/O and timers wake in the coming turn. */
  yielded = new ReadyQueue();
  /** How many scopes were entered: each has its number. */
  scopes = 0;
  /** How many tasks have not ended. */
  live = 0;
  /** How many waits may end by something that neither a timer nor the selector shows (or were asked to be endless). */
  hopes = 0;
  /** What tasks start with that no task creates. */
  readonly root: Context = { kernel: this, locals: null };
  #ready = new ReadyQueue();
  #first: Task<unknown> | null = null; // all unfinished tasks, oldest first, in a list through the tasks themselves
  #last: Task<unknown> | null = null;
  #spawned = 0;
  #failedNow: Task<unknown>[] = [];
  #failedBefore: Task<unknown>[] = [];
  readonly #heldFailures = new Set<Task<unknown>>(); // of which somebody may still ask for the error
  /** Of a host that sleeps while others run on this thread: what rouses it, once. */
  sleeper: (() => void) | null = null;
  /** Whether promises settle while it runs: whether its host is a guest of another loop. */
  readonly guest: boolean;
  readonly #Task: typeof Task;
  readonly #onUnhandled: (report: Unhandled) => void;
  readonly #arrange: ((steps: Step[]) => void) | null;

  constructor(options: KernelOptions) {
    this.clock = options.clock;
    this.poller = new Poller(options.selector);
    this.debug = options.debug ?? null;
    this.guest = options.guest ?? false;
    this.#Task = options.Task ?? Task;
    const instruments = options.instruments ?? [];
    this.instruments = combine(this.debug === null ? instruments : [this.debug, ...instruments]);
    this.#onUnhandled = options.onUnhandled;
    this.#arrange = options.arrange ?? null;
  }

  /**
   * One turn: I/O wakes (the `rows` that the last select reported), then timers, then one step for each that was ready
   * when the steps began. Returns how long the next select may wait, in milliseconds. Every host calls just this.
   */
  turn(rows: number): number {
    const outer = here.kernel;
    here.kernel = this;
    here.instruments = this.instruments;
    here.debug = this.debug;
    try {
      if (rows > 0) this.poller.dispatch(rows);
      if (this.timers.size > 0) this.timers.expire(this.clock.now());
      this.admitYielded();
      const ready = this.#ready;
      const due = ready.size;
      if (this.#arrange !== null && due > 1) ready.arrange(due, this.#arrange);
      for (let n = due; n > 0; n--) ready.shift().step();
      ready.relax(due);
      this.poller.keepArrivals();
      if (this.#failedNow.length + this.#failedBefore.length > 0) this.reportFailures();
    } finally {
      here.kernel = outer;
      here.debug = outer === null ? null : outer.debug;
      here.task = null;
    }
    return this.patience();
  }

  spawn<T>(body: Coroutine<T>, name: string | undefined): Task<T> {
    const task = new this.#Task<T>(
      here.task?.context ?? here.context ?? this.root,
      body,
      name == null ? ++this.#spawned : String(name),
    );
    const node = task as Task<unknown>;
    node.previous = this.#last;
    if (this.#last === null) this.#first = node;
    else this.#last.following = node;
    this.#last = node;
    this.live++;
    this.enqueue(task);
    if (this.instruments !== null) this.instruments.taskSpawned(node, here.task);
    return task;
  }

  /** Unfinished tasks in the order of their creation. */
  tasks(): Task<unknown>[] {
    const all: Task<unknown>[] = [];
    for (let task = this.#first; task !== null; task = task.following) all.push(task);
    return all;
  }

  enqueue(step: Step): void {
    this.#ready.push(step);
    if (this.sleeper !== null) this.rouse();
  }

  /** Somebody outside of a turn has made something ready, or changed a deadline. */
  rouse(): void {
    const sleeper = this.sleeper;
    this.sleeper = null;
    sleeper?.();
  }

  callSoon(fn: () => unknown): Callback {
    const callback = new Callback(this, fn);
    this.enqueue(callback);
    return callback;
  }

  /** What was asked of the task; a blank sheet if nothing was yet. */
  cancellation(task: Task<unknown>): Cancellation {
    let found = this.cancellations.get(task);
    if (found === undefined) {
      found = new Cancellation();
      this.cancellations.set(task, found);
    }
    return found;
  }

  /** Called by a task when it has ended. */
  exited(task: Task<unknown>): void {
    if (task.previous === null) this.#first = task.following;
    else task.previous.following = task.following;
    if (task.following === null) this.#last = task.previous;
    else task.following.previous = task.previous;
    task.previous = null;
    task.following = null;
    this.live--;
    if (this.cancellations.size > 0) this.cancellations.delete(task);
    if (this.instruments !== null) this.instruments.taskExited(task);
  }

  /** Closes every descriptor that is still registered. A socket with bytes to send may linger, if that is let. */
  abandonDescriptors(mayLinger: boolean): void {
    const outer = here.kernel;
    here.kernel = this;
    try {
      for (const owner of this.poller.owners()) {
        if (!mayLinger || !this.poller.lingering.has(owner)) owner.abandon();
      }
    } finally {
      here.kernel = outer;
    }
  }

  /** To be reported at the end of the coming turn, unless somebody asks for the error before. */
  failed(task: Task<unknown>): void {
    this.#failedNow.push(task);
  }

  /** Nobody, or one less, is about to ask for its error. */
  letGo(task: Task<unknown>): void {
    if (this.#heldFailures.size > 0) this.#heldFailures.delete(task);
  }

  unhandled(report: Omit<Unhandled, 'createdAt'>): void {
    this.#onUnhandled({ ...report, createdAt: report.task?.createdAt });
  }

  /** Whether anything is left that could wake a task: false when nothing is ready means a deadlock. */
  get hopeful(): boolean {
    return this.timers.size + this.poller.size + this.hopes > 0;
  }

  /** At the end of a run: what failed in the last turns is reported now. */
  flushFailures(): void {
    for (const task of this.#heldFailures) {
      if (task.heldFailure) this.unhandledFailure(task);
    }
    while (this.#failedNow.length + this.#failedBefore.length > 0) this.reportFailures();
  }

  // Whoever gave way comes behind those whom I/O and timers woke.
  private admitYielded(): void {
    const yielded = this.yielded;
    if (yielded.size === 0) return;
    if (this.#ready.size === 0) {
      this.yielded = this.#ready;
      this.#ready = yielded;
    } else {
      while (yielded.size > 0) this.#ready.push(yielded.shift());
    }
  }

  // A failure is reported at the end of the turn after its own: whoever was ready then, or waited for the task, has had
  // a step to look at it.
  private reportFailures(): void {
    const due = this.#failedBefore;
    this.#failedBefore = this.#failedNow;
    this.#failedNow = [];
    for (const task of due) {
      if (task.unretrieved) this.unhandledFailure(task);
      else if (task.heldFailure) this.#heldFailures.add(task);
    }
  }

  private unhandledFailure(task: Task<unknown>): void {
    task.reported();
    this.unhandled({ kind: 'task', error: task.failure, task });
  }

  private patience(): number {
    if (this.#ready.size > 0 || this.yielded.size > 0 || this.#failedBefore.length > 0) return 0;
    const next = this.timers.next();
    return next === Number.POSITIVE_INFINITY ? next : Math.max(0, next - this.clock.now());
  }
}
