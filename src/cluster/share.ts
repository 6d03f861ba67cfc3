// How the connections of one port come to many threads. Each member of a cluster has a share, which stays when its worker
// dies: what waits in it is served by the next one.
//
//   reuseport  the system spreads them: each share is a listening socket of its own, and all of them have the same port
//   handoff    one thread accepts, and hands them round: each share is a pipe through which the numbers of descriptors go

import { createTask } from '../kernel/create-task.ts';
import type { Coroutine } from '../kernel/operation.ts';
import { sleep } from '../kernel/sleep.ts';
import type { Task } from '../kernel/task.ts';
import { type AddressParts, addon } from '../native/addon.ts';
import {
  type Address,
  formatAddress,
  type InternetAddress,
  type InternetTarget,
  toAddress,
  type UnixTarget,
} from '../native/address.ts';
import { checked, SystemError } from '../native/system-error.ts';
import { BACKLOG, type Listener, type ListenOptions, listen, openAt } from '../net/listener.ts';
import { type SharedFd, shareFd } from '../threads/shared-fd.ts';

/** What a worker needs to take its connections from. */
export type ShareHandle =
  | { readonly accept: 'reuseport'; readonly socket: SharedFd }
  | { readonly accept: 'handoff'; readonly pipe: SharedFd; readonly address: Address };

export interface Share {
  readonly handle: ShareHandle;
  /** Whether its member serves: only then is it given more. */
  open: boolean;
  /** Its member is about to stop: what waits in it is still the member's to take. A second call does nothing. */
  leave(): void;
  /**
   * No worker will take anything from it any more. Who waits in it is given to others, or refused: if there are none, and by a
   * system that spreads the connections itself.
   */
  withdraw(): void;
  /** After withdraw(), and when no worker has it any more. */
  close(): void;
}

/** One port, and the shares of it. */
export interface Port {
  readonly address: Address;
  share(): Share;
  /** Before close(), so that nobody is lost who was accepted and not handed out yet. Suspends until they are. */
  finish(): Coroutine<void>;
  /** No more connections. The shares stay. A second call does nothing. */
  close(): void;
}

export class ReusedPort implements Port {
  readonly address: InternetAddress;
  #holder: number;
  readonly #options: ListenOptions;

  constructor(target: InternetTarget, options: ListenOptions) {
    const { ipv6Only = false } = options;
    this.#options = options;
    this.#holder = openAt(target, 'cluster()', ipv6Only, (host, port) => addon.holdTcp(host, port, !ipv6Only));
    this.address = toAddress(addon.localAddress(this.#holder) as AddressParts) as InternetAddress;
  }

  share(): Share {
    const { backlog = BACKLOG, ipv6Only = false } = this.#options;
    const { host, port } = this.address;
    const fd = addon.listenTcp(host, port, backlog, true, !ipv6Only);
    checked(fd, 'listen', { what: `on ${formatAddress(this.address)}` });
    let left = false;
    // The port is open as long as one of the two is, ours or the worker's.
    const leave = (): void => {
      if (!left) addon.closeDescriptor(fd);
      left = true;
    };
    return {
      handle: { accept: 'reuseport', socket: shareFd(fd) },
      open: false,
      leave,
      withdraw: leave,
      close: () => {},
    };
  }

  *finish(): Coroutine<void> {
    // Here nobody accepts: the workers do, each in its own close().
  }

  close(): void {
    if (this.#holder >= 0) addon.closeDescriptor(this.#holder);
    this.#holder = -1;
  }
}

/** How long a connection that nobody can take waits for somebody who can, in milliseconds, before one looks again. */
const PAUSE = 10;

interface PipeShare extends Share {
  readonly writer: number;
}

export class HandedPort implements Port {
  readonly #listener: Listener;
  readonly #shares: PipeShare[] = [];
  readonly #task: Task<void>;
  /** Whose turn it is. */
  #next = 0;

  constructor(target: InternetTarget | UnixTarget, options: ListenOptions) {
    this.#listener = listen(target, options);
    this.#task = createTask(this.handing(), { name: `handing round what comes to ${formatAddress(this.address)}` });
  }

  get address(): Address {
    return this.#listener.address;
  }

  share(): Share {
    const ends = addon.makePipe();
    if (typeof ends === 'number') throw new SystemError(ends, 'pipe', { what: 'for a cluster' });
    const [reader, writer] = ends;
    const share: PipeShare = {
      handle: { accept: 'handoff', pipe: shareFd(reader), address: this.address },
      open: false,
      writer,
      leave: () => {},
      withdraw: () => {
        this.#shares.splice(this.#shares.indexOf(share), 1);
        for (let fd = addon.takeOver(reader); fd >= 0; fd = addon.takeOver(reader)) {
          if (!this.give(fd)) refuse(fd);
        }
      },
      // A worker that finds the end of its pipe would take it for an error.
      close: () => {
        for (const end of ends) addon.closeDescriptor(end);
      },
    };
    this.#shares.push(share);
    return share;
  }

  *finish(): Coroutine<void> {
    yield* this.#listener.stopAhead();
  }

  close(): void {
    if (this.#listener.closed) return;
    this.#task.cancel();
    // Who is in the system's queue believes to be in, and who was accepted ahead is; those who go on coming are not waited for.
    for (let left = BACKLOG; left > 0; left--) {
      const fd = this.#listener.acceptNow();
      if (fd < 0) break;
      if (!this.give(fd)) refuse(fd);
    }
    this.#listener.close();
  }

  private *handing(): Coroutine<void> {
    const accept = this.#listener.acceptDescriptors();
    try {
      for (;;) {
        const fd = yield* accept;
        let given = false;
        try {
          while (!this.give(fd)) yield* sleep(PAUSE);
          given = true;
        } finally {
          if (!given) refuse(fd);
        }
      }
    } catch (error) {
      // A cancel is no error, but who was woken before close() goes on, and finds the listener closed.
      if (!this.#listener.closed) throw error;
    }
  }

  /** To the next in turn who can take it; false if nobody can. (node:cluster: SCHED_RR) */
  private give(fd: number): boolean {
    for (let tries = this.#shares.length; tries > 0; tries--) {
      this.#next = (this.#next + 1) % this.#shares.length;
      const share = this.#shares[this.#next] as PipeShare;
      if (share.open && addon.handOver(share.writer, fd) === 0) return true;
    }
    return false;
  }
}

/** A connection that nobody serves: its peer learns it at once. */
function refuse(fd: number): void {
  addon.setResetOnClose(fd);
  addon.closeDescriptor(fd);
}
