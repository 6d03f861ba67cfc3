// A web server by node:http: node http.js net (on Node's sockets) or node http.js coreactor (on ours, as a guest). /cpu tells
// the CPU time of the process in nanoseconds.

import http from 'node:http';
import { listen, runPromise, toDuplex } from 'coreactor';
import { cpuNs } from '../tasks/measure.js';

const server = http.createServer((request, response) => {
  response.end(request.url === '/cpu' ? String(cpuNs()) : 'hello, world');
});
server.keepAliveTimeout = 0;

/** @param {number} port */
const say = (port) => console.log(`listening on 127.0.0.1:${port} (node:http, pid ${process.pid})`);

if (process.argv[2] === 'net') {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => say(/** @type {any} */ (server.address()).port));
} else {
  await runPromise(function* () {
    const listener = listen({ host: '127.0.0.1', port: 0 }, { backlog: 4096 });
    say(listener.address.port);
    for (;;) server.emit('connection', toDuplex(yield* listener.accept(), { allowHalfOpen: true }));
  });
}
