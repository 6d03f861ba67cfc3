// An echo server: one coroutine accepts, one more for each client reads and writes. Try it with: nc 127.0.0.1 7000
//
//   node examples/echo.js [--host 127.0.0.1] [--port 7000] [--selector epoll] [--guest]
//
// With --guest it runs beside everything else that Node does, as a guest of Node's own loop.

import { parseArgs } from 'node:util';
import { createTask, currentSelector, listen, run, runPromise } from 'coreactor';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '7000' },
    selector: { type: 'string' },
    guest: { type: 'boolean', default: false },
  },
});

/** @param {import('coreactor').Socket} socket */
function* echo(socket) {
  try {
    for (;;) {
      // They lie in memory that all clients share. Nobody else runs between two suspensions, so they are ours until the
      // next yield*; what the system does not take at once, sendAll() copies before it waits.
      const bytes = yield* socket.recvView();
      if (bytes.length === 0) return;
      yield* socket.sendAll(bytes);
    }
  } catch (error) {
    // A client may break off at any time. Whatever else goes wrong is ours, and is reported.
    if (!['ECONNRESET', 'EPIPE'].includes(/** @type {any} */ (error).code)) throw error;
  } finally {
    socket.close();
  }
}

function* main() {
  const listener = listen({ host: values.host, port: Number(values.port) });
  const { host, port } = listener.address;
  console.log(`listening on ${host}:${port} (${currentSelector()})`);
  console.log(`try: nc ${host} ${port}        end: Ctrl-C`);
  for (;;) createTask(echo(yield* listener.accept()));
}

const options = values.selector ? { selector: /** @type {any} */ (values.selector) } : {};
if (values.guest) await runPromise(main, options);
else run(main, options);
