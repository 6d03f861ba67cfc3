// The echo server on Coreactor, as in examples/echo.js: a coroutine per connection and one buffer for all, as in C.

import { createTask, currentSelector, listen, run, runPromise } from 'coreactor';

const shared = Buffer.allocUnsafeSlow(256 * 1024);

/** @param {import('coreactor').Socket} socket */
function* echo(socket) {
  try {
    for (;;) {
      const length = yield* socket.recvInto(shared);
      if (length === 0) return;
      const sent = socket.trySend(shared, 0, length);
      if (sent < length) yield* socket.sendAll(Buffer.from(shared.subarray(sent, length)));
    }
  } catch (error) {
    if (!['ECONNRESET', 'EPIPE'].includes(/** @type {any} */ (error).code)) throw error;
  } finally {
    socket.close();
  }
}

/** @param {string} selector */
function* main(selector) {
  const listener = listen({ host: '127.0.0.1', port: 0 }, { backlog: 4096 });
  const { host, port } = listener.address;
  console.log(`listening on ${host}:${port} (${selector}, pid ${process.pid})`);
  for (;;) {
    const socket = yield* listener.accept();
    createTask(echo(socket));
  }
}

const [how] = process.argv.slice(2);
if (how === 'guest') await runPromise(() => main(`${currentSelector()}, guest`));
else run(() => main(currentSelector()), how === undefined ? {} : { selector: /** @type {any} */ (how) });
