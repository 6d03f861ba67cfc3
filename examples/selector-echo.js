// The echo server of echo.js without coroutines: a select loop by hand on the bare Selector. Lay the two side by side:
// what echo() keeps in its local variables and its place in the code, this one keeps in a record for each client.
//
//   node examples/selector-echo.js [--host 127.0.0.1] [--port 7000] [--selector select]

import { parseArgs } from 'node:util';
import { READ, Selector, syscalls, WRITE } from 'coreactor';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '7000' },
    selector: { type: 'string' },
  },
});

/** @typedef {{ pending: Buffer }} Client what was received and could not be sent yet */
/** @type {Selector<Client | null>} */
const selector = new Selector(values.selector);
const buffer = Buffer.alloc(65536);
const NOTHING = Buffer.alloc(0);

const { fd: listener, address } = syscalls.listen({ host: values.host, port: Number(values.port) });
selector.register(listener, READ, null);
console.log(`listening on ${address.host}:${address.port} (${selector.name})`);

/** @param {number} fd */
function hangUp(fd) {
  selector.unregister(fd); // before close: afterwards the number may be somebody else's
  syscalls.close(fd);
}

/** @param {number} fd @param {Client} client @param {number} events */
function serve(fd, client, events) {
  if (events & READ) {
    const length = syscalls.recv(fd, buffer);
    if (length === 0) return hangUp(fd);
    if (length !== null) client.pending = Buffer.concat([client.pending, buffer.subarray(0, length)]);
  }
  const sent = client.pending.length > 0 ? syscalls.send(fd, client.pending) : null;
  if (sent !== null) client.pending = sent === client.pending.length ? NOTHING : client.pending.subarray(sent);
  // Read on only when all is sent: otherwise a client that never reads would fill our memory.
  selector.modify(fd, client.pending.length > 0 ? WRITE : READ, client);
}

for (;;) {
  for (const [{ fd, data: client }, events] of selector.select()) {
    if (client === null) {
      try {
        const accepted = syscalls.accept(fd);
        if (accepted !== null) selector.register(accepted, READ, { pending: NOTHING });
      } catch (error) {
        console.error(`${error}`); // out of descriptors, perhaps: those who are here are served on
      }
      continue;
    }
    try {
      serve(fd, client, events);
    } catch (error) {
      hangUp(fd);
      if (!['ECONNRESET', 'EPIPE'].includes(/** @type {any} */ (error).code)) throw error;
    }
  }
}
