// Bytes that a socket has taken over and the system has not: the peer reads slowly.

import { constants } from 'node:os';
import { currentKernel } from '../kernel/here.ts';
import type { Poller } from '../kernel/poller.ts';
import { Readiness } from '../kernel/readiness.ts';
import { WRITE } from '../kernel/selector-port.ts';
import { addon } from '../native/addon.ts';
import { Window } from '../native/window.ts';

export const AGAIN = -constants.errno.EAGAIN;

const SHUT_WR = 1;

export class Rest {
  /** Whether the stream is to be ended after it. */
  last = false;
  readonly #window = new Window();
  #done = 0;

  constructor(bytes: Uint8Array) {
    this.#window.point(bytes, 0, bytes.length);
  }

  /** Sends what the system takes now. Gives how many bytes are left then, or -errno. */
  sendOn(fd: number): number {
    const count = this.#window.transmit(fd, this.#done);
    if (count < 0 && count !== AGAIN) return count;
    if (count > 0) this.#done += count;
    const left = this.#window.length - this.#done;
    if (left === 0 && this.last) addon.shutdown(fd, SHUT_WR);
    return left;
  }
}

/** A closed socket whose rest is still to be sent. It closes the descriptor after that, at the latest with the run. */
export class Lingering {
  readonly #readiness: Readiness;
  readonly #rest: Rest;
  readonly #poller: Poller;

  constructor(fd: number, rest: Rest) {
    this.#rest = rest;
    this.#readiness = new Readiness(fd, WRITE, () => this.close());
    this.#readiness.sender = this;
    this.#readiness.ask(WRITE);
    this.#poller = currentKernel('close()').poller;
    this.#poller.lingering.add(this.#readiness);
  }

  sentInPart(): void {} // it orders nothing

  resume(): boolean {
    if (this.#rest.sendOn(this.#readiness.fd) > 0) {
      this.#readiness.ask(WRITE);
      return false;
    }
    this.close();
    return true;
  }

  private close(): void {
    addon.closeDescriptor(this.#readiness.remove());
    this.#poller.lingering.delete(this.#readiness);
  }
}
