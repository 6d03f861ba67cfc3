// cluster(): connections reach every worker, a port is not shared by accident, who dies is replaced and nobody waits in vain,
// and an end in which nothing is lost or left.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  type Cluster,
  type ClusterMember,
  type ClusterOptions,
  type Coroutine,
  cluster,
  clusterWorker,
  connect,
  createTask,
  type Distribution,
  gather,
  listen,
  type Main,
  moveOnAfter,
  run,
  runPromise,
  type Socket,
  sleep,
  timeout,
  type Unhandled,
  wait,
} from '../../src/index.ts';
import { thrownIn } from '../kernel/helpers.ts';
import { connectNow } from '../net/connect-now.ts';
import { countDescriptors } from '../support/descriptors.ts';

const entry = new URL('worker.js', import.meta.url);
const ways: Distribution[] = process.platform === 'linux' ? ['reuseport', 'handoff'] : ['handoff'];

interface Known {
  index: number;
  workers: number;
  threadId: number;
  greeting: string | undefined;
  thread: string | undefined;
}

const shared = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length));

function* dial({ address }: Pick<Cluster, 'address'>): Coroutine<Socket> {
  return yield* connect(address as { host: string; port: number });
}

/** Each worker closes its own share, so it takes until the last one has. */
function* untilRefused(servers: Cluster): Coroutine<void> {
  for (let code: string | undefined; code !== 'ECONNREFUSED'; ) {
    try {
      (yield* dial(servers)).close();
    } catch (error) {
      code = (error as { code?: string }).code;
      expect(['ECONNREFUSED', 'ECONNRESET']).toContain(code);
    }
  }
}

function* say(socket: Socket, line: string): Coroutine<string | null> {
  yield* socket.sendAll(Buffer.from(`${line}\n`));
  return (yield* socket.reader().readLine()) as string | null;
}

function* ask(servers: Pick<Cluster, 'address'>, line = 'who'): Coroutine<string | null> {
  const socket = yield* dial(servers);
  try {
    return yield* say(socket, line);
  } finally {
    socket.close();
  }
}

/** Asks so many connections, one after the other, who serves them. */
function* census(servers: Cluster, count: number): Coroutine<Known[]> {
  const known: Known[] = [];
  for (let i = 0; i < count; i++) known.push(JSON.parse((yield* ask(servers)) as string) as Known);
  return known;
}

/** Undefined if the connection was reset. */
function* orReset<T>(operation: Coroutine<T>): Coroutine<T | undefined> {
  try {
    return yield* operation;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    return undefined;
  }
}

/** Lets go of who was told to "freeze" until then. */
function thaw(cells: Int32Array, index: number): void {
  Atomics.store(cells, index, 1);
  Atomics.notify(cells, index);
}

const perWorker = (known: Known[]): number[] => {
  const counts: number[] = [];
  for (const { index } of known) counts[index] = (counts[index] ?? 0) + 1;
  return counts;
};

function* until(condition: () => boolean): Coroutine<void> {
  while (!condition()) yield* sleep(5);
}

/** Runs the body beside a cluster, which is closed at its end; nothing may be left. Gives what was reported. */
function withCluster(options: Partial<ClusterOptions>, body: (servers: Cluster) => Coroutine<void>): Unhandled[] {
  const reports: Unhandled[] = [];
  leavesNothing(function* () {
    const servers = yield* cluster({ entry, workers: 2, host: '127.0.0.1', port: 0, ...options });
    yield* body(servers);
    yield* servers.close();
  }, reports);
  return reports;
}

/** What a worker's thread has open is gone when the thread is, which takes its time. */
function* settled(): Coroutine<number> {
  for (let same = 0, count = countDescriptors(); ; ) {
    yield* sleep(10);
    const now = countDescriptors();
    same = now === count ? same + 1 : 0;
    count = now;
    if (same === 8) return count;
  }
}

