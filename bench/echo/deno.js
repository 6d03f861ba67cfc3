// @ts-nocheck: Deno's globals
// The echo server on Deno.listen: one coroutine and one buffer per connection, of so many bytes as the argument says, or
// 16 KiB. No backlog option.
const SIZE = Number(Deno.args[0] ?? 16 * 1024);

async function echo(conn) {
  try {
    conn.setNoDelay(true);
    const buffer = new Uint8Array(SIZE);
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
