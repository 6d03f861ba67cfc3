// A UDP echo server. Try it with: nc -u 127.0.0.1 7000
//
//   node examples/udp-echo.js [--host 127.0.0.1] [--port 7000]
//
// One socket serves everybody: there are no connections, no order, and no promise that anything arrives.

import { parseArgs } from 'node:util';
import { run, udp } from 'coreactor';

const { values } = parseArgs({
  options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '7000' } },
});

run(function* () {
  const socket = udp({ host: values.host, port: Number(values.port) });
  const { host, port } = socket.localAddress;
  console.log(`listening on ${host}:${port}`);
  for (;;) {
    const { data, address } = yield* socket.recvFrom(65_536);
    yield* socket.sendTo(data, address);
  }
});
