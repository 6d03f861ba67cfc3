// Signals as operations. They come as bytes through a pipe: see native/signals.h.

import { ArgumentRangeError, ClosedError } from '../kernel/errors.ts';
import { currentKernel } from '../kernel/here.ts';
import { made } from '../kernel/made.ts';
import type { Coroutine, Operation } from '../kernel/operation.ts';
import { addon, type SignalWatcherObject } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';
import { FdStream } from '../net/open-fd.ts';
import type { Stream } from '../net/stream.ts';
import { type SignalName, signalName, signalNumber } from './signal-names.ts';

/** Nobody can catch the first two; the others tell of an error in the program that goes on after no handler. */
const REFUSED = new Set(['SIGKILL', 'SIGSTOP', 'SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGABRT']);
/** Signals are fetched one by one, so that a cancelled wait leaves the next for the next. */
const ONE = 1;

/** Where they arrive; the handlers go with it, also at the end of the run. */
class SignalPipe extends FdStream {
  readonly #watcher: SignalWatcherObject;

  constructor(watcher: SignalWatcherObject) {
    super(watcher.fd, true);
    this.#watcher = watcher;
  }

  protected override release(fd: number): void {
    this.#watcher.close();
    super.release(fd);
  }
}

/**
 * Made by signals(). Several may listen to the same signal, each gets it.
 * @example
 * using reloads = signals('SIGHUP');
 * for (;;) {
 *   yield* reloads.receive();
 *   reload();
 * }
 */
export class SignalListener implements Disposable {
  readonly names: readonly SignalName[];
  readonly #stream: Stream;

  /** @internal */
  constructor(names: readonly SignalName[], caller: string) {
    currentKernel(caller);
    if (names.length === 0) throw new ArgumentRangeError(`${caller} takes at least one signal`);
    for (const name of names) {
      if (!REFUSED.has(name)) continue;
      const why =
        name === 'SIGKILL' || name === 'SIGSTOP' ? 'nobody can catch it' : 'the program cannot go on after it';
      throw new ArgumentRangeError(`${caller} was given ${name}: ${why}`);
    }
    this.names = [...names];
    const watcher = new addon.SignalWatcher([...new Set(names)].map((name) => signalNumber(name, caller)));
    if (watcher.fd < 0) throw new SystemError(watcher.fd, 'signal', { what: names.join(', ') });
    try {
      this.#stream = new SignalPipe(watcher);
    } catch (error) {
      watcher.close();
      addon.closeDescriptor(watcher.fd);
      throw error;
    }
  }

  get closed(): boolean {
    return this.#stream.closed;
  }

  /**
   * Suspends until one of the signals has come, since the last call or since signals(), and gives its name. None is lost
   * between two calls; but several of one kind may count as one, as everywhere. One task at a time.
   * @throws ClosedError, BusyError.
   */
  receive(): Operation<SignalName> {
    if (this.closed) throw new ClosedError('nobody listens to these signals any more');
    return made(this.receiving(), 'receive()');
  }

  /** Gives back the handlers that were there before. A second call does nothing. Never suspends. */
  close(): void {
    this.#stream.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return this.names.join(' or ');
  }

  private *receiving(): Coroutine<SignalName> {
    const [number] = yield* this.#stream.recv(ONE);
    return signalName(number as number);
  }
}

/**
 * Listens to signals from now on, instead of whoever did before: Node's own handlers, or the default, which ends the process.
 * They are back when the last listener is closed, or the run has ended. 'SIGINT' takes Ctrl-C from run(). A task that waits
 * here keeps the run alive. Never suspends. (POSIX: sigaction; Go: signal.Notify)
 * @throws RangeError for an unknown name, and for what cannot be caught (SIGKILL, SIGSTOP) or is an error (SIGSEGV ...).
 */
export function signals(...names: SignalName[]): SignalListener {
  return new SignalListener(names, 'signals()');
}

/**
 * Suspends until the signal comes, and gives its name. Nobody listens before and after: two that come at once may be too
 * many; signals() misses none.
 * @example
 * yield* signal('SIGTERM');
 * yield* server.close();
 */
export function signal(name: SignalName): Operation<SignalName> {
  currentKernel('signal()');
  signalNumber(name, 'signal()');
  return made(waiting(name), 'signal()');
}

function* waiting(name: SignalName): Coroutine<SignalName> {
  const listener = new SignalListener([name], 'signal()');
  try {
    return yield* listener.receive();
  } finally {
    listener.close();
  }
}