/** So many and no more, at last. */
function* back(before: number): Coroutine<void> {
  yield* moveOnAfter(10_000, () => until(() => countDescriptors() <= before));
  expect(countDescriptors()).toBeLessThanOrEqual(before);
}

function leavesNothing(main: () => Coroutine<void>, reports: Unhandled[] = []): void {
  run(
    function* () {
      const before = yield* settled();
      yield* timeout(20_000, main);
      yield* back(before);
    },
    { onUnhandled: (report) => reports.push(report) },
  );
}

describe.each(ways)('%s', (accept) => {
  test.each<[string, <T>(main: Main<T>) => T | Promise<T>]>([
    ['run()', run],
    ['runPromise()', runPromise],
  ])('connections reach every worker, under %s', async (_, go) => {
    await go(() =>
      timeout(20_000, function* () {
        const servers = yield* cluster({
          entry,
          workers: 3,
          accept,
          host: '127.0.0.1',
          port: 0,
          data: { greeting: 'hi' },
        });
        const known = yield* census(servers, 90);
        const counts = perWorker(known);
        if (accept === 'handoff') expect(counts).toEqual([30, 30, 30]);
        else for (const index of [0, 1, 2]) expect(counts[index]).toBeGreaterThan(5);
        expect(new Set(known.map(({ threadId }) => threadId)).size).toBe(3);
        expect(servers.workers.map(({ threadId }) => threadId)).toEqual(
          [0, 1, 2].map((index) => known.find((one) => one.index === index)?.threadId),
        );
        expect(known[0]).toMatchObject({ workers: 3, greeting: 'hi' });
        yield* servers.close();
        yield* servers.waitClosed();
        expect(servers.workers.map(({ threadId, deaths }) => [threadId, deaths])).toEqual([
          [-1, 0],
          [-1, 0],
          [-1, 0],
        ]);
      }),
    );
  });

  test('H29: a port that anybody has is refused, also by those who would share it; this one gets nobody who does not', () => {
    leavesNothing(function* () {
      for (const reusePort of [false, true]) {
        const other = listen({ host: '127.0.0.1', port: 0 }, { reusePort });
        const { port } = other.address;
        const error = yield* thrownIn(cluster({ entry, workers: 2, accept, host: '127.0.0.1', port }));
        expect(error).toMatchObject({ code: 'EADDRINUSE', message: expect.stringContaining(`127.0.0.1:${port}`) });
        other.close();
      }
      const servers = yield* cluster({ entry, workers: 1, accept, host: '127.0.0.1', port: 0 });
      const { port } = servers.address as { port: number };
      const inUse = expect.objectContaining({ code: 'EADDRINUSE' });
      expect(() => listen({ host: '127.0.0.1', port })).toThrow(inUse);
      const join = (): void => listen({ host: '127.0.0.1', port }, { reusePort: true }).close();
      if (accept === 'handoff') expect(join).toThrow(inUse);
      else join(); // so the system has it
      expect(yield* thrownIn(cluster({ entry, accept, host: '127.0.0.1', port }))).toMatchObject({
        code: 'EADDRINUSE',
      });
      yield* servers.close();
      listen({ host: '127.0.0.1', port }).close();
    });
  });

  test('who dies is replaced, with a report; those who wait in its share are served by the next, and the others go on', () => {
    const begun = shared(1);
    const reports = withCluster({ accept, workers: 1, data: { begun } }, function* (servers) {
      const first = servers.workers[0]?.threadId as number;
      const [gone, waiting] = [yield* dial(servers), yield* dial(servers)];
      yield* say(waiting, 'who'); // both are its own
      yield* gone.sendAll(Buffer.from('block 150\nexit\n'));
      yield* until(() => begun[0] === 1);
      const late = createTask(ask(servers)); // comes while it can take nothing
      expect(yield* gone.recv(1)).toHaveLength(0);
      const { index, threadId } = JSON.parse((yield* late) as string) as Known;
      expect([index, threadId]).toEqual([0, servers.workers[0]?.threadId]);
      expect(threadId).not.toBe(first);
      expect(servers.workers[0]?.deaths).toBe(1);
      gone.close();
      waiting.close();
    });
    expect(reports.map(({ kind, error }) => [kind, (error as { code: string }).code])).toEqual([
      ['warning', 'ERR_COREACTOR_THREAD'],
    ]);
  });

  test('the connections of the others go on when one dies', () => {
    withCluster({ accept }, function* (servers) {
      const sockets: Socket[] = [];
      const of: Known[] = [];
      while (new Set(of.map(({ index }) => index)).size < 2) {
        const socket = yield* dial(servers);
        sockets.push(socket);
        of.push(JSON.parse((yield* say(socket, 'who')) as string) as Known);
      }
      const [one, other] = [0, 1].map((index) => sockets[of.findIndex((each) => each.index === index)] as Socket);
      expect(yield* say(one as Socket, 'exit')).toBe(null);
      expect(JSON.parse((yield* say(other as Socket, 'who')) as string)).toMatchObject({ index: 1 });
      yield* until(() => servers.workers[0]?.deaths === 1 && servers.workers[0].threadId !== -1);
      for (const socket of sockets) socket.close();
    });
  });

  test('one that cannot begin again gives up its share to the others, and is tried again', () => {
    const broken = shared(2);
    const reports = withCluster({ accept, data: { broken } }, function* (servers) {
      Atomics.store(broken, 1, 1);
      for (;;) {
        const socket = yield* dial(servers);
        const { index } = JSON.parse((yield* say(socket, 'who')) as string) as Known;
        if (index === 1) yield* say(socket, 'exit');
        socket.close();
        if (index === 1) break;
      }
      const [, member] = servers.workers as [ClusterMember, ClusterMember];
      yield* until(() => member.deaths >= 2);
      // Who comes while it is tried again may be reset: only what was asked between two tries counts.
      let asked: number[] | undefined;
      for (let tries = 0; tries < 100 && asked === undefined; tries++) {
        const { deaths } = member;
        const known = yield* orReset(census(servers, 20));
        if (known && member.threadId === -1 && member.deaths === deaths) asked = perWorker(known);
      }
      expect(asked).toEqual([20]);
      Atomics.store(broken, 1, 0);
      yield* timeout(20_000, function* () {
        while ((yield* orReset(census(servers, 1)))?.[0]?.index !== 1);
      });
    });
    const errors = reports.map(({ error }) => error as Error);
    expect(errors.slice(0, 2).map(({ message }) => message)).toEqual([
      'worker 1 of the cluster has ended: its program came to its end, or to process.exit()',
      'worker 1 of the cluster has ended: no 1 today',
    ]);
    expect(errors[1]?.cause).toBeInstanceOf(RangeError);
  });

  test('of many workers that cannot begin one error is enough: nothing else is reported', () => {
    const reports: unknown[] = [];
    run(
      function* () {
        for (let i = 0; i < 3; i++) {
          const data = { broken: shared(4).fill(1) };
          const starting = createTask(cluster({ accept, entry, data, host: '127.0.0.1', port: 0, workers: 4 }));
          yield* sleep(1);
          Atomics.wait(shared(1), 0, 0, 700); // so that all of them have failed when we look
          yield* wait([starting]);
          expect(starting.exception()).toMatchObject({ code: 'ERR_COREACTOR_THREAD' });
        }
      },
      { onUnhandled: ({ error }) => reports.push(error) },
    );
    expect(reports).toEqual([]);
  });

  test('a worker that cannot begin is an error of cluster(), with its cause, and none of the others stays', () => {
    leavesNothing(function* () {
      const broken = shared(3);
      broken[2] = 1;
      const options = { workers: 3, accept, host: '127.0.0.1', port: 0 } as const;
      const error = yield* thrownIn(cluster({ ...options, entry, data: { broken } }));
      expect(error).toMatchObject({
        code: 'ERR_COREACTOR_THREAD',
        message: 'worker 2 of the cluster has ended: no 2 today',
        cause: expect.objectContaining({ message: 'no 2 today', stack: expect.stringContaining('worker.js') }),
      });
      const missing = yield* thrownIn(cluster({ ...options, entry: new URL('nobody.js', import.meta.url) }));
      expect(missing).toMatchObject({ cause: expect.objectContaining({ code: 'ERR_MODULE_NOT_FOUND' }) });
    });
  });

  test('close() lets handlers finish, ends those who wait for a request, and new ones are refused', () => {
    const [ended, begun] = [shared(1), shared(2)];
    withCluster({ accept, data: { ended, begun } }, function* (servers) {
      const idle = yield* dial(servers);
      expect(yield* say(idle, 'who')).not.toBe(null);
      const atWork = createTask(ask(servers, 'hold 1')); // until we let it go
      yield* until(() => begun[0] === 1);
      const closing = createTask(servers.close());
      expect(yield* idle.recv(1)).toHaveLength(0);
      yield* untilRefused(servers);
      expect(closing.done).toBe(false);
      Atomics.store(begun, 1, 1);
      expect(yield* atWork).toBe('slept');
      yield* closing;
      expect(ended[0]).toBe(1);
      idle.close();
    });
  });

  test('close({ drain }) cancels who takes longer; cancelled itself, it ends those who block', () => {
    const [ended, begun] = [shared(1), shared(1)];
    leavesNothing(function* () {
      const options = { entry, workers: 2, accept, host: '127.0.0.1', port: 0, data: { ended, begun } } as const;
      const servers = yield* cluster(options);
      const long = yield* dial(servers);
      yield* long.sendAll(Buffer.from('sleep 60000\n'));
      yield* until(() => begun[0] === 1);
      yield* timeout(5_000, () => servers.close({ drain: 20 }));
      expect(ended[0]).toBe(1);
      expect(yield* long.recv(1)).toHaveLength(0);
      long.close();

      const stuck = yield* cluster(options);
      const socket = yield* dial(stuck);
      yield* socket.sendAll(Buffer.from('block 60000\n'));
      yield* until(() => begun[0] === 2);
      const error = yield* thrownIn(timeout(100, () => stuck.close({ drain: 20 })));
      expect(error).toMatchObject({ code: 'ERR_COREACTOR_TIMEOUT' });
      socket.close();
      yield* untilRefused(stuck);
    });
  });

  test('the end of the run is the end of the workers', () => {
    const before = run(settled);
    run(function* () {
      const servers = yield* cluster({ entry, workers: 2, accept, host: '127.0.0.1', port: 0 });
      yield* ask(servers);
    });
    run(() => back(before));
  });

  test('a cluster() that is cancelled leaves no worker behind', () => {
    leavesNothing(function* () {
      for (const patience of [0, 1, 5, 20, 40]) {
        const task = createTask(cluster({ entry, workers: 2, accept, host: '127.0.0.1', port: 0 }));
        yield* sleep(patience);
        task.cancel();
        yield* wait([task]);
        if (!task.cancelled) yield* task.result().close(); // it was ready before
      }
    });
  });
});

