// Scopes: what ends where when deadlines, cancels and errors meet.

import { expect, test } from 'vitest';
import { moveOnAfter, timeout, waitFor } from '../../src/compose/timeout.ts';
import { callLater } from '../../src/kernel/callback.ts';
import { createTask } from '../../src/kernel/create-task.ts';
import { InvalidStateError, TimeoutError } from '../../src/kernel/errors.ts';
import { currentTask } from '../../src/kernel/here.ts';
import { Insist } from '../../src/kernel/insist.ts';
import type { Coroutine } from '../../src/kernel/operation.ts';
import { CancelScope } from '../../src/kernel/scope.ts';
import { now, sleep } from '../../src/kernel/sleep.ts';
import { Mailbox, Pause, thrownBy, thrownIn } from '../kernel/helpers.ts';
import { fail, simulateToEnd as simulate, stubborn, value } from './programs.ts';

test('S32: own expiry throws TimeoutError, catch sees nothing, and the coroutine goes on', () => {
  const log: unknown[] = [];
  simulate(function* () {
    function* orNull(): Coroutine<null> {
      try {
        yield* timeout(10, function* () {
          try {
            yield* sleep(1000);
          } catch {
            log.push('caught');
          } finally {
            log.push(['finally', now(), currentTask().cancelling]);
          }
        });
      } catch (error) {
        // ends in the step of the TimeoutError: the coroutine around must not take that for a return()
        log.push((error as Error).name, currentTask().cancelling);
      }
      return null;
    }
    expect(yield* orNull()).toBe(null);
    yield* sleep(5);
    log.push(now());
  });
  expect(log).toEqual([['finally', 10, true], 'TimeoutError', false, 15]);
});

test('S32: TimeoutError says what was waited on and where', () => {
  function* nested(): Coroutine<void> {
    yield* sleep(77);
  }
  simulate(function* () {
    const error = yield* thrownIn(timeout(10, () => nested()));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.code).toBe('ERR_COREACTOR_TIMEOUT');
    expect(error.message).toContain('it waited on sleep until 77');
  });
});

test.each(['before', 'after'])('S32: an outer cancel in the turn of the expiry, %s it, cancels', (when) => {
  const log: string[] = [];
  simulate(function* () {
    if (when === 'before') callLater(10, () => victim.cancel());
    const victim = createTask(function* () {
      try {
        yield* timeout(10, () => sleep(1000));
        log.push('through');
      } catch {
        log.push('caught');
      } finally {
        log.push('finally');
      }
    });
    if (when === 'after') {
      yield* sleep(0);
      callLater(10, () => victim.cancel());
    }
    yield* sleep(100);
    expect(victim.state).toBe('cancelled');
  });
  expect(log).toEqual(['finally']);
});

test('S32: likewise when the cancel comes after the body has been unwound, but before TimeoutError was thrown', () => {
  const log: string[] = [];
  simulate(function* () {
    const victim = createTask(function* () {
      try {
        yield* timeout(10, function* () {
          try {
            yield* sleep(1000);
          } finally {
            createTask(function* () {
              victim.cancel();
            });
          }
        });
      } catch {
        log.push('caught');
      }
    });
    yield* sleep(100);
    expect(victim.state).toBe('cancelled');
  });
  expect(log).toEqual([]);
});

test.each([timeout, moveOnAfter])(
  'S33: inner and outer expired in one turn: each converts its own (%o outside)',
  (outer) => {
    const log: string[] = [];
    simulate(function* () {
      try {
        const value = yield* outer(10, function* () {
          try {
            yield* timeout(10, () => sleep(1000));
          } catch (error) {
            log.push(`inner ${(error as Error).name}`);
          }
          log.push('between');
          yield* sleep(1);
          log.push('never');
        });
        log.push(`outer ${value}`);
      } catch (error) {
        log.push(`outer ${(error as Error).name}`);
      }
      yield* sleep(1);
      expect(now()).toBe(11);
    });
    expect(log).toEqual([
      'inner TimeoutError',
      'between',
      outer === timeout ? 'outer TimeoutError' : 'outer undefined',
    ]);
  },
);

