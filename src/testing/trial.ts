// One run of a program under watch: in a world of its own, for so many steps at most, with a look at what it left behind.
// What cancelEverywhere() and explore() have in common.

import { formatTasks } from '../debug/format-tasks.ts';
import { BlockingLoop } from '../hosts/blocking-loop.ts';
import { describe } from '../kernel/describe.ts';
import { ArgumentRangeError, InvalidStateError } from '../kernel/errors.ts';
import { here } from '../kernel/here.ts';
import type { Instrument } from '../kernel/instruments.ts';
import type { Kernel, Unhandled } from '../kernel/kernel.ts';
import type { Coroutine } from '../kernel/operation.ts';
import type { Step } from '../kernel/ready-queue.ts';
import type { Task } from '../kernel/task.ts';
import type { FakeSelector } from './fake-selector.ts';
import type { VirtualClock } from './virtual-clock.ts';

const MAX_STEPS = 100_000;

/** The simulated machine of one run: move its clock, signal its descriptors. */
export interface World {
  readonly clock: VirtualClock;
  readonly selector: FakeSelector;
}

export interface TrialOptions {
  /** After so many steps (of tasks, and turns of the loop) a run is refused as endless; 100,000 by default. */
  maxSteps?: number | undefined;
}

interface Setting extends TrialOptions {
  instruments: readonly Instrument[];
  arrange?: (steps: Step[]) => void;
  /** Whether the main task is going to be cancelled: then that is how it may end, and the run's end may cancel the rest. */
  cancelsMain?: boolean;
}

/** Runs `main` to its end and gives all that went wrong; nothing is thrown. */
export function trial(main: () => Coroutine<unknown>, world: World, setting: Setting): unknown[] {
  const watch = new Watch(setting.maxSteps ?? MAX_STEPS);
  const problems: unknown[] = [];
  const onUnhandled = (report: Unhandled): void => {
    problems.push(
      new Error(`nobody took the error of ${whose(report)}: ${describe(report.error)}`, { cause: report.error }),
    );
  };
  const loop = new BlockingLoop(world.selector, {
    clock: world.clock,
    instruments: [watch, ...setting.instruments],
    onUnhandled,
    ...(setting.arrange === undefined ? {} : { arrange: setting.arrange }),
  });
  try {
    const { main: task } = loop.run(main);
    if (!(task.cancelled && setting.cancelsMain)) task.result();
    if (watch.left !== '') problems.push(new InvalidStateError(watch.left));
  } catch (error) {
    problems.unshift(error);
  }
  return problems;
}

/** The error of a failed run. `where` says which run it was, `again` how to have only that one. */
export function failure(problems: unknown[], where: string, again: string): Error {
  const cause = problems.length === 1 ? problems[0] : new AggregateError(problems, 'several things went wrong');
  return new Error(`${where}: ${problems.map(describe).join('; ')}\n${again}`, { cause });
}

/** A test that makes no run at all would always pass. */
export function checkRuns(maxRuns: number, caller: string): void {
  if (maxRuns === Number.POSITIVE_INFINITY || (Number.isInteger(maxRuns) && maxRuns >= 1)) return;
  throw new ArgumentRangeError(`${caller} was given maxRuns ${maxRuns}: it is a whole number of runs, at least 1`);
}

/** A simulated loop inside another one would take its place. */
export function refuseNested(caller: string): void {
  if (here.kernel === null) return;
  throw new InvalidStateError(`${caller} was called inside a running loop: call it from the test itself`);
}

/** Counts steps, and looks around when main ends and when the last task does. */
class Watch implements Instrument {
  /** What was left behind, as a sentence. */
  left = '';
  readonly #maxSteps: number;
  #steps = 0;
  #main: Task<unknown> | null = null;
  #kernel: Kernel | null = null;

  constructor(maxSteps: number) {
    this.#maxSteps = maxSteps;
  }

  taskSpawned(task: Task<unknown>): void {
    this.#main ??= task;
    this.#kernel ??= task.kernel;
  }

  stepBegin(): void {
    this.count();
  }

  // Turns without a step count too: callbacks can go on for ever as well.
  selectBegin(): void {
    this.count();
  }

  taskExited(task: Task<unknown>): void {
    const kernel = this.#kernel as Kernel;
    const returned = task === this.#main && task.state === 'returned';
    if (this.left === '' && (returned || kernel.live === 0)) this.left = leftovers(kernel);
  }

  // Thrown from an instrument it ends the loop, which nothing in the program can keep from ending.
  private count(): void {
    if (++this.#steps <= this.#maxSteps) return;
    throw new InvalidStateError(
      `the program has not ended after ${this.#maxSteps} steps: make it end, or raise maxSteps\n` +
        formatTasks((this.#kernel as Kernel).tasks()),
    );
  }
}

function leftovers(kernel: Kernel): string {
  const counts: [number, string][] = [
    [kernel.live, 'unfinished task'],
    [kernel.timers.size, 'armed timer'],
    [kernel.poller.size, 'registered descriptor'],
    [kernel.hopes, 'wait for ever'],
  ];
  const found = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} x ${what}`);
  if (found.length === 0) return '';
  return `the program has left something behind: ${found.join(', ')}\n${formatTasks(kernel.tasks())}`.trimEnd();
}

function whose({ kind, task }: Unhandled): string {
  return kind === 'callback' ? 'a callback' : (task?.name ?? 'a task');
}
