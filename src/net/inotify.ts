// What the system tells of changes to files: inotify(7), as an operation. Linux only.

import { endianness } from 'node:os';
import { ArgumentRangeError, ArgumentTypeError, ClosedError } from '../kernel/errors.ts';
import { made } from '../kernel/made.ts';
import type { Operation } from '../kernel/operation.ts';
import { addon } from '../native/addon.ts';
import { checked } from '../native/system-error.ts';
import { openFd } from './open-fd.ts';
import type { Stream } from './stream.ts';

/** What can be watched for, and what else may come, with the bits of <sys/inotify.h>. */
const BITS = {
  access: 0x1,
  modify: 0x2,
  attrib: 0x4,
  closeWrite: 0x8,
  closeNowrite: 0x10,
  open: 0x20,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
  deleteSelf: 0x400,
  moveSelf: 0x800,
} as const;
/** What comes unasked: the file system is gone, events were lost, the watch has ended; and what it is about. */
const MORE = { unmount: 0x2000, overflow: 0x4000, ignored: 0x8000, directory: 0x40000000 } as const;

const HEAD = 16; // watch, mask, cookie, length of the name
const MOST = 4096; // bytes of events that are read at once; one with the longest name needs 272

export type FileEvent = keyof typeof BITS;

/** One change. */
export interface FileChange {
  /** What watch() gave; -1 for 'overflow'. */
  watch: number;
  events: (FileEvent | keyof typeof MORE)[];
  /** The same in the two halves of a move, else 0. */
  cookie: number;
  /** Of the entry in a watched directory; empty for the watched file itself. */
  name: string;
}

/**
 * @example
 * using changes = new Inotify();
 * changes.watch('/var/log/syslog', ['modify']);
 * for (;;) {
 *   for (const { events } of yield* changes.next()) console.log(events);
 * }
 */
export class Inotify implements Disposable {
  readonly #stream: Stream;
  readonly #buffer = Buffer.alloc(MOST);

  /** @throws SystemError ENOSYS where there is none, EMFILE. */
  constructor() {
    this.#stream = openFd(checked(addon.openInotify(), 'inotify_init1'));
  }

  get fd(): number {
    return this.#stream.fd;
  }

  get closed(): boolean {
    return this.#stream.closed;
  }

  /**
   * Watches a file or the entries of a directory; gives a number that the changes carry. The same file again replaces
   * what it is watched for. Never suspends. (Linux: inotify_add_watch)
   * @throws SystemError ENOENT, EACCES, ENOSPC (no more watches for this user).
   */
  watch(path: string, events: readonly FileEvent[]): number {
    if (typeof path !== 'string') throw new ArgumentTypeError(`watch() takes a path, not ${typeof path}`);
    if (path.includes('\0')) throw new ArgumentRangeError('watch() was given a path with a zero byte in it');
    let mask = 0;
    for (const event of events) {
      const bit = BITS[event];
      if (bit === undefined) {
        throw new ArgumentRangeError(`watch() knows no event "${event}": take of ${Object.keys(BITS).join(', ')}`);
      }
      mask |= bit;
    }
    if (mask === 0) throw new ArgumentRangeError('watch() takes at least one event');
    if (this.closed) throw new ClosedError('the inotify is closed');
    return checked(addon.addWatch(this.fd, path, mask), 'inotify_add_watch', { fd: this.fd, what: path });
  }

  /** Ends a watch; a last change, 'ignored', tells of it. Never suspends. @throws SystemError EINVAL for no watch. */
  unwatch(watch: number): void {
    if (this.closed) throw new ClosedError('the inotify is closed');
    checked(addon.removeWatch(this.fd, watch), 'inotify_rm_watch', { fd: this.fd });
  }

  /**
   * Suspends until something has changed; gives at least one change, in their order. If more came than the system keeps,
   * 'overflow' is among them.
   * @throws ClosedError, BusyError while another task waits.
   */
  next(): Operation<FileChange[]> {
    const buffer = this.#buffer;
    const receive = this.#stream.recvInto(buffer);
    const operation = (function* () {
      return parse(buffer, yield* receive);
    })();
    return made(operation, 'next()');
  }

  close(): void {
    this.#stream.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function parse(buffer: Buffer, end: number): FileChange[] {
  const view = new DataView(buffer.buffer, buffer.byteOffset, end);
  const little = endianness() === 'LE';
  const names = Object.entries({ ...BITS, ...MORE }) as [FileEvent, number][];
  const changes: FileChange[] = [];
  for (let at = 0; at < end; ) {
    const mask = view.getUint32(at + 4, little);
    const length = view.getUint32(at + 12, little);
    const name = buffer.toString('utf8', at + HEAD, at + HEAD + length);
    changes.push({
      watch: view.getInt32(at, little),
      events: names.filter(([, bit]) => (mask & bit) !== 0).map(([event]) => event),
      cookie: view.getUint32(at + 8, little),
      name: name.replace(/\0+$/, ''), // padded to whole structures
    });
    at += HEAD + length;
  }
  return changes;
}
