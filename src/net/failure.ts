// What went wrong while nobody called: a send that was put off to the end of the turn, a receive ahead of its reader. The
// next call on the socket throws it, once, as the system does with a pending error (SO_ERROR).

import type { Readiness } from '../kernel/readiness.ts';
import { SystemError } from '../native/system-error.ts';

/** The pending failure as an error; from now on it is pending no more. */
export function failureOf(readiness: Readiness, syscall: string): SystemError {
  const errno = readiness.failure;
  readiness.failure = 0;
  return new SystemError(errno, syscall, { fd: readiness.fd });
}
