// @ts-nocheck: Bun's globals
// The echo server on Bun.listen. What a short write leaves is kept, and reading pauses until it has gone.
// Bun.listen has no backlog option.
const server = Bun.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      socket.data = null;
    },
    data(socket, chunk) {
      const sent = Math.max(0, socket.write(chunk));
      if (sent === chunk.length) return;
      const rest = chunk.slice(sent); // a copy: the chunk is only ours during this call
      socket.data = socket.data === null ? rest : Buffer.concat([socket.data, rest]);
      socket.pause();
    },
    drain(socket) {
      if (socket.data === null) return;
      const sent = Math.max(0, socket.write(socket.data));
      socket.data = sent === socket.data.length ? null : socket.data.subarray(sent);
      if (socket.data === null) socket.resume();
    },
    error(socket) {
      socket.terminate();
    },
  },
});
console.log(`listening on ${server.hostname}:${server.port} (Bun ${Bun.version}, pid ${process.pid})`);