test('connections that were handed to one who dies for good go to the others', () => {
  const [broken, begun] = [shared(2), shared(2)];
  const reports = withCluster({ accept: 'handoff', data: { broken, begun } }, function* (servers) {
    const [one, other] = [yield* dial(servers), yield* dial(servers)];
    yield* say(one, 'who');
    yield* say(other, 'who');
    Atomics.store(broken, 1, 1);
    yield* one.sendAll(Buffer.from('freeze 1\nexit\n')); // the first goes to number 1
    yield* until(() => begun[0] === 1);
    const late = createTask(gather([1, 2, 3, 4].map(() => ask(servers))));
    yield* sleep(50);
    thaw(begun, 1);
    expect((yield* late).map((answer) => (JSON.parse(answer as string) as Known).index)).toEqual([0, 0, 0, 0]);
    yield* until(() => (servers.workers[1]?.deaths ?? 0) > 1);
    for (const socket of [one, other]) socket.close();
  });
  expect(reports.length).toBeGreaterThan(1);
});

test('connections that were handed over are served at a close(), though their worker is busy and nobody has taken them yet', () => {
  const begun = shared(2);
  const reports = withCluster({ accept: 'handoff', data: { begun } }, function* (servers) {
    const busy = [yield* dial(servers), yield* dial(servers)]; // one for each
    for (const socket of busy) yield* socket.sendAll(Buffer.from('freeze 1\n'));
    yield* until(() => begun[0] === 2);
    const late: Socket[] = [];
    for (let i = 0; i < 4; i++) late.push(yield* dial(servers));
    const asked = late.map((socket) => createTask(say(socket, 'who')));
    const closing = createTask(servers.close());
    yield* sleep(50);
    thaw(begun, 1);
    yield* closing;
    const answers = (yield* gather(asked)).map((answer) => JSON.parse(answer as string) as Known);
    expect(perWorker(answers)).toEqual([2, 2]);
    for (const socket of [...busy, ...late]) socket.close();
  });
  expect(reports).toEqual([]);
});

