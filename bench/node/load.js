// Load for the servers of this folder: node load.js PORT CONNECTIONS http|byte. Each connection has one request in flight.
// Prints the answers in a second, the length of that in microseconds, and the CPU time of the server if it tells it.

import { connect, createTask, gather, run, sleep } from 'coreactor';

const [port, connections, kind] = process.argv.slice(2);
const target = { host: '127.0.0.1', port: Number(port) };
const WARMUP = 400;
const WINDOW = 1000;

/** @param {string} path */
const request = (path) => Buffer.from(kind === 'http' ? `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n` : 'x');

/** @param {import('coreactor').Socket} socket @param {string} path */
function* ask(socket, path) {
  const reader = socket.reader();
  yield* socket.sendAll(request(path));
  let head = '';
  for (let line = '-'; line !== ''; head += `${line}\n`) line = (yield* reader.readLine()) ?? '';
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  const carriageReturns = head.split('\n').length - 1; // of each line, which readLine() has taken off
  return { body: String(yield* reader.readExactly(length)), bytes: head.length + carriageReturns + length };
}

let count = 0;

/** @param {import('coreactor').Socket} socket @param {number} answer in bytes */
function* loading(socket, answer) {
  const bytes = request('/');
  const buffer = Buffer.alloc(4096);
  for (;;) {
    yield* socket.sendAll(bytes);
    for (let left = answer; left > 0; ) {
      const length = yield* socket.recvInto(buffer);
      if (length === 0) throw new Error('the server has closed a connection');
      if (length > left) throw new Error('the server has sent more than an answer');
      left -= length;
    }
    count++;
  }
}

run(function* () {
  const control = kind === 'http' ? yield* connect(target) : null;
  const answer = control === null ? 1 : (yield* ask(control, '/')).bytes;
  const sockets = yield* gather(Array.from({ length: Number(connections) }, () => connect(target)));
  for (const socket of sockets) createTask(loading(socket, answer));
  yield* sleep(WARMUP);
  const cpu = function* () {
    return control === null ? 0 : Number((yield* ask(control, '/cpu')).body);
  };
  const [from, begun, cpuBefore] = [count, performance.now(), yield* cpu()];
  yield* sleep(WINDOW);
  const [answers, ms, cpuAfter] = [count - from, performance.now() - begun, yield* cpu()];
  if (answers === 0) throw new Error('no answer in the window');
  console.log(JSON.stringify({ answers, ns: (cpuAfter - cpuBefore) / answers, us: (ms * 1000) / answers }));
});
