// NODE_DEBUG=coreactor and the diagnostics channels: the event stream where Node's users look for it.

import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { type ChannelMessages, nodeInstruments } from '../../src/debug/node-log.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { sleep } from '../../src/kernel/sleep.ts';
import { simulate } from '../kernel/helpers.ts';
import { start } from '../support/program.ts';

const NAMES = [
  ...[
    'task:spawned',
    'task:woken',
    'task:parked',
    'task:exited',
    'step:begin',
    'step:end',
    'select:begin',
    'select:end',
  ],
].map((name) => `coreactor:${name}` as keyof ChannelMessages);

function* program(): Coroutine<void> {
  yield* createTask(
    function* () {
      yield* sleep(5);
    },
    { name: 'child' },
  );
}

test('each event is published to its channel, in order, with its documented message', () => {
  const log: string[] = [];
  const listen = (message: unknown, name: string | symbol): void => {
    const fields = Object.entries(message as object).map(([key, value]) => `${key}=${value}`);
    log.push(`${String(name).replace('coreactor:', '')} ${fields.join(' ')}`);
  };
  for (const name of NAMES) subscribe(name, listen);
  try {
    simulate(program);
  } finally {
    for (const name of NAMES) unsubscribe(name, listen);
  }
  expect(log).toEqual([
    ...['task:spawned task=Task-1 by=null', 'step:begin task=Task-1', 'task:spawned task=child by=Task-1'],
    ...[
      'task:parked task=Task-1 resource=child',
      'step:end task=Task-1',
      'select:begin timeout=0',
      'select:end rows=0',
    ],
    ...['step:begin task=child', 'task:parked task=child resource=sleep until 5.000', 'step:end task=child'],
    ...['select:begin timeout=5', 'select:end rows=0', 'task:woken task=child by=null', 'step:begin task=child'],
    ...['task:exited task=child', 'task:woken task=Task-1 by=child', 'step:end task=child', 'select:begin timeout=0'],
    ...['select:end rows=0', 'step:begin task=Task-1', 'task:exited task=Task-1', 'step:end task=Task-1'],
  ]);
});

test('nothing is installed when nobody listens; one channel is enough, and only it is published to', () => {
  expect(nodeInstruments('fake')).toEqual([]);
  for (const name of NAMES) channel(name); // exists, and nobody listens
  expect(nodeInstruments('fake')).toEqual([]);
  const exits: string[] = [];
  const listen = (message: unknown): void => {
    exits.push(String((message as ChannelMessages['coreactor:task:exited']).task));
  };
  subscribe('coreactor:task:exited', listen);
  expect(nodeInstruments('fake').length).toBe(1);
  simulate(program);
  unsubscribe('coreactor:task:exited', listen);
  expect(exits).toEqual(['child', 'Task-1']);
  expect(nodeInstruments('fake')).toEqual([]);
});

const RUN = `
  import { createTask, run, sleep } from 'coreactor';
  run(function* () { yield* createTask(function* () { yield* sleep(1) }, { name: 'the child' }) }, { name: 'main' });`;

test('NODE_DEBUG=coreactor prints the events; other names in it do not', async () => {
  const { stderr } = await start(RUN, { prefix: ['env', 'NODE_DEBUG=coreactor'] }).ended;
  const lines = stderr.trim().split('\n');
  for (const line of lines) expect(line).toMatch(/^COREACTOR \d+: /);
  expect(lines.map((line) => line.replace(/^COREACTOR \d+: /, '').replaceAll(/[\d.]+/g, '#'))).toEqual([
    expect.stringMatching(/^a run begins on \w+$/),
    ...['main spawned by the run', 'main steps', 'the child spawned by main', 'main parked on the child'],
    ...['select for at most # ms', 'select gave # rows', 'the child steps', 'the child parked on sleep until #'],
    ...['select for at most # ms', 'select gave # rows', 'the child woken by the loop', 'the child steps'],
    ...['the child exited: returned', 'main woken by the child', 'select for at most # ms', 'select gave # rows'],
    ...['main steps', 'main exited: returned'],
  ]);
  const other = await start(RUN, { prefix: ['env', 'NODE_DEBUG=nothing-of-ours'] }).ended;
  expect(other.stderr).toBe('');
});

test('loading the package loads no diagnostics_channel', async () => {
  const { stdout } = await start(`
    const before = process.moduleLoadList.includes('NativeModule diagnostics_channel');
    await import('coreactor');
    console.log(before, process.moduleLoadList.includes('NativeModule diagnostics_channel'));`).ended;
  expect(['false false\n', 'true true\n']).toContain(stdout);
});