test('a worker whose places are all taken by those who say nothing more ends all the same; who waits for a place is refused', () => {
  const reports = withCluster({ accept: 'handoff', workers: 1, data: { maxConnections: 1 } }, function* (servers) {
    const idle = yield* dial(servers);
    yield* say(idle, 'who');
    const late = yield* dial(servers);
    yield* servers.close();
    expect(yield* thrownIn(say(late, 'who'))).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) });
    expect(yield* idle.recv(1)).toHaveLength(0);
    for (const socket of [idle, late]) socket.close();
  });
  expect(reports).toEqual([]);
});

test('at a close() nobody is given to a worker that takes nobody any more: who waits for a place of another is refused at once', () => {
  const begun = shared(3);
  const reports = withCluster({ accept: 'handoff', data: { begun, maxConnections: 1 } }, function* (servers) {
    const [brief, long] = [yield* dial(servers), yield* dial(servers)]; // one for each
    yield* brief.sendAll(Buffer.from('hold 1\n')); // until we let it go
    yield* long.sendAll(Buffer.from('hold 2\n'));
    yield* until(() => begun[0] === 2);
    const late = createTask(ask(servers)); // behind the first
    const closing = createTask(servers.close());
    yield* sleep(50);
    Atomics.store(begun, 1, 1);
    expect(yield* thrownIn(late)).toMatchObject({ code: 'ECONNRESET' });
    expect(closing.done).toBe(false);
    Atomics.store(begun, 2, 1);
    yield* closing;
    for (const socket of [brief, long]) socket.close();
  });
  expect(reports).toEqual([]);
});

