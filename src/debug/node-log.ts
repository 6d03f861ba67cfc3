// The loop's events where Node's users look for them: NODE_DEBUG=coreactor prints a line for each to stderr, and each has
// a node:diagnostics_channel. Installed for a run only if somebody listens when it begins.

import type * as DiagnosticsChannel from 'node:diagnostics_channel';
import type * as Util from 'node:util';
import { describe } from '../kernel/describe.ts';
import type { Instrument } from '../kernel/instruments.ts';
import type { Task } from '../kernel/task.ts';

/** The diagnostics channels and what is published to each. `by` is null when I/O, a timer or a callback did it. */
export interface ChannelMessages {
  'coreactor:task:spawned': { task: Task<unknown>; by: Task<unknown> | null };
  'coreactor:task:woken': { task: Task<unknown>; by: Task<unknown> | null };
  'coreactor:task:parked': { task: Task<unknown>; resource: unknown };
  'coreactor:task:exited': { task: Task<unknown> };
  'coreactor:step:begin': { task: Task<unknown> };
  'coreactor:step:end': { task: Task<unknown> };
  /** In milliseconds; Infinity for "until something happens". */
  'coreactor:select:begin': { timeout: number };
  'coreactor:select:end': { rows: number };
}

type Name = keyof ChannelMessages;

const NAMES: readonly Name[] = [
  'coreactor:task:spawned',
  'coreactor:task:woken',
  'coreactor:task:parked',
  'coreactor:task:exited',
  'coreactor:step:begin',
  'coreactor:step:end',
  'coreactor:select:begin',
  'coreactor:select:end',
];

/** What is to be installed for a run that begins now, on the selector of that name: nothing when nobody listens. */
export function nodeInstruments(selector: string): Instrument[] {
  const instruments: Instrument[] = [];
  const print = debugLog();
  if (print !== null) {
    print('a run begins on %s', selector);
    instruments.push(printer(print));
  }
  // Not imported, so that loading the package does not load it.
  const { channel, hasSubscribers } = process.getBuiltinModule('node:diagnostics_channel') as typeof DiagnosticsChannel;
  if (NAMES.some((name) => hasSubscribers(name))) instruments.push(publisher(channel));
  return instruments;
}

function debugLog(): Util.DebugLogger | null {
  if (!process.env.NODE_DEBUG) return null;
  const log = (process.getBuiltinModule('node:util') as typeof Util).debuglog('coreactor');
  return log.enabled ? log : null;
}

function printer(print: Util.DebugLogger): Instrument {
  return {
    taskSpawned: (task, by) => print('%s spawned by %s', task, by ?? 'the run'),
    stepBegin: (task) => print('%s steps', task),
    parked: (task, resource) => print('%s parked on %s', task, describe(resource)),
    woken: (task, by) => print('%s woken by %s', task, by ?? 'the loop'),
    taskExited: (task) => print('%s exited: %s', task, task.state),
    selectBegin: (timeout) => print('select for at most %d ms', timeout),
    selectEnd: (rows) => print('select gave %d rows', rows),
  };
}

function publisher(channel: typeof DiagnosticsChannel.channel): Instrument {
  const publish = <N extends Name>(name: N): ((message: () => ChannelMessages[N]) => void) => {
    const to = channel(name);
    return (message) => {
      if (to.hasSubscribers) to.publish(message());
    };
  };
  const spawned = publish('coreactor:task:spawned');
  const woken = publish('coreactor:task:woken');
  const parked = publish('coreactor:task:parked');
  const exited = publish('coreactor:task:exited');
  const stepBegin = publish('coreactor:step:begin');
  const stepEnd = publish('coreactor:step:end');
  const selectBegin = publish('coreactor:select:begin');
  const selectEnd = publish('coreactor:select:end');
  return {
    taskSpawned: (task, by) => spawned(() => ({ task, by })),
    woken: (task, by) => woken(() => ({ task, by })),
    parked: (task, resource) => parked(() => ({ task, resource })),
    taskExited: (task) => exited(() => ({ task })),
    stepBegin: (task) => stepBegin(() => ({ task })),
    stepEnd: (task) => stepEnd(() => ({ task })),
    selectBegin: (timeout) => selectBegin(() => ({ timeout })),
    selectEnd: (rows) => selectEnd(() => ({ rows })),
  };
}
