// Runs a small program on the compiled package in a process of its own: for signals, exit codes and printed output.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { foreign } from './commands.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Program {
  child: ChildProcess;
  /** What it has printed so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Resolves when `text` has appeared on stdout. */
  says(text: string): Promise<void>;
  /** Likewise on stderr. */
  warns(text: string): Promise<void>;
  ended: Promise<Ended>;
}

/** A file that is not there until open(), for a program that is to wait for its test: existsSync(process.argv.at(-1)). */
export function gate(): { file: string; open(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-gate-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'gate');
  return { file, open: () => writeFileSync(file, '') };
}

/** Starts `source` as an ES module; it is killed after `seconds` at the latest, so that nothing hangs. */
export function start(source: string, options: { args?: string[]; seconds?: number; prefix?: string[] } = {}): Program {
  const node = [process.execPath, '--input-type=module', '--expose-gc', '-e', source, '--', ...(options.args ?? [])];
  return startCommand([...(options.prefix ?? []), ...node], options.seconds);
}

export function startCommand(command: string[], seconds = 20): Program {
  const { env } = command.includes(process.execPath) ? process : foreign;
  const child = spawn(command[0] as string, command.slice(1), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  let listeners: (() => void)[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk) => {
      output[name] += chunk;
      for (const listener of listeners) listener();
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
  const ended = once(child, 'close').then(([code, signal]) => {
    clearTimeout(timer);
    for (const listener of listeners) listener();
    return { code, signal, ...output };
  });
  const hears = (name: 'stdout' | 'stderr', text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (output[name].includes(text)) resolve();
        else if (child.exitCode !== null || child.signalCode !== null) {
          reject(new Error(`ended without saying "${text}":\n${output.stdout}${output.stderr}`));
        } else return;
        listeners = listeners.filter((each) => each !== look);
      };
      listeners.push(look);
      look();
    });
  const says = (text: string): Promise<void> => hears('stdout', text);
  const warns = (text: string): Promise<void> => hears('stderr', text);
  return { child, output, says, warns, ended };
}
