// The echo server on Coreactor, as in examples/echo.js but tried at once: a coroutine per connection, and no buffer of its own.

import { createTask, currentSelector, listen, run, runPromise } from 'coreactor';

/** @param {import('coreactor').Socket} socket */
function* echo(socket) {
  try {
    for (;;) {
      const bytes = yield* socket.recvView();
      if (bytes.length === 0) return;
      const sent = socket.trySend(bytes);
      if (sent < bytes.length) yield* socket.sendAll(bytes, sent);
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
