// cancelEverywhere: what is lost when a cancel comes just here? Asked at every place where one can come.

import { createTask } from '../kernel/create-task.ts';
import { describe } from '../kernel/describe.ts';
import { ArgumentRangeError, InvalidStateError } from '../kernel/errors.ts';
import type { Instrument } from '../kernel/instruments.ts';
import type { Coroutine, Main } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import { FakeSelector } from './fake-selector.ts';
import { checkRuns, failure, refuseNested, type TrialOptions, trial, type World } from './trial.ts';
import { VirtualClock } from './virtual-clock.ts';

const MAX_RUNS = 10_000;

/** Starts the task that will be cancelled, as createTask() does. Once in a program. */
export type Victim = <T>(main: Main<T>, options?: { name?: string }) => Task<T>;

export interface CancelEverywhereOptions extends TrialOptions {
  /** A program that would need more runs is refused; 10,000 by default. */
  maxRuns?: number;
  /** Cancels a second time as well: at each suspension in the clean-up that the first cancel began. */
  twice?: boolean;
  /** Makes one run only: the text that the error of a failed run gives, such as 'victim parked 3'. */
  replay?: string;
}

/** Where the cancel comes: to whom, when, and at which suspension, counted from 1. */
interface Place {
  readonly who: 'victim' | 'main';
  readonly mode: 'parked' | 'woken';
  readonly at: number;
  /** At which suspension, counted in the same way, the second cancel comes. */
  readonly again?: number;
}

/**
 * Runs `program` in simulated time again and again, and cancels its victim at its 1st, 2nd, ... last suspension: once as
 * it parks there, and once just after it was woken, when whatever it was woken with is on its way. The victim is the task
 * that the program starts with `victim(main)`, or else the program's main task. After the cancel the program itself
 * checks that nothing was lost: no lock held, each item taken once. To await a victim without its CancelledError,
 * use `yield* wait([task])`. Blocks; works outside a running loop only.
 *
 * After each run nothing may be left: no armed timer, no registered descriptor, no wait for ever, no failure that nobody
 * took; and, when main has ended by itself, no unfinished task. (When main is the victim, what it leaves is cancelled as
 * at the end of run(), and has to clean up likewise.)
 *
 * The program has to be the same in each run, and gets a new world each time: make the lock in it, not around it.
 * @returns how many runs it took: one without a cancel, and two for each suspension or so; with `twice` more.
 * @throws Error for the first run that fails: it says where the cancel came, and the `replay` for only that run; its
 * cause is what went wrong. Also for a program that does not end.
 * @example
 * cancelEverywhere(function* (victim) {
 *   const lock = new Lock();
 *   const task = victim(function* () {
 *     yield* lock.with(() => sleep(10));
 *   });
 *   yield* wait([task]);
 *   assert(!lock.locked);
 * });
 */
export function cancelEverywhere(
  program: (victim: Victim, world: World) => Coroutine<unknown>,
  options: CancelEverywhereOptions = {},
): number {
  refuseNested('cancelEverywhere()');
  const { maxRuns = MAX_RUNS } = options;
  checkRuns(maxRuns, 'cancelEverywhere()');
  if (options.replay !== undefined) {
    attempt(program, placeOf(options.replay), options);
    return 1;
  }
  const whole = attempt(program, null, options);
  const who = whole.victim === null ? 'main' : 'victim';
  const { parked, woken } = whole.met[who];
  const runs = 1 + parked + woken;
  if (runs > maxRuns) {
    throw new InvalidStateError(
      `cancelEverywhere() would take ${runs} runs: let the program suspend less often, or raise maxRuns (${maxRuns})`,
    );
  }
  let again = 0;
  for (const mode of ['parked', 'woken'] as const) {
    for (let at = 1; at <= whole.met[who][mode]; at++) again += strike(program, { who, mode, at }, options);
  }
  return runs + again;
}

