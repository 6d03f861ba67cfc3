// @ts-nocheck: Deno's globals
// The echo server on Deno.listen: one coroutine and one 16 KiB buffer per connection. No backlog option.
async function echo(conn) {
  try {
    conn.setNoDelay(true);
    const buffer = new Uint8Array(16 * 1024);
    for (;;) {
      const got = await conn.read(buffer);
      if (got === null) break;
      let sent = await conn.write(buffer.subarray(0, got));
      while (sent < got) sent += await conn.write(buffer.subarray(sent, got));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset) && !(error instanceof Deno.errors.BrokenPipe)) throw error;
  } finally {
    conn.close();
  }
}

const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 });
const { hostname, port } = listener.addr;
console.log(`listening on ${hostname}:${port} (Deno ${Deno.version.deno}, pid ${Deno.pid})`);
for await (const conn of listener) echo(conn);
