// Debug mode of one run: an instrument that writes down where tasks are created and suspended, and warns of steps that
// block and of operations that nobody awaits. What it knows is shown by formatTasks() and DeadlockError.

import { isGenerator } from '../kernel/create-task.ts';
import type { DebugPort } from '../kernel/debug-port.ts';
import { ArgumentRangeError } from '../kernel/errors.ts';
import { here } from '../kernel/here.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Step } from '../kernel/ready-queue.ts';
import type { Task } from '../kernel/task.ts';
import { MadeOperations, type Making } from './made-operations.ts';
import { programFrames } from './stack.ts';
import { TaskNotes } from './task-notes.ts';
import { neverAwaited, slowCallback, slowStep } from './warnings.ts';

/** A step may take so many milliseconds by default (asyncio: slow_callback_duration). */
const SLOW_STEP = 100;
/** So many operations of a task that wait to be awaited are looked at before the task ends... */
const MANY = 1000;
/** ... and if they come from so many steps, the task forgets one in each turn of a loop, and may never end. */
const STEPS = 100;

export class DebugMode implements DebugPort, Step {
  readonly #slowStep: number;
  readonly #notes = new WeakMap<Task<unknown>, TaskNotes>();
  readonly #made = new MadeOperations();
  /** Not awaited when their task ended, since this step() and since the one before: another task may still await them. */
  #overdue = new Set<Making>();
  #overdueBefore = new Set<Making>();
  #kernel: Kernel | null = null;

  constructor(slowStepMs: number = SLOW_STEP) {
    if (typeof slowStepMs !== 'number' || !(slowStepMs >= 0)) {
      throw new ArgumentRangeError(`slowStep is a number of milliseconds, not ${slowStepMs}: Infinity for "never"`);
    }
    this.#slowStep = slowStepMs;
  }

  taskSpawned(task: Task<unknown>): void {
    this.#kernel = task.kernel;
    const notes = new TaskNotes();
    this.#notes.set(task, notes);
    notes.watch(task);
  }

  stepBegin(task: Task<unknown>): void {
    this.notesOf(task)?.beginStep(task.kernel.clock.now());
  }

  parked(task: Task<unknown>): void {
    const notes = this.notesOf(task);
    if (notes !== undefined) notes.suspendedSince = task.kernel.clock.now();
  }

  stepEnd(task: Task<unknown>): void {
    const notes = this.notesOf(task);
    if (notes === undefined) return;
    const ms = task.kernel.clock.now() - notes.stepBegan;
    if (ms <= this.#slowStep) return;
    const error = slowStep(task, ms, this.#slowStep, notes);
    task.kernel.unhandled({ kind: 'warning', error, task });
  }

  called(fn: () => unknown, task: Task<unknown> | null, ms: number): void {
    if (ms <= this.#slowStep) return;
    this.#kernel?.unhandled({ kind: 'warning', error: slowCallback(fn, task, ms, this.#slowStep), task });
  }

  woken(): void {}

  taskExited(task: Task<unknown>): void {
    const steps = this.notesOf(task)?.steps ?? 0;
    const result = task.state === 'returned' ? task.result() : undefined;
    this.lookAtResult(task, result, steps);
    // Whoever gets the list awaits them one by one, some time.
    const list: readonly unknown[] = Array.isArray(result) ? result : [];
    // What it made right before it was stopped it had no chance to await.
    const last = { failed: steps, cancelled: steps - 1 }[task.state] ?? Number.POSITIVE_INFINITY;
    for (const making of this.#made.of(task)) {
      if (list.includes(making.operation)) continue;
      if (making.step < last) this.expect(making);
      else this.#made.drop(making);
    }
  }

  selectBegin(): void {}

  selectEnd(): void {}

  made(operation: object, caller: string): void {
    const { task } = here;
    const step = task === null ? 0 : (this.notesOf(task)?.steps ?? 0);
    this.#made.add({ operation, caller, task, step, trace: new Error(), returned: false }, this.begun);
    if (this.#made.count(task) % MANY === 0) this.expectOfSteps(this.#made.of(task));
  }

  readonly begun = (operation: object): void => {
    this.#made.begin(operation, here.task);
  };

  createdAt(task: Task<unknown>): string | undefined {
    return frames(this.notesOf(task)?.created);
  }

  suspendedAt(task: Task<unknown>): string | undefined {
    return frames(this.notesOf(task)?.suspended);
  }

  suspendedSince(task: Task<unknown>): number | undefined {
    return this.notesOf(task)?.suspendedSince;
  }

  /** The run has ended: what was not awaited never will be. */
  finish(): void {
    for (const making of this.#made.all()) this.#overdue.add(making);
    this.reportOverdue();
    this.reportOverdue();
  }

  /** If nobody awaits it until the turn after the next, it is reported. */
  private expect(making: Making): void {
    if (this.#overdue.size + this.#overdueBefore.size === 0) this.#kernel?.enqueue(this);
    this.#overdue.add(making);
  }

  private expectOfSteps(makings: readonly Making[]): void {
    if (new Set(makings.map((making) => making.step)).size < STEPS) return; // made in advance, to be awaited one by one
    for (const making of makings) this.expect(making);
  }

  /** A step of the loop beside those of tasks, so that a report comes inside the loop, and before it sleeps. */
  step(): void {
    this.reportOverdue();
    if (this.#overdueBefore.size > 0) this.#kernel?.enqueue(this);
  }

  private reportOverdue(): void {
    const due = [...this.#overdueBefore].filter((making) => this.#made.holds(making));
    this.#overdueBefore = this.#overdue;
    this.#overdue = new Set();
    for (const making of due) this.#made.drop(making);
    for (const { error, task } of neverAwaited(due)) this.#kernel?.unhandled({ kind: 'warning', error, task });
  }

  private notesOf(task: Task<unknown>): TaskNotes | undefined {
    return this.#notes.get(task);
  }

  /** `return inner()` in place of `return yield* inner()`; whoever takes the result may still await it. */
  private lookAtResult(task: Task<unknown>, value: unknown, step: number): void {
    const makings = this.#made.of(task).filter((making) => making.operation === value);
    for (const making of makings) making.returned = true;
    if (makings.length > 0 || !isGenerator(value)) return;
    this.#made.add(
      { operation: value, caller: 'a coroutine', task, step, trace: new Error(), returned: true },
      this.begun,
    );
  }
}

function frames(trace: Error | null | undefined): string | undefined {
  return trace == null ? undefined : programFrames(trace);
}
