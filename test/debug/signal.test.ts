// SIGUSR2 asks a running program what it does: in debug mode only, since elsewhere it means other things.

import { expect, test } from 'vitest';
import { gate, type Program, start } from '../support/program.ts';

const PROGRAM = `
  import { createTask, run, sleep } from 'coreactor';
  run(function* () {
    const child = createTask(function* () { yield* sleep(60000) }, { name: 'the child' });
    yield* sleep(1);
    console.log('up');
    yield* child;
  }, { name: 'the parent', debug: true, slowStep: Infinity });`;

/** Sends the signal, and waits for what is printed on stderr (the answer ends with a line). */
async function ask(program: Program, answers: number): Promise<string> {
  program.child.kill('SIGUSR2');
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (chunk: Buffer): void => {
      text += chunk;
      if (text.split('coreactor: ').length <= answers || !text.endsWith('\n')) return;
      program.child.stderr?.off('data', look);
      resolve(text);
    };
    program.child.stderr?.on('data', look);
    program.child.once('exit', (code, signal) => reject(new Error(`ended: ${code} ${signal}`)));
  });
}

test('debug mode: SIGUSR2 prints the tasks of a loop that sleeps, each time, and it goes on', async () => {
  const program = start(PROGRAM);
  await program.says('up');
  for (let i = 0; i < 3; i++) {
    const text = await ask(program, 1);
    expect(text).toMatch(/^coreactor: 2 tasks\nthe parent \(parked\) waits on the child, for .*\n/);
    expect(text).toMatch(
      /\n└─ the child \(parked\) waits on sleep until .* \(in .*\), for .*\n {6}at .*created at .*\n$/,
    );
  }
  program.child.kill('SIGINT');
  expect((await program.ended).code).toBe(130);
});

test('a step that blocks cannot answer: the second SIGUSR2 does not kill it, and the answer comes after it', async () => {
  const { file, open } = gate();
  const program = start(
    `
    import { run, sleep } from 'coreactor';
    import { existsSync, writeSync } from 'node:fs';
    run(function* () {
      writeSync(1, 'up\\n');
      while (!existsSync(process.argv.at(-1))); // until all five signals are sent
      yield* sleep(0);
      writeSync(1, 'went on\\n');
      yield* sleep(50);
    }, { debug: true, slowStep: Infinity });`,
    { args: [file] },
  );
  await program.says('up');
  for (let i = 0; i < 5; i++) {
    program.child.kill('SIGUSR2');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  open();
  const { code, stdout, stderr } = await program.ended;
  expect([code, stdout]).toEqual([0, 'up\nwent on\n']);
  expect(stderr.match(/^coreactor: 1 task$/gm)?.length).toBe(1);
});

test('a busy loop answers too, and a Ctrl-C is still one', async () => {
  const program = start(`
    import { run, sleep } from 'coreactor';
    run(function* () { console.log('up'); try { for (;;) yield* sleep(0) } finally { console.log('clean') } }, { debug: true, slowStep: Infinity });`);
  await program.says('up');
  expect(await ask(program, 1)).toMatch(/^coreactor: 1 task\nTask-1 \(ready\)\n/);
  program.child.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect([code, stdout]).toEqual([130, 'up\nclean\n']);
});

test('without debug mode SIGUSR2 is left alone', async () => {
  const program = start(PROGRAM.replace('debug: true, slowStep: Infinity', ''));
  await program.says('up');
  program.child.kill('SIGUSR2');
  const { signal, stderr } = await program.ended;
  expect([signal, stderr]).toEqual(['SIGUSR2', '']);
});

test('after the run the signal does what it did before', async () => {
  const program = start(`
    import { run, sleep } from 'coreactor';
    run(function* () { yield* sleep(1) }, { debug: true });
    console.log('up');
    setTimeout(() => {}, 5000);`);
  await program.says('up');
  program.child.kill('SIGUSR2');
  expect((await program.ended).signal).toBe('SIGUSR2');
});

test.each([
  ['before the run', `process.on('SIGUSR2', mine);`, ''],
  ['in the run', '', `process.on('SIGUSR2', mine);`],
])('a program that listens to SIGUSR2 itself keeps it: %s', async (_, before, inside) => {
  const program = start(`
    import { run, sleep } from 'coreactor';
    const mine = () => { console.log('mine'); process.exit(3) };
    ${before}
    run(function* () { ${inside} yield* sleep(1); console.log('up'); yield* sleep(200); }, { debug: true, slowStep: Infinity });
    setTimeout(() => {}, 5000);`);
  await program.says('up');
  program.child.kill('SIGUSR2');
  const { code, stdout, stderr } = await program.ended;
  expect([code, stdout, stderr]).toEqual([3, 'up\nmine\n', '']);
});

test('COREACTOR_DEBUG=1 is debug mode, and names the line of a forgotten yield* and of a slow step', async () => {
  const program = start(
    `
    import { run, sleep } from 'coreactor';
    run(function* main() {
      sleep(1);
      yield* sleep(1);
      for (const end = Date.now() + 120; Date.now() < end; );
    });`,
    { prefix: ['env', 'COREACTOR_DEBUG=1'] },
  );
  const { code, stderr } = await program.ended;
  expect(code).toBe(0); // warnings do not fail a program
  expect(stderr).toMatch(
    /SlowStepWarning: Task-1 kept the loop busy for [\d.]+ m?s [\s\S]*it had begun:\n {4}at main \(/,
  );
  expect(stderr).toMatch(/NeverAwaitedWarning: Task-1 called sleep\(\)[^\n]*\n {4}at main \(file:[^\n]*:4:\d+\)/);
  expect(stderr).not.toMatch(/dist\//);
});