test('S33: nobody catches the inner TimeoutError: the outer one has it as its cause', () => {
  simulate(function* () {
    const error = yield* thrownIn(timeout(10, () => timeout(10, () => sleep(1000))));
    expect([error.name, (error.cause as Error).name]).toEqual(['TimeoutError', 'TimeoutError']);
    expect(yield* moveOnAfter(10, () => timeout(10, () => sleep(1000)))).toBe(undefined);
    yield* sleep(1);
  });
});

test('S33: three of them, with the middle one moving on', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const scope = new CancelScope({ deadline: 20 });
    const result = yield* scope.run(function* () {
      log.push(yield* moveOnAfter(20, () => timeout(20, () => sleep(1000))));
      log.push('between');
      yield* sleep(0);
      log.push('never');
    });
    log.push(result, scope.expired, scope.cancelled, now());
  });
  expect(log).toEqual([undefined, 'between', undefined, true, true, 20]);
});

test('S33: a deadline that passes while the outer one unwinds comes too late', () => {
  const log: unknown[] = [];
  simulate(function* () {
    function* body(): Coroutine<void> {
      try {
        yield* timeout(15, function* () {
          try {
            yield* sleep(1000);
          } finally {
            yield* sleep(10); // and it does not cut this short
            log.push(now());
          }
        });
      } catch {
        log.push('never');
      }
    }
    log.push((yield* thrownIn(timeout(10, body))).name, now());
  });
  expect(log).toEqual([20, 'TimeoutError', 20]);
});

test('S34: a body that never suspends finishes without error even when late', () => {
  simulate(function* () {
    const scope = new CancelScope({ deadline: now() - 5 });
    expect(yield* scope.run(() => value('done'))).toBe('done');
    expect([scope.expired, scope.cancelled]).toEqual([true, false]);
    expect(yield* timeout(0, () => value('done'))).toBe('done');
    expect(yield* timeout(-5, () => value('done'))).toBe('done');
    yield* sleep(1); // and what was asked is forgotten
    expect(currentTask().cancelling).toBe(false);
  });
});

test('S34: an error it throws then is just that error', () => {
  simulate(function* () {
    const error = yield* thrownIn(timeout(0, () => fail('own')));
    expect([error.message, error.cause]).toEqual(['own', undefined]);
    yield* sleep(1);
  });
});

test('S35: a body that fails on expiry with another error: that propagates, the expiry as its cause', () => {
  simulate(function* () {
    function* body(ms: number): Coroutine<void> {
      try {
        yield* sleep(1000);
      } finally {
        if (ms > 0) yield* sleep(ms);
        // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
        throw new Error('other');
      }
    }
    for (const scope of [timeout, moveOnAfter]) {
      for (const ms of [0, 5]) {
        const error = yield* thrownIn(scope(10, () => body(ms)));
        expect([error.message, (error.cause as Error).name]).toEqual(['other', 'TimeoutError']);
        expect(currentTask().cancelling).toBe(false);
        yield* sleep(1);
      }
    }
  });
});

test('S35: an error that has a cause keeps it', () => {
  simulate(function* () {
    const cause = new Error('first');
    const error = yield* thrownIn(
      timeout(10, function* () {
        try {
          yield* sleep(1000);
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
          throw new Error('other', { cause });
        }
      }),
    );
    expect(error.cause).toBe(cause);
  });
});

test('S36: deadline 0 or past fires at the first suspension, sleep(0) included', () => {
  simulate(function* () {
    for (const ms of [0, -1]) {
      const log: string[] = [];
      const error = yield* thrownIn(
        timeout(ms, function* () {
          log.push('begun');
          yield* sleep(0);
          log.push('never');
        }),
      );
      expect([error.name, log, now()]).toEqual(['TimeoutError', ['begun'], 0]);
    }
  });
});

