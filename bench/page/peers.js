// Who takes part, and where the source of each lies.

const PEERS = [
  [
    'coreactor',
    'echo/coreactor.js, tasks/coreactor.js, sync/coreactor.js, scale/coreactor.js, start/coreactor.js, node/',
    'this package; "guest": by runPromise()',
  ],
  ['C epoll, the yardstick', 'native/epoll.c', 'the system'],
  ['C io_uring', 'native/uring.c', 'the system, no liburing'],
  ['C libuv', 'native/libuv.c', 'libuv'],
  ['threads, processes, workers', 'native/units.c, units/worker.js', 'the system, Node.js'],
  [
    'node:net, await',
    'echo/node.js, tasks/await.js, sync/promises.js, scale/await.js',
    'Node.js (one process, as all are)',
  ],
  ['Bun', 'echo/bun.js', 'Bun'],
  ['Deno', 'echo/deno.js', 'Deno'],
  [
    'uvloop, asyncio',
    'echo/protocol.py, tasks/loop.py, sync/loop.py',
    'uvloop, Python; the echo server with a glibc that keeps what is freed',
  ],
  ['Go', 'echo/echo.go, tasks/tasks.go', 'Go, GOMAXPROCS=1'],
  ['piscina, MessagePort, node:cluster, node:http', 'node/', 'piscina (npm), Node.js'],
  ['effection', 'sync/effection.js', 'effection (npm)'],
  ['locks and queues of npm', 'sync/packages.js', '@henrygd/semaphore, await-lock, async-channel (npm)'],
];

export function peersTable() {
  return [
    '| contestant | source, below [bench/](../bench) | made of |',
    '| --- | --- | --- |',
    ...PEERS.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}