/** One run with a cancel, and those with a second one after it: gives how many of these there were. */
function strike(
  program: (victim: Victim, world: World) => Coroutine<unknown>,
  place: Place,
  options: CancelEverywhereOptions,
): number {
  const { met, parkedBefore } = attempt(program, place, options);
  if (!options.twice) return 0;
  const last = met[place.who].parked;
  for (let again = parkedBefore + 1; again <= last; again++) attempt(program, { ...place, again }, options);
  return last - parkedBefore;
}

/** One run, with a cancel at `place`; throws if anything went wrong. */
function attempt(
  program: (victim: Victim, world: World) => Coroutine<unknown>,
  place: Place | null,
  options: CancelEverywhereOptions,
): Executioner {
  const clock = new VirtualClock();
  const world = { clock, selector: new FakeSelector(clock) };
  const executioner = new Executioner(place);
  const problems = trial(() => program(executioner.start, world), world, {
    maxSteps: options.maxSteps,
    instruments: [executioner],
    cancelsMain: place?.who === 'main',
  });
  if (place !== null && !executioner.struck) {
    throw new InvalidStateError(
      `there is no "${textOf(place)}": the program is not the same in each run`,
      problems.length > 0 ? { cause: problems[0] } : undefined,
    );
  }
  if (problems.length === 0) return executioner;
  if (place === null) throw failure(problems, 'the program fails without any cancel', 'Mend that first.');
  const text = textOf(place);
  const when = place.mode === 'parked' ? 'as it parked' : 'just after it was woken';
  throw failure(
    problems,
    `cancelled at its suspension ${place.at} (${executioner.resource}), ${when}${place.again === undefined ? '' : ', and again in its clean-up'}`,
    `Only this run again: cancelEverywhere(program, { replay: '${text}' })`,
  );
}

/** Counts the suspensions of main and of the victim, and cancels at one of them. */
class Executioner implements Instrument {
  readonly met = { main: { parked: 0, woken: 0 }, victim: { parked: 0, woken: 0 } };
  victim: Task<unknown> | null = null;
  /** Whether the place was reached, and what the task waited on there. */
  struck = false;
  resource = 'nothing';
  /** How often it had parked when the cancel came, that time included. */
  parkedBefore = 0;
  readonly #place: Place | null;
  #main: Task<unknown> | null = null;

  constructor(place: Place | null) {
    this.#place = place;
  }

  /** Given to the program as `victim`. */
  readonly start: Victim = (main, options) => {
    if (this.victim !== null) {
      throw new InvalidStateError(
        'victim() was called twice: one task is cancelled, start the others with createTask()',
      );
    }
    const task = createTask(main, options);
    this.victim = task as Task<unknown>;
    return task;
  };

  taskSpawned(task: Task<unknown>): void {
    this.#main ??= task;
  }

  parked(task: Task<unknown>): void {
    this.meet(task, 'parked');
  }

  woken(task: Task<unknown>): void {
    this.meet(task, 'woken');
  }

  private meet(task: Task<unknown>, mode: 'parked' | 'woken'): void {
    const who = task === this.victim ? 'victim' : 'main';
    if (who === 'main' && task !== this.#main) return;
    const at = ++this.met[who][mode];
    const place = this.#place;
    if (place === null || place.who !== who) return;
    if (this.struck && mode === 'parked' && at === place.again) task.cancel('cancelEverywhere: again');
    if (this.struck || place.mode !== mode || place.at !== at) return;
    this.struck = true;
    this.parkedBefore = this.met[who].parked;
    this.resource = describe(task.waitingOn);
    task.cancel(`cancelEverywhere: ${mode} ${at}`);
  }
}

function textOf({ who, mode, at, again }: Place): string {
  return `${who} ${mode} ${at}${again === undefined ? '' : `, again ${again}`}`;
}

function placeOf(replay: string): Place {
  const [, who, mode, at, again] =
    /^(victim|main) (parked|woken) ([1-9][0-9]*)(?:, again ([1-9][0-9]*))?$/.exec(replay) ?? [];
  if (at !== undefined) {
    const place = { who: who as Place['who'], mode: mode as Place['mode'], at: Number(at) };
    return again === undefined ? place : { ...place, again: Number(again) };
  }
  throw new ArgumentRangeError(`replay is a text such as 'victim parked 3', not '${replay}': copy it from the error`);
}