test.each([true, false])(
  'a close() after a worker has died: who waits in its share is served by the others (heard of: %s)',
  (heard) => {
    const begun = shared(2);
    withCluster({ accept: 'handoff', data: { begun } }, function* (servers) {
      const first = yield* dial(servers); // number 1
      const { thread } = JSON.parse((yield* say(first, 'who')) as string) as Known;
      yield* first.sendAll(Buffer.from('freeze 1\nexit\n'));
      yield* until(() => begun[0] === 1);
      const late: Socket[] = [];
      for (let i = 0; i < 4; i++) late.push(yield* dial(servers));
      const asked = late.map((socket) => createTask(say(socket, 'who')));
      yield* sleep(50);
      if (heard) {
        thaw(begun, 1);
        yield* until(() => servers.workers[1]?.deaths === 1);
      } else {
        createTask(function* () {
          yield* sleep(0); // into the turn of the close() that puts everything in order, and nobody hears of it before
          thaw(begun, 1);
          if (thread) while (existsSync(thread));
          else Atomics.wait(shared(1), 0, 0, 500);
        });
      }
      yield* createTask(servers.close());
      for (const each of asked) expect(JSON.parse((yield* each) as string)).toMatchObject({ workers: 2 });
      for (const socket of [first, ...late]) socket.close();
    });
  },
);

