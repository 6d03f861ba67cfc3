// explore: does it also work when the others come first? A small model checker without a store of states: it runs the
// program once for each order that the kernel's promises allow.

import { ArgumentRangeError, InvalidStateError } from '../kernel/errors.ts';
import type { Instrument } from '../kernel/instruments.ts';
import type { Coroutine } from '../kernel/operation.ts';
import type { Step } from '../kernel/ready-queue.ts';
import { ROW_FIELDS, ROWS_BEGIN } from '../kernel/selector-port.ts';
import { Task } from '../kernel/task.ts';
import { Choices, OtherProgramError } from './choices.ts';
import { FakeSelector } from './fake-selector.ts';
import { seeded } from './seeded.ts';
import { checkRuns, failure, refuseNested, type TrialOptions, trial, type World } from './trial.ts';
import { VirtualClock } from './virtual-clock.ts';

const MAX_RUNS = 2000;

export interface ExploreOptions extends TrialOptions {
  /** How many runs it may take; 2000 by default. */
  maxRuns?: number;
  /** Takes random orders only, the first one from this seed, the next from `seed + 1`, and so on. */
  seed?: number;
  /** Makes one run only: the text that the error of a failed run gives, such as '0.1.0.2'. */
  replay?: string;
}

export interface Explored {
  runs: number;
  /** Whether every order was run. */
  exhaustive: boolean;
  /** The first seed of the random orders; undefined if there were none. */
  seed: number | undefined;
}

/**
 * Runs `program` in simulated time under all orders that are allowed: which of the tasks that are ready steps first, and
 * in which order descriptors become ready that do so at the same time. What is promised stays: callbacks keep their
 * places between the tasks, and who gave way (sleep(0), a passed deadline) lets the others go first. Tasks whose sleeps
 * end at the same time are taken in any order all the same, since on a real clock they seldom do. A step takes no time
 * here, so timers are never late unless the program moves the clock. If half of `maxRuns` is not enough for all orders,
 * the other half are random ones. Blocks; works outside a running loop only.
 *
 * The program checks its invariants itself and throws when one does not hold. When it has ended, nothing may be left: no
 * unfinished task, no armed timer, no registered descriptor, no wait for ever, no failure that nobody took. It has
 * to be the same in each run but for the order, and gets a new world each time.
 * @throws Error for the first order that fails: it says how to `replay` just that one; its cause is what went wrong. Also
 * for a program that does not end.
 * @example
 * const { runs, exhaustive } = explore(function* () {
 *   const queue = new Queue(1);
 *   const got = [];
 *   const getter = createTask(() => queue.forEach(function* (item) { got.push(item); }));
 *   yield* gather([queue.put(1), queue.put(2)]);
 *   queue.shutdown();
 *   yield* getter;
 *   assert.deepEqual(got.sort(), [1, 2]);
 * });
 */
export function explore(program: (world: World) => Coroutine<unknown>, options: ExploreOptions = {}): Explored {
  refuseNested('explore()');
  const { maxRuns = MAX_RUNS, replay } = options;
  checkRuns(maxRuns, 'explore()');
  if (options.seed !== undefined && !Number.isSafeInteger(options.seed)) {
    throw new ArgumentRangeError(`a seed is a whole number, not ${options.seed}`);
  }
  if (replay !== undefined) {
    const choices = Choices.parse(replay);
    attempt(program, choices, options, `{ replay: '${replay}' }`);
    return { runs: 1, exhaustive: false, seed: undefined };
  }

  let runs = 0;
  if (options.seed === undefined) {
    let choices: Choices | null = new Choices();
    for (; choices !== null && runs < Math.ceil(maxRuns / 2); runs++) {
      attempt(program, choices, options);
      choices = choices.next();
    }
    if (choices === null) return { runs, exhaustive: true, seed: undefined };
  }

  const seed = options.seed ?? 1;
  for (let next = seed; runs < maxRuns; runs++, next++) {
    attempt(program, new Choices([], [], seeded(next)), options, `{ seed: ${next}, maxRuns: 1 }`);
  }
  return { runs, exhaustive: false, seed };
}

/** One run; throws if anything went wrong. `again` are the options that repeat it, if its choices do not tell. */
function attempt(
  program: (world: World) => Coroutine<unknown>,
  choices: Choices,
  options: ExploreOptions,
  again?: string,
): void {
  const clock = new VirtualClock();
  const world = { clock, selector: new ShuffledSelector(clock, choices) };
  const shuffle = new Shuffle(choices);
  const problems = trial(() => program(world), world, {
    maxSteps: options.maxSteps,
    instruments: [shuffle],
    arrange: (steps) => shuffle.arrange(steps),
  });
  if (problems.length === 0) {
    if (choices.spent) return;
    throw new InvalidStateError('it makes fewer choices than before: the program is not the same in each run');
  }
  const other = problems.find((problem) => problem instanceof OtherProgramError);
  if (other !== undefined) throw other;
  const text = again ?? `{ replay: '${choices}' }`;
  throw failure(problems, 'the program fails in one order', `Only this order again: explore(program, ${text})`);
}

/** Puts the tasks that are ready into an order of choice. Needs the kernel's events to know who gave way. */
class Shuffle implements Instrument {
  readonly #choices: Choices;
  readonly #woken = new Set<Task<unknown>>();
  readonly #gaveWay = new Set<Task<unknown>>();

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  stepBegin(task: Task<unknown>): void {
    this.#woken.delete(task);
    this.#gaveWay.delete(task);
  }

  woken(task: Task<unknown>): void {
    this.#woken.add(task);
  }

  parked(task: Task<unknown>): void {
    if (task.state === 'ready' && !this.#woken.has(task)) this.#gaveWay.add(task);
  }

  arrange(steps: Step[]): void {
    const first: number[] = [];
    const later: number[] = [];
    steps.forEach((step, place) => {
      if (step instanceof Task) (this.letsOthersGo(step) ? later : first).push(place);
    });
    this.#choices.permute(steps, first);
    this.#choices.permute(steps, later);
  }

  // Also whose deadline has passed: it steps after all that could still wake it.
  private letsOthersGo(task: Task<unknown>): boolean {
    return this.#gaveWay.has(task) || (task.state === 'ready' && task.cancelAsked && !this.#woken.has(task));
  }
}

/** Tells what is ready at the same time in an order of choice. */
class ShuffledSelector extends FakeSelector {
  readonly #choices: Choices;

  constructor(clock: VirtualClock, choices: Choices) {
    super(clock);
    this.#choices = choices;
  }

  override wait(ms: number): number {
    const count = super.wait(ms);
    if (count < 2) return count;
    const places = Array.from({ length: count }, (_, i) => i);
    const rows = places.map((i) => this.rows.slice(ROWS_BEGIN + ROW_FIELDS * i, ROWS_BEGIN + ROW_FIELDS * (i + 1)));
    this.#choices.permute(rows, places);
    rows.forEach((row, i) => {
      this.rows.set(row, ROWS_BEGIN + ROW_FIELDS * i);
    });
    return count;
  }
}
