// The kernel's event stream for debuggers, tracers and tests. All of them read this one stream; with no instrument
// installed each hook is one comparison with null.

import type { Task } from './task.ts';

type Subject = Task<unknown>;

/** Implement what you need and pass it in `run(main, { instruments: [yours] })`. A hook must not throw or suspend. */
export interface Instrument {
  taskSpawned?(task: Subject, by: Subject | null): void;
  stepBegin?(task: Subject): void;
  stepEnd?(task: Subject): void;
  /** The step ended at a suspension: `resource` is what was given to park(). */
  parked?(task: Subject, resource: unknown): void;
  /** `by` is null when I/O, a timer or a callback woke it. */
  woken?(task: Subject, by: Subject | null): void;
  taskExited?(task: Subject): void;
  /** `timeout` in milliseconds, Infinity for "until something happens". */
  selectBegin?(timeout: number): void;
  selectEnd?(rows: number): void;
}

/** Several instruments as one, so that the kernel asks once whether there is any. */
export function combine(instruments: readonly Instrument[]): Required<Instrument> | null {
  if (instruments.length === 0) return null;
  return {
    taskSpawned: (task, by) => {
      for (const each of instruments) each.taskSpawned?.(task, by);
    },
    stepBegin: (task) => {
      for (const each of instruments) each.stepBegin?.(task);
    },
    stepEnd: (task) => {
      for (const each of instruments) each.stepEnd?.(task);
    },
    parked: (task, resource) => {
      for (const each of instruments) each.parked?.(task, resource);
    },
    woken: (task, by) => {
      for (const each of instruments) each.woken?.(task, by);
    },
    taskExited: (task) => {
      for (const each of instruments) each.taskExited?.(task);
    },
    selectBegin: (timeout) => {
      for (const each of instruments) each.selectBegin?.(timeout);
    },
    selectEnd: (rows) => {
      for (const each of instruments) each.selectEnd?.(rows);
    },
  };
}
