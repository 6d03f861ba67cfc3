// A chat: what one says all others read. Try it from two terminals: nc 127.0.0.1 7000, or nc -U /tmp/chat.sock
//
//   node examples/chat.js [--host 127.0.0.1] [--port 7000] [--path /tmp/chat.sock]
//
// Two tasks for each client: one reads its lines, one writes what others have said. Between them is a queue with an end:
// who reads too slowly is dropped, and nobody else waits for him.

import { parseArgs } from 'node:util';
import { createTask, listen, Queue, run, taskGroup } from 'coreactor';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '7000' },
    path: { type: 'string' },
  },
});

/** @type {Map<import('coreactor').Socket, Queue<string>>} */
const others = new Map();

/** @param {string} text @param {import('coreactor').Socket} [from] */
function tell(text, from) {
  for (const [socket, queue] of others) {
    if (socket === from) continue;
    if (queue.full)
      socket.close(); // its tasks end with ClosedError
    else queue.putNowait(text);
  }
}

/** @param {import('coreactor').Socket} socket */
function* client(socket) {
  const reader = socket.reader({ limit: 1000 });
  yield* socket.sendAll(Buffer.from('your name? '));
  const name = (yield* reader.readLine())?.trim() || 'somebody';
  const queue = new Queue(100);
  others.set(socket, queue);
  tell(`* ${name} has come\n`);
  try {
    yield* taskGroup(function* (group) {
      const writer = group.createTask(function* () {
        for (;;) yield* socket.sendAll(Buffer.from(yield* queue.get()));
      });
      for (;;) {
        const line = yield* reader.readLine();
        if (line === null) break;
        tell(`${name}: ${line}\n`, socket);
      }
      writer.cancel();
    });
  } finally {
    others.delete(socket);
    tell(`* ${name} has gone\n`);
  }
}

/** @param {import('coreactor').Socket} socket */
function* guarded(socket) {
  try {
    yield* client(socket);
  } catch (error) {
    console.error(`a client was lost: ${/** @type {Error} */ (error).message}`);
  } finally {
    socket.close();
  }
}

run(function* () {
  const listener = listen(values.path ? { path: values.path } : { host: values.host, port: Number(values.port) });
  console.log(`listening on ${listener}`);
  for (;;) createTask(guarded(yield* listener.accept()));
});
