// What the tests of streams share: a body run as a guest, and connections handed over as a Duplex.

import { expect } from 'vitest';
import {
  ClosedError,
  type Coroutine,
  type Listener,
  runPromise,
  type SocketDuplex,
  sleep,
  timeout,
  toDuplex,
} from '../../src/index.ts';
import { countDescriptors } from '../support/descriptors.ts';

export const ANY = { host: '127.0.0.1', port: 0 };
export type Target = { host: string; port: number };

/** Runs the body as a guest, in time, and sees that no descriptor is left. */
export async function guest(body: () => Coroutine<void>): Promise<void> {
  await runPromise(() => sleep(0));
  const before = countDescriptors();
  await runPromise(() => timeout(20_000, body));
  for (let i = 0; i < 100 && countDescriptors() > before; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(countDescriptors()).toBe(before);
}

/** Hands each connection over as a Duplex. */
export function* serve(listener: Listener, give: (duplex: SocketDuplex) => void): Coroutine<void> {
  try {
    for (;;) give(toDuplex(yield* listener.accept(), { allowHalfOpen: true }));
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error;
  }
}

export const once = (emitter: NodeJS.EventEmitter, name: string): Promise<unknown[]> =>
  new Promise((resolve, reject) => {
    emitter.once(name, (...args) => resolve(args));
    if (name !== 'error') emitter.once('error', reject);
  });

/** Lets pass what a stream does soon. */
export function* until(condition: () => boolean): Coroutine<void> {
  while (!condition()) yield* sleep(1);
}
