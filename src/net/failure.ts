// What went wrong while nobody called: a send that was put off to the end of the turn, a receive ahead of its reader. The
// next call on the socket throws it, once, as the system does with a pending error (SO_ERROR).

import type { Readiness } from '../kernel/readiness.ts';
import { SystemError } from '../native/system-error.ts';

/** The pending failure of a sender as an error, if there is one; it is pending no more, unless a receive has met it. */
export function sendFailure(readiness: Readiness): SystemError | null {
  const errno = readiness.failure || readiness.readFailure;
  if (errno === 0) return null;
  readiness.failure = 0;
  return new SystemError(errno, 'send', { fd: readiness.fd });
}

/** That of a receiver: first of all what a receive has met. */
export function receiveFailure(readiness: Readiness): SystemError | null {
  const errno = readiness.readFailure || readiness.failure;
  if (errno === 0) return null;
  if (readiness.readFailure !== 0) readiness.readFailure = 0;
  else readiness.failure = 0;
  return new SystemError(errno, 'recv', { fd: readiness.fd });
}