test('S36: waitFor(op, 0) on an already finished task returns its value, whatever the budget of the step', () => {
  simulate(function* () {
    const task = createTask(() => value(7));
    yield* task;
    for (let i = 0; i < 1000; i++) expect(yield* waitFor(task, 0)).toBe(7);
    const failed = createTask(() => fail('seven'));
    yield* thrownIn(failed);
    expect((yield* thrownIn(waitFor(failed, 0))).message).toBe('seven');
  });
});

test('S36: a loop of them gives way', () => {
  let others = 0;
  simulate(function* () {
    const task = createTask(() => value(7));
    yield* task;
    createTask(function* () {
      others++;
    });
    for (let i = 0; i < 1000 && others === 0; i++) yield* waitFor(task, 0);
    expect(others).toBe(1);
  });
});

test('S37: expiry waits for the clean-up before TimeoutError is thrown', () => {
  simulate(function* () {
    const body = function* (): Coroutine<void> {
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(50);
      }
    };
    expect((yield* thrownIn(timeout(10, body))).name).toBe('TimeoutError');
    expect(now()).toBe(60);
    expect((yield* thrownIn(waitFor(body(), 10))).name).toBe('TimeoutError');
    expect(now()).toBe(120);
    const task = createTask(body);
    expect((yield* thrownIn(waitFor(task, 10))).name).toBe('TimeoutError');
    expect([now(), task.state]).toEqual([180, 'cancelled']);
  });
});

test('S38: a deadline can be read and moved while the scope runs, later and earlier', () => {
  simulate(function* () {
    const error = yield* thrownIn(
      timeout(10, function* (scope) {
        expect(scope.deadline).toBe(10);
        scope.deadline = 100;
        yield* sleep(50);
        scope.deadline = now() + 5;
        yield* sleep(1000);
      }),
    );
    expect([error.name, now()]).toEqual(['TimeoutError', 55]);
    yield* timeout(10, function* (scope) {
      scope.deadline = null;
      expect(scope.deadline).toBe(Number.POSITIVE_INFINITY);
      yield* sleep(1000);
    });
    expect(now()).toBe(1055);
    const late = yield* thrownIn(
      timeout(10, function* (scope) {
        scope.deadline = now();
        yield* sleep(0);
      }),
    );
    expect([late.name, now()]).toEqual(['TimeoutError', 1055]);
    expect(currentTask().kernel.timers.size).toBe(0);
  });
});

test('S38: moving it before entry, after exit or after it has passed is an error; so is NaN', () => {
  simulate(function* () {
    const scope = new CancelScope({ deadline: 50 });
    const move = () => {
      scope.deadline = 70;
    };
    expect(thrownBy(move).message).toContain('was not entered yet');
    yield* scope.run(function* () {
      move();
      expect(
        thrownBy(() => {
          scope.deadline = Number.NaN;
        }),
      ).toBeInstanceOf(RangeError);
      expect(scope.deadline).toBe(70);
      try {
        yield* sleep(1000);
      } finally {
        expect(thrownBy(move).message).toContain('has expired');
      }
    });
    expect(thrownBy(move)).toBeInstanceOf(InvalidStateError);
    expect(thrownBy(move).message).toContain('has ended');
    expect(scope.cancel()).toBe(false);
    expect(yield* thrownIn(scope.run(() => value(1)))).toBeInstanceOf(InvalidStateError);
  });
});

test('S40: a scope that was not cancelled never absorbs a cancel', () => {
  const log: string[] = [];
  simulate(function* () {
    const victim = createTask(function* () {
      try {
        yield* timeout(1000, () => moveOnAfter(1000, () => new CancelScope().run(() => sleep(5000))));
        log.push('through');
      } finally {
        log.push('finally');
      }
    });
    yield* sleep(10);
    victim.cancel();
    expect((yield* thrownIn(victim)).name).toBe('CancelledError');
    expect(victim.state).toBe('cancelled');
  });
  expect(log).toEqual(['finally']);
});

