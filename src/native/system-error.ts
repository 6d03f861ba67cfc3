// Errors of the operating system, in the form Node's own have: code, errno, syscall; and the descriptor.

import type * as Util from 'node:util';

/** What to do about an errno, where that can be said in general. */
const ADVICE: Record<string, string> = {
  EADDRINUSE: 'another process listens there: choose another port, or 0 for any free one',
  EACCES: 'ports below 1024 need privileges: choose a higher one',
  EPERM: 'such a descriptor (a regular file, a directory, /dev/null) is always ready: read it without a selector',
  EEXIST: 'it is registered already: use modify()',
  ENOENT: 'it is not registered: use register() first',
  EBADF: 'the descriptor is not open: unregister it before it is closed',
  ENOTFOUND: 'no name server and no hosts file has an address for it: check the spelling',
  EAI_AGAIN: 'no name server has answered: check the network, or try again later',
  EMFILE: 'this process has no descriptor left: close some, or raise "ulimit -n"',
};

/** A failed system call. `code` is the errno's name, such as 'ECONNRESET'. */
export class SystemError extends Error {
  readonly code: string;
  /** Negative, as in Node's own errors. */
  readonly errno: number;
  readonly syscall: string;
  readonly fd: number | undefined;
  /** After a failed sendAll(): how many of its bytes the kernel took before. */
  bytesSent?: number;

  constructor(
    errno: number,
    syscall: string,
    detail: { fd?: number; what?: string; advice?: string | undefined } = {},
  ) {
    const [code, text] = errorMap().get(errno) ?? [`E${-errno}`, 'unknown error'];
    const where = detail.what ?? (detail.fd === undefined ? '' : `fd ${detail.fd}`);
    const advice = detail.advice ?? ADVICE[code];
    super(`${syscall}${where && ` ${where}`}: ${code}, ${text}${advice === undefined ? '' : ` (${advice})`}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    this.fd = detail.fd;
  }

  override get name(): string {
    return 'SystemError';
  }
}

/** Of getaddrinfo(3), as libuv counts them: Node has a name of its own for it. */
const EAI_NONAME = -3008;

// Loaded when the first error is made, so that a program without errors starts sooner; and kept, since Node makes a new
// one of it at each call.
let known: Map<number, [string, string]> | undefined;

function errorMap(): Map<number, [string, string]> {
  if (known === undefined) {
    known = (process.getBuiltinModule('node:util') as typeof Util).getSystemErrorMap();
    known.set(EAI_NONAME, ['ENOTFOUND', 'unknown name']);
  }
  return known;
}

/** Passes a result >= 0 through and throws the SystemError of a negative one. */
export function checked(result: number, syscall: string, detail?: { fd?: number; what?: string }): number {
  if (result < 0) throw new SystemError(result, syscall, detail);
  return result;
}
