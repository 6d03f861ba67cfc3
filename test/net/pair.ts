// Two connected sockets in one loop.

import { type Coroutine, connect, createTask, listen, type Socket } from '../../src/index.ts';

export function* pair(): Coroutine<[Socket, Socket]> {
  using listener = listen({ host: '127.0.0.1', port: 0 });
  const { address } = listener;
  const connecting = createTask(() => connect(address));
  const server = yield* listener.accept();
  return [yield* connecting, server];
}