test('S40: nor one that is cancelled while the outer cancel goes through it', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const outer = new CancelScope();
    const inner = new CancelScope({ deadline: 15 });
    callLater(10, () => outer.cancel());
    callLater(12, () => inner.cancel());
    const result = yield* outer.run(function* () {
      yield* inner.run(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* sleep(20);
          log.push(now());
        }
      });
      log.push('never');
    });
    log.push(result, outer.cancelled, inner.cancelled, now());
    yield* sleep(1);
  });
  expect(log).toEqual([30, undefined, true, false, 30]);
});

test('cancel() of a scope ends its body and nothing else, wherever it is called', () => {
  const log: unknown[] = [];
  simulate(function* () {
    for (const how of ['before', 'inside', 'callback']) {
      const scope = new CancelScope();
      if (how === 'before') scope.cancel();
      if (how === 'callback') callLater(5, () => scope.cancel());
      const result = yield* scope.run(function* () {
        if (how === 'inside') scope.cancel();
        yield* sleep(1000);
        return 'never';
      });
      log.push(result, scope.cancelled, scope.cancelCalled, scope.expired);
    }
    expect(now()).toBe(5);
  });
  expect(log).toEqual([undefined, true, true, false, undefined, true, true, false, undefined, true, true, false]);
});

test('a scope cancelled from its own clean-up, or twice, ends once', () => {
  simulate(function* () {
    const scope = new CancelScope();
    callLater(5, () => scope.cancel());
    callLater(10, () => scope.cancel());
    const log: unknown[] = [];
    yield* scope.run(function* () {
      try {
        yield* sleep(1000);
      } finally {
        try {
          yield* sleep(1000); // interrupted by the second
        } finally {
          scope.cancel();
          log.push(now());
        }
      }
    });
    yield* sleep(1);
    expect([log, now()]).toEqual([[10], 11]);
  });
});

test('S3: a result and a timeout due in the same turn: the result wins', () => {
  simulate(function* () {
    expect(yield* timeout(10, () => sleep(10))).toBe(undefined);
    // The task's timer is newer than the deadline, and it ends in a step of its own.
    expect(
      yield* waitFor(
        createTask(() => value('result', 10)),
        10,
      ),
    ).toBe('result');
    const mailbox = new Mailbox<string>();
    callLater(10, () => mailbox.put('item'));
    expect(yield* waitFor(mailbox.take(), 10)).toBe('item');
    expect([mailbox.lost, mailbox.waiting]).toEqual([[], 0]);
    yield* sleep(1);
    expect(now()).toBe(31);
  });
});

test('S1: a task that was woken before its scope was cancelled delivers, and ends at the next suspension', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const mailbox = new Mailbox<string>();
    const scope = new CancelScope();
    const task = createTask(function* () {
      yield* scope.run(function* () {
        log.push(yield* mailbox.take());
        yield* sleep(1);
        log.push('never');
      });
      log.push('after');
    });
    yield* sleep(1);
    mailbox.put('item');
    scope.cancel();
    yield* task;
  });
  expect(log).toEqual(['item', 'after']);
});

test('S20: in clean-up: a timeout around its wait ends that wait only', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const victim = createTask(function* () {
      try {
        yield* work();
        log.push('never');
      } finally {
        log.push(['outer', now(), currentTask().cancelling]);
      }
    });
    function* work(): Coroutine<void> {
      try {
        yield* sleep(1000);
      } finally {
        log.push(yield* thrownName(timeout(5, () => sleep(1000))));
        log.push(yield* flush());
        log.push(yield* thrownName(timeout(5, () => cleanedUpSlowly())));
        yield* sleep(1);
        log.push('all of it', currentTask().cancelling);
      }
    }
    function* flush(): Coroutine<unknown> {
      return yield* moveOnAfter(5, () => sleep(1000));
    }
    function* cleanedUpSlowly(): Coroutine<void> {
      try {
        yield* sleep(1000);
      } finally {
        yield* moveOnAfter(3, () => sleep(1000)); // a scope in the clean-up of a scope in clean-up
        yield* sleep(1);
      }
    }
    yield* sleep(10);
    victim.cancel();
    yield* thrownIn(victim);
    expect(victim.state).toBe('cancelled');
  });
  expect(log).toEqual(['TimeoutError', undefined, 'TimeoutError', 'all of it', true, ['outer', 30, true]]);
});