test('a close() in the middle of what comes is no failure: who was let in is served', () => {
  for (const turns of [0, 1, 2, 3, 4]) {
    const reports = withCluster({ accept: 'handoff' }, function* (servers) {
      const { host, port } = servers.address as { host: string; port: number };
      const socket = connectNow(host, port); // it is in the queue now, and nobody has seen it
      const asked = createTask(say(socket, 'who'));
      for (let i = 0; i < turns; i++) yield* sleep(0);
      yield* createTask(servers.close()); // its step comes before that of who has been woken by the port
      const answer = yield* asked;
      expect(JSON.parse(answer as string)).toMatchObject({ workers: 2 });
      socket.close();
    });
    expect(reports).toEqual([]);
  }
});

test('of many who come at once, more than are handed round in one step, none is lost at a close()', () => {
  const reports = withCluster({ accept: 'handoff' }, function* (servers) {
    const { host, port } = servers.address as { host: string; port: number };
    yield* ask(servers); // whoever accepts is at it
    const sockets = Array.from({ length: 200 }, () => connectNow(host, port));
    const asked = sockets.map((socket) => createTask(say(socket, 'who')));
    yield* createTask(servers.close()); // in the turn in which they are seen
    for (const each of asked) expect(JSON.parse((yield* each) as string)).toMatchObject({ workers: 2 });
    for (const socket of sockets) socket.close();
  });
  expect(reports).toEqual([]);
});

test('connections for which nobody is left are refused, before the end and at it', () => {
  const [broken, begun] = [shared(1), shared(2)];
  withCluster({ accept: 'handoff', workers: 1, data: { broken, begun } }, function* (servers) {
    const one = yield* dial(servers);
    yield* say(one, 'who');
    Atomics.store(broken, 0, 1);
    yield* one.sendAll(Buffer.from('freeze 1\nexit\n'));
    yield* until(() => begun[0] === 1); // what comes now waits in its share
    const first = createTask(ask(servers));
    yield* sleep(50);
    thaw(begun, 1);
    expect(yield* thrownIn(first)).toMatchObject({ code: 'ECONNRESET' });
    const last = [1, 2, 3].map(() => createTask(ask(servers))); // in the hand that hands them round, and behind it
    yield* sleep(30);
    expect(last.map(({ done }) => done)).toEqual([false, false, false]);
    yield* gather([servers.close(), servers.close()]);
    for (const each of last) expect(yield* thrownIn(each)).toMatchObject({ code: 'ECONNRESET' });
    one.close();
  });
});

test('a Unix socket is handed round, and its file goes with the cluster', () => {
  const path = join(tmpdir(), `coreactor-cluster-${process.pid}.sock`);
  leavesNothing(function* () {
    const servers = yield* cluster({ entry, workers: 2, path });
    expect(servers.address).toEqual({ path });
    const answers = yield* gather([1, 2, 3, 4].map(() => ask(servers)));
    expect(perWorker(answers.map((answer) => JSON.parse(answer as string) as Known))).toEqual([2, 2]);
    yield* servers.close();
    expect(existsSync(path)).toBe(false);
  });
});

