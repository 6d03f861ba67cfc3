// What debug mode warns of, as errors for onUnhandled: each says what happened, where, and what to do.

import { CoreactorError } from '../kernel/errors.ts';
import type { Task } from '../kernel/task.ts';
import { formatDuration } from './duration.ts';
import type { Making } from './made-operations.ts';
import { programFrames } from './stack.ts';
import type { TaskNotes } from './task-notes.ts';

/** A step of a task kept the loop from everything else for longer than `slowStep`. */
export class SlowStepWarning extends CoreactorError {
  /** How long the step took, in milliseconds. */
  readonly duration: number;

  constructor(message: string, duration: number) {
    super('ERR_COREACTOR_SLOW_STEP', message);
    this.duration = duration;
  }
}

/** An operation was made and never awaited: a `yield*` was forgotten. */
export class NeverAwaitedWarning extends CoreactorError {
  constructor(message: string) {
    super('ERR_COREACTOR_NEVER_AWAITED', message);
  }
}

const SLOW = 'let others run in between with "yield* sleep(0)", or do that work in a thread';

export function slowCallback(
  fn: () => unknown,
  task: Task<unknown> | null,
  ms: number,
  limit: number,
): SlowStepWarning {
  const whose = `a callback${fn.name === '' ? '' : ` ${fn.name}()`} of ${task?.name ?? 'no task'}`;
  const message = `${whose} kept the loop busy for ${formatDuration(ms)} (slowStep is ${formatDuration(limit)}): ${SLOW}`;
  return withStack(new SlowStepWarning(message, ms), undefined);
}

export function slowStep(task: Task<unknown>, ms: number, limit: number, notes: TaskNotes): SlowStepWarning {
  const warning = new SlowStepWarning(
    `${task.name} kept the loop busy for ${formatDuration(ms)} in one step (slowStep is ${formatDuration(limit)}): ${SLOW}`,
    ms,
  );
  const verb = task.state === 'cancelled' ? 'was cancelled' : task.state;
  const end = notes.suspended === null ? `the task ${verb}` : framesOf(notes.suspended);
  const begin = notes.resumed === null ? 'the task had just been created' : framesOf(notes.resumed);
  return withStack(warning, `where the step ended:\n${end}\nwhere it had begun:\n${begin}`);
}

/** One warning for each task and place, however often it happened there. */
export function neverAwaited(makings: readonly Making[]): { error: NeverAwaitedWarning; task: Task<unknown> | null }[] {
  const places = new Map<Task<unknown> | null, Map<string, Making[]>>();
  for (const making of makings) {
    const ofTask = places.get(making.task) ?? new Map<string, Making[]>();
    const place = making.caller + making.returned + framesOf(making.trace);
    places.set(making.task, ofTask.set(place, [...(ofTask.get(place) ?? []), making]));
  }
  return [...places].flatMap(([task, ofTask]) =>
    [...ofTask.values()].map((alike) => ({ error: warningOf(alike), task })),
  );
}

function warningOf(alike: readonly Making[]): NeverAwaitedWarning {
  const { caller, returned, task, trace } = alike[0] as Making;
  const times = alike.length > 1 ? ` (${alike.length} times)` : '';
  const name = task?.name ?? 'a callback';
  if (returned) {
    const what = caller.endsWith('()') ? `what ${caller} gave` : caller;
    const message = `${name} returned ${what} and nobody awaited it${times}: write "return yield* ...", not "return ..."`;
    return withStack(new NeverAwaitedWarning(message), programFrames(trace));
  }
  const warning = new NeverAwaitedWarning(
    `${name} called ${caller} and never awaited what it gave${times}, so nothing happened: write "yield*" before the call`,
  );
  return withStack(warning, framesOf(trace));
}

function framesOf(trace: Error): string {
  return programFrames(trace) ?? '    (no line of the program)';
}

function withStack<E extends Error>(error: E, lines: string | undefined): E {
  error.stack = `${error.name}: ${error.message}${lines === undefined ? '' : `\n${lines}`}`;
  return error;
}