test('S20: a second cancel goes through a scope in the clean-up', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const victim = createTask(function* () {
      try {
        try {
          yield* sleep(1000);
        } finally {
          yield* moveOnAfter(50, () => sleep(1000));
          log.push('never');
        }
      } finally {
        log.push(now());
      }
    });
    yield* sleep(10);
    victim.cancel();
    yield* sleep(10);
    victim.cancel();
    yield* thrownIn(victim);
    expect(victim.state).toBe('cancelled');
  });
  expect(log).toEqual([20]);
});

test('an operation that insists gives its result though the scope was cancelled', () => {
  const log: unknown[] = [];
  simulate(function* () {
    function* insisted(): Coroutine<string> {
      return yield* timeout(5, () => new Insist(value('result', 20)));
    }
    log.push(yield* insisted());
    log.push(now(), currentTask().cancelling);
    yield* sleep(1);
    log.push(now());
  });
  expect(log).toEqual(['result', 20, false, 21]);
});

test('what a wait insists on outlasts a cancel of the task, which then takes effect', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const victim = createTask(function* () {
      const insist = new Insist(sleep(20));
      try {
        yield* insist;
        log.push(now(), insist.interrupted);
        yield* sleep(1);
        log.push('clean-up until it returns');
      } finally {
        log.push('finally');
      }
    });
    yield* sleep(5);
    victim.cancel();
    yield* sleep(1);
    victim.cancel();
    yield* thrownIn(victim);
    expect(victim.state).toBe('cancelled');
  });
  expect(log).toEqual([20, true, 'clean-up until it returns', 'finally']);
});

test('S33: a deadline further out that has expired is not forgotten while an inner one is cancelled and cleans up', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const inner = new CancelScope();
    callLater(10, () => inner.cancel());
    const error = yield* thrownIn(
      timeout(10, function* () {
        yield* inner.run(function* () {
          try {
            yield* sleep(1000);
          } finally {
            yield* moveOnAfter(3, () => sleep(1000));
          }
        });
        log.push('between');
        yield* sleep(1000);
      }),
    );
    log.push(inner.cancelled, error.name, now());
  });
  expect(log).toEqual(['between', true, 'TimeoutError', 13]);
});

test('S32: an outer cancel is not forgotten while the coroutines between clean up in scopes of their own', () => {
  simulate(function* () {
    const scope = new CancelScope({ deadline: 10 });
    const victim = createTask(function* () {
      callLater(10, () => victim.cancel());
      yield* scope.run(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* moveOnAfter(3, () => sleep(1000));
        }
      });
      yield* sleep(1000);
    });
    yield* thrownIn(victim);
    expect([victim.state, scope.cancelled, now()]).toEqual(['cancelled', false, 13]);
  });
});

test('S40: nor one that is cancelled while an outer deadline unwinds it', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const inner = new CancelScope();
    callLater(12, () => log.push(inner.cancel()));
    const error = yield* thrownIn(
      timeout(10, function* () {
        yield* inner.run(() => stubborn([], 'slow', 20));
        log.push('never');
      }),
    );
    log.push(error.name, inner.cancelled, now());
  });
  expect(log).toEqual([false, 'TimeoutError', false, 30]);
});

