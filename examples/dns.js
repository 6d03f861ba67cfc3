// A name server that knows one thing: every name has the address 127.0.0.1. Try it: dig -p 7000 @127.0.0.1 any.example
//
//   node examples/dns.js [--host 127.0.0.1] [--port 7000]
//
// RFC 1035 in a few lines: a header of 12 bytes, the question copied, and an answer that points back at its name.

import { parseArgs } from 'node:util';
import { run, udp } from 'coreactor';

const { values } = parseArgs({
  options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '7000' } },
});
const HEADER = 12;
const A = 1;

/** @param {Buffer} query @returns {Buffer | null} null for what is no question */
function answer(query) {
  let end = HEADER;
  while (end < query.length && query[end] !== 0) end += 1 + Number(query[end]); // labels, each with its length
  end += 5; // the root's empty label, type and class
  if (end > query.length || query.readUInt16BE(4) !== 1) return null;
  const knows = query.readUInt16BE(end - 4) === A;
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(0x8400 | (query.readUInt16BE(2) & 0x0100), 2); // an answer, authoritative
  head.writeUInt16BE(knows ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  const record = Buffer.from([0xc0, HEADER, 0, A, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]); // for 60 seconds
  return knows ? Buffer.concat([head, record]) : head;
}

run(function* () {
  const socket = udp({ host: values.host, port: Number(values.port) });
  const { host, port } = socket.localAddress;
  console.log(`listening on ${host}:${port}`);
  for (;;) {
    const { data, address } = yield* socket.recvFrom(512);
    const response = answer(data);
    if (response !== null) yield* socket.sendTo(response, address);
  }
});
