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

const TOO_LATE = 'another connection was first, or none is wanted any more';

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
  let given = false;
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
          given = true;
          return task.result();
        }
        errors.push(task.exception() as Error);
        running.delete(task);
      }
    }
  } finally {
    for (const late of running) discard(late);
    // With a connection in hand it must not wait here: a cancel would lose that.
    if (!given) yield* endAll(running as Set<Task<unknown>>, TOO_LATE);
  }
  throw errors.length === 1 ? errors[0] : new ConnectError(errors, host);
}

/** Nobody wants what it gives, be it a connection or an error. */
function discard<S extends Disposable>(attempt: Task<S>): void {
  if (attempt.cancel(TOO_LATE)) attempt.addDoneCallback(discard);
  else if (attempt.state === 'returned') attempt.result()[Symbol.dispose]();
  else if (attempt.state === 'failed') attempt.exception();
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
