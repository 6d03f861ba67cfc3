// The echo server on node:net. `data` -> write with pause on backpressure; pipe() does the same and measured slower.
import { createServer } from 'node:net';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => {
    if (!socket.write(chunk)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
});

server.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
server.on('drop', () => console.error('a connection was dropped'));
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const { address, port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`listening on ${address}:${port} (node:net ${process.version}, pid ${process.pid})`);
});
