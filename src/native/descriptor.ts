// What counts as a file descriptor, before native code takes it for an int.

import { constants } from 'node:os';
import { ArgumentTypeError } from '../kernel/errors.ts';
import { SystemError } from './system-error.ts';

/** TypeError for what is no integer, EBADF for what no descriptor can be. */
export function checkFd(fd: unknown, syscall: string): void {
  if (typeof fd !== 'number' || !Number.isInteger(fd)) {
    throw new ArgumentTypeError(
      `${syscall}: a file descriptor is an integer, not ${typeof fd === 'number' ? fd : typeof fd}`,
    );
  }
  if (fd < 0 || fd > 0x7fffffff) throw new SystemError(-constants.errno.EBADF, syscall, { fd });
}
