// A host has several addresses and not all of them answer: the connections race, each with a head start on the next, and
// the first that is made wins. (RFC 8305, "Happy Eyeballs")

import { endAll } from '../compose/end.ts';
import { FIRST_COMPLETED, wait } from '../compose/wait.ts';
import { createTask } from '../kernel/create-task.ts';
import { describe } from '../kernel/describe.ts';
import type { Coroutine } from '../kernel/operation.ts';
import type { Task } from '../kernel/task.ts';
import { formatAddress, type InternetAddress } from '../native/address.ts';
import type { SystemError } from '../native/system-error.ts';
import { familyOf } from './dns.ts';

/** None of a host's addresses could be connected to. `errors` has what each attempt threw, `code` is the first one's. */
export class ConnectError extends AggregateError {
  readonly code: string;

  constructor(errors: Error[], host: string) {
    super(errors, `connect to ${host} has failed at all its addresses: ${errors.map(describe).join('; ')}`);
    this.code = (errors[0] as SystemError).code;
  }

  override get name(): string {
    return 'ConnectError';
  }
}

/**
 * Tries the addresses in turn: the next when an attempt fails, or when `delay` milliseconds have brought no connection.
 * Gives the first connection; the others are cancelled, or closed if they came too late. When all have failed it throws
 * ConnectError, for one address its own error.
 */
export function* firstToConnect<S extends Disposable>(
  addresses: readonly InternetAddress[],
  delay: number,
  host: string,
  attempt: (address: InternetAddress) => Coroutine<S>,
): Coroutine<S> {
  const untried = interleaved(addresses);
  const running = new Set<Task<S>>();
  const errors: Error[] = [];
  try {
    while (untried.length + running.size > 0) {
      const address = untried.shift();
      if (address !== undefined) {
        running.add(createTask(attempt(address), { name: `connect to ${formatAddress(address)}` }));
      }
      const timeout = untried.length > 0 ? delay : null;
      const { done } = yield* wait(running, { timeout, returnWhen: FIRST_COMPLETED });
      for (const task of done) {
        if (task.state !== 'failed') {
          running.delete(task);
          return task.result();
        }
        errors.push(task.exception() as Error);
        running.delete(task);
      }
    }
  } finally {
    yield* endAll(running as Set<Task<unknown>>, 'another connection was first');
    for (const late of running) {
      if (late.state === 'returned') late.result()[Symbol.dispose]();
      else if (late.state === 'failed') late.exception(); // nobody's concern any more
    }
  }
  throw errors.length === 1 ? errors[0] : new ConnectError(errors, host);
}

/** The families by turns, each in its order, the family of the first before the other. */
export function interleaved(addresses: readonly InternetAddress[]): InternetAddress[] {
  const first = addresses.filter(({ host }) => familyOf(host) === familyOf(addresses[0]?.host ?? ''));
  const other = addresses.filter((address) => !first.includes(address));
  const longer = Math.max(first.length, other.length);
  const mixed: InternetAddress[] = [];
  for (let i = 0; i < longer; i++) mixed.push(...first.slice(i, i + 1), ...other.slice(i, i + 1));
  return mixed;
}
