// A small HTTP responder: GET /, GET /slow, GET /bytes/N. Try it with: curl -i http://127.0.0.1:7000/
//
//   node examples/http.js [--host 127.0.0.1] [--port 7000]
//
// For a look at reader, keep-alive and limits, not for the internet: node:http knows the other 99%.

import { parseArgs } from 'node:util';
import { createTask, listen, run, sleep, timeout } from 'coreactor';

const { values } = parseArgs({
  options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '7000' } },
});

/** @param {string} status @param {string | Buffer} body @param {boolean} keep */
function response(status, body, keep) {
  const length = Buffer.byteLength(body);
  const head = `HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\nConnection: ${keep ? 'keep-alive' : 'close'}\r\n\r\n`;
  return [Buffer.from(head), Buffer.from(body)];
}

/** @param {string} path */
function* answer(path) {
  if (path === '/') return 'hello\n';
  if (path.startsWith('/bytes/')) return Buffer.alloc(Math.min(Number(path.slice(7)) || 0, 100_000_000), 'x');
  if (path === '/slow') {
    yield* sleep(200); // the others go on meanwhile
    return 'slow\n';
  }
  return null;
}

/** @param {import('coreactor').Socket} socket */
function* serve(socket) {
  const reader = socket.reader({ limit: 16_384 });
  for (let keep = true; keep; ) {
    // Whoever does not ask within ten seconds has to connect again.
    const head = yield* timeout(10_000, () => reader.readUntil('\r\n\r\n'));
    const [, method, path, version] = /^(\S+) (\S+) HTTP\/(1\.[01])\r\n/.exec(head.toString('latin1')) ?? [];
    keep = version === '1.1' && !/\r\nconnection: *close/i.test(head.toString('latin1'));
    const body = method === 'GET' ? yield* answer(String(path)) : null;
    yield* socket.sendAll(
      body === null ? response('404 Not Found', 'not found\n', keep) : response('200 OK', body, keep),
    );
  }
}

/** @param {import('coreactor').Socket} socket */
function* guarded(socket) {
  try {
    yield* serve(socket);
  } catch {
    // It has gone, was too slow, or does not speak HTTP.
  } finally {
    socket.close();
  }
}

run(function* () {
  const listener = listen({ host: values.host, port: Number(values.port) });
  console.log(`listening on ${listener.address.host}:${listener.address.port}`);
  for (;;) createTask(guarded(yield* listener.accept()));
});
