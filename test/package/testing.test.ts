// The test kit as a package sees it: coreactor and coreactor/testing are two files around one kernel.

import { expect, test } from 'vitest';
import { start } from '../support/program.ts';

test('S82: coreactor and coreactor/testing share one kernel', async () => {
  const { stdout, stderr } = await start(`
    import { createTask, currentTask, now, run, sleep, Task } from 'coreactor';
    import { cancelEverywhere, explore, FakeSelector, simulate, VirtualClock } from 'coreactor/testing';

    function* program() {
      const task = createTask(function* () {
        yield* sleep(3_600_000);
        return currentTask();
      });
      return [(yield* task) === task, task instanceof Task, now()];
    }
    const clock = new VirtualClock(1);
    const selector = new FakeSelector(clock);
    console.log(simulate(program, { clock, selector }));
    console.log(cancelEverywhere(program), explore(program));
    console.log(run(function* () {
      yield* sleep(1);
      return 'and the real clock';
    }));
  `).ended;
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    '[ true, true, 3600001 ]',
    '3 { runs: 1, exhaustive: true, seed: undefined }',
    'and the real clock',
    '',
  ]);
});
