// Stacks: long enough for coroutines that await coroutines, and, for debug mode, without our frames and Node's.

import { fileURLToPath } from 'node:url';

/** How many frames a stack keeps during a run: a coroutine that awaits one that awaits one ... has two for each. */
const FRAMES = 100;

/** Where our own files lie, once somebody has asked. */
let folders: string[] | null = null;

function ourFolders(): string[] {
  // The package's root is two folders up from src/debug and from dist/bundle alike.
  const root = new URL('../..', import.meta.url);
  return ['src/', 'dist/'].flatMap((folder) => {
    const url = new URL(folder, root);
    return [url.href, fileURLToPath(url)];
  });
}

/** Raises the limit of stacks until the function that it gives is called. */
export function raiseStackLimit(): () => void {
  const before = Error.stackTraceLimit;
  const raised = Math.max(before, FRAMES);
  Error.stackTraceLimit = raised;
  return () => {
    if (Error.stackTraceLimit === raised) Error.stackTraceLimit = before; // unless the program has set its own
  };
}

/** The lines of the program's own frames, down to where the kernel began the step; undefined if there are none. */
export function programFrames(trace: Error): string | undefined {
  const lines = (trace.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  folders ??= ourFolders();
  const mine = folders;
  const ours = (line: string): boolean => mine.some((folder) => line.includes(folder));
  const step = lines.findIndex((line) => ours(line) && /\bTask\.step\b/.test(line));
  const frames = (step === -1 ? lines : lines.slice(0, step)).filter(
    (line) => !ours(line) && !line.includes('(<anonymous>)') && !line.includes('node:internal/'),
  );
  return frames.length === 0 ? undefined : frames.join('\n');
}

/** The first of those lines, short: 'worker (src/worker.js:10:5)'. */
export function firstLine(frames: string | undefined): string | undefined {
  const line = frames?.split('\n', 1)[0]?.trim().replace(/^at /, '');
  return line?.replace('file://', '').replace(`${process.cwd()}/`, '');
}