test('S20: a scope in clean-up that is cancelled twice ends, and the clean-up goes on', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const scope = new CancelScope();
    const victim = createTask(function* () {
      try {
        yield* sleep(1000);
      } finally {
        yield* scope.run(function* () {
          try {
            yield* sleep(1000);
          } finally {
            yield* stubborn(log as string[], 'inner', 1);
          }
        });
        yield* sleep(1);
        log.push(now());
      }
    });
    for (const ms of [20, 30]) callLater(ms, () => scope.cancel());
    yield* sleep(10);
    victim.cancel();
    yield* thrownIn(victim);
    expect([victim.state, scope.cancelled]).toEqual(['cancelled', true]);
  });
  expect(log).toEqual(['inner', 32]);
});

test('S20: a cancel that is due when a scope is entered in clean-up goes through it', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const victim = createTask(function* () {
      try {
        yield* sleep(1000);
      } finally {
        victim.cancel();
        yield* moveOnAfter(0, () => sleep(1000));
        log.push('never');
      }
    });
    yield* sleep(10);
    victim.cancel();
    yield* thrownIn(victim);
    expect(victim.state).toBe('cancelled');
  });
  expect(log).toEqual([]);
});

test('S35: late and cancelled from outside, the TimeoutError of a clean-up does not end the unwinding', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const victim = createTask(function* () {
      callLater(10, () => victim.cancel());
      yield* moveOnAfter(10, function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* timeout(1, () => sleep(1000));
        }
      });
      log.push('never');
    });
    expect((yield* thrownIn(victim)).name).toBe('TimeoutError');
  });
  expect(log).toEqual([]);
});

test('S3: two deadlines and a result in one turn: the result wins', () => {
  simulate(function* () {
    const task = createTask(() => value('result', 10));
    expect(yield* timeout(10, () => waitFor(task, 10))).toBe('result');
  });
});

test('S37: the error of the clean-up of a task that was late propagates, the expiry as its cause', () => {
  simulate(function* () {
    const error = yield* thrownIn(waitFor(createTask(stubborn([], 'clean-up', 5, true)), 10));
    expect([error.message, (error.cause as Error).name, now()]).toEqual(['clean-up', 'TimeoutError', 15]);
    yield* sleep(1);
  });
});

test('what a wait insists on may come in the moment of the cancel: the code after it runs', () => {
  const log: unknown[] = [];
  simulate(function* () {
    const pause = new Pause();
    const victim = createTask(function* () {
      try {
        yield* sleep(5);
      } finally {
        yield* new Insist(pause);
        log.push('after the wait');
        yield* sleep(1);
        log.push('to the end');
      }
    });
    yield* sleep(10);
    victim.cancel();
    log.push(pause.end()); // too late to wake it, and yet over
    yield* thrownIn(victim);
  });
  expect(log).toEqual([false, 'after the wait', 'to the end']);
});

test('a timer that is no longer needed goes; so does what was asked of the task', () => {
  simulate(function* () {
    const { kernel } = currentTask();
    for (let i = 0; i < 10; i++) {
      yield* timeout(1000, () => sleep(1));
      yield* moveOnAfter(1, () => sleep(1000));
      yield* thrownIn(timeout(1000, () => fail('x')));
    }
    expect([kernel.timers.size, kernel.cancellations.size]).toEqual([0, 0]);
  });
});

test('a scope in a pause that nobody ends is no deadlock while its deadline is to come', () => {
  simulate(function* () {
    yield* moveOnAfter(1000, () => new Pause());
  });
});

test('bad bodies and durations are refused with advice', () => {
  simulate(function* () {
    expect(thrownBy(() => timeout(Number.NaN, () => sleep(1)))).toBeInstanceOf(RangeError);
    expect(thrownBy(() => timeout('5' as never, () => sleep(1)))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => timeout(5, sleep(1) as never)).message).toContain('function*');
    expect((yield* thrownIn(timeout(5, () => 5 as never))).message).toContain('function*');
    expect(currentTask().kernel.timers.size).toBe(0);
  });
  expect(thrownBy(() => timeout(5, () => sleep(1)))).toBeInstanceOf(InvalidStateError);
});

function* thrownName(operation: Parameters<typeof thrownIn>[0]): Coroutine<string> {
  return (yield* thrownIn(operation)).name;
}