test('options that cannot be are errors that say what to do', () => {
  run(function* () {
    const wrong = (options: object): Coroutine<Error> =>
      thrownIn(
        (function* () {
          yield* cluster(options as ClusterOptions);
        })(),
      );
    expect((yield* wrong({ entry, port: 0, workers: 0 })).message).toContain('at least 1');
    expect((yield* wrong({ entry: './worker.js', port: 0 })).message).toContain(
      "new URL('./worker.js', import.meta.url)",
    );
    expect((yield* wrong({ port: 0 })).message).toContain('module');
    expect((yield* wrong({ entry, port: 0, accept: 'evenly' })).message).toContain("take 'handoff' or 'reuseport'");
    expect((yield* wrong({ entry, path: '/x', accept: 'reuseport' })).message).toContain("take accept: 'handoff'");
    expect((yield* wrong({ entry, path: '/x', port: 1 })).message).toContain('not both');
    expect((yield* wrong({ entry, port: 0, backlog: -1 })).message).toContain('backlog');
    expect((yield* wrong({ entry })).message).toContain('port');
    expect(() => clusterWorker()).toThrow(/cluster\(\) starts/);
  });
});

test('a drain that is no duration is refused, and nothing is closed', () => {
  withCluster({ workers: 1 }, function* (servers) {
    for (const drain of [Number.NaN, '10' as never]) expect(() => servers.close({ drain })).toThrow(/close\(\)/);
    expect(perWorker(yield* census(servers, 1))).toEqual([1]);
  });
});

test('an entry that lives and does not join is waited for, with a hint of what to call', () => {
  const idle = new URL('data:text/javascript,setInterval(() => {}, 1000)');
  const reports: Unhandled[] = [];
  leavesNothing(function* () {
    const starting = createTask(cluster({ entry: idle, workers: 1, host: '127.0.0.1', port: 0 }));
    yield* until(() => reports.length > 0);
    expect(starting.done).toBe(false);
    starting.cancel();
    yield* wait([starting]);
    expect(starting.cancelled).toBe(true);
  }, reports);
  expect(reports.map(({ kind }) => kind)).toEqual(['warning']);
  const { message } = (reports[0] as Unhandled).error as Error;
  expect(message).toContain('worker 0 of the cluster has not joined');
  expect(message).toContain(String(idle));
  expect(message).toContain('clusterWorker()');
});

test('reuseport: a close() while a worker begins lets it serve who waits, and from then on nobody waits there in vain', () => {
  const begun = shared(2);
  withCluster({ accept: 'reuseport', workers: 1, data: { begun } }, function* (servers) {
    const first = yield* dial(servers);
    yield* say(first, 'exit');
    yield* until(() => servers.workers[0]?.deaths === 1);
    const late = createTask(ask(servers, 'hold 1')); // until we let it go
    yield* until(() => servers.workers[0]?.threadId !== -1);
    const closing = createTask(servers.close());
    yield* until(() => begun[0] === 1);
    yield* untilRefused(servers);
    expect(closing.done).toBe(false);
    Atomics.store(begun, 1, 1);
    expect(yield* late).toBe('slept');
    yield* closing;
    first.close();
  });
});

test('reuseport: while no worker serves, the port is held: nobody else can listen on it', () => {
  const broken = shared(1);
  withCluster({ accept: 'reuseport', workers: 1, data: { broken } }, function* (servers) {
    const { host, port } = servers.address as { host: string; port: number };
    Atomics.store(broken, 0, 1);
    const socket = yield* dial(servers);
    yield* say(socket, 'exit');
    yield* until(() => (servers.workers[0]?.deaths ?? 0) >= 2);
    expect(() => listen({ host, port })).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    socket.close();
  });
});

test('what workers write to console keeps none of them alive: a close() under run() ends, and nothing of it is lost', () => {
  const program = fileURLToPath(new URL('console.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8', timeout: 30_000 });
  const lines = stdout.trim().split('\n');
  expect([status, stderr]).toEqual([0, 'said\n']);
  expect(lines.pop()).toBe('closed');
  expect(lines.map((line) => Number.parseInt(line, 10))).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test.each([true, false])('a worker may join in a loop that comes after another; listened before: %s', (listened) => {
  withCluster(
    { entry: new URL('twice.js', import.meta.url), workers: 1, accept: 'handoff', data: { listened } },
    function* (servers) {
      expect(yield* ask(servers)).toBe('the second');
      expect(servers.workers[0]?.deaths).toBe(0);
    },
  );
});
