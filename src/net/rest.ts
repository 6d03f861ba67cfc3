// Bytes that a socket has taken over and the system has not: the peer reads slowly.

import { constants } from 'node:os';
import { type CallbackHandle, callLater, callSoon } from '../kernel/callback.ts';
import { currentKernel } from '../kernel/here.ts';
import type { Poller } from '../kernel/poller.ts';
import { Readiness, type Sender, type Waiter } from '../kernel/readiness.ts';
import { READ, WRITE } from '../kernel/selector-port.ts';
import { addon } from '../native/addon.ts';
import { Window } from '../native/window.ts';

export const AGAIN = -constants.errno.EAGAIN;

const SHUT_WR = 1;

/** How long a closed socket waits for a peer that reads nothing, in milliseconds. */
export const PATIENCE = 30_000;
/** So many pieces of what nobody reads are taken in one go. */
const AT_ONCE = 16;
const NOWHERE = Buffer.allocUnsafeSlow(65_536);

export class Rest {
  /** Whether the stream is to be ended after it. */
  last = false;
  readonly #window = new Window();
  #done = 0;

  constructor(bytes: Uint8Array) {
    this.#window.point(bytes, 0, bytes.length);
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#window.length - this.#done;
  }

  /** Sends what the system takes now. Gives how many bytes are left then, or -errno. */
  sendOn(fd: number): number {
    const count = this.#window.transmit(fd, this.#done);
    if (count < 0 && count !== AGAIN) return count;
    if (count > 0) this.#done += count;
    const { left } = this;
    if (left === 0 && this.last) addon.shutdown(fd, SHUT_WR);
    return left;
  }
}

/**
 * A closed socket whose rest is still to be sent. What comes in is thrown away meanwhile: the peer may be one that reads only
 * when all it has sent was taken, and two that linger would wait for each other. It closes the descriptor when the rest has
 * gone, or when nothing has for PATIENCE; at the latest with the run.
 */
export class Lingering implements Sender, Waiter {
  readonly name = 'close()';
  readonly #readiness: Readiness;
  readonly #rest: Rest;
  readonly #poller: Poller;
  readonly #discarded = new Window();
  #left: number;
  #patience: CallbackHandle;

  constructor(fd: number, rest: Rest) {
    this.#rest = rest;
    this.#left = rest.left;
    this.#readiness = new Readiness(fd, READ | WRITE, () => this.close());
    this.#readiness.sender = this;
    this.#readiness.reader = this;
    this.#readiness.ask(READ | WRITE);
    this.#discarded.point(NOWHERE, 0, NOWHERE.length);
    this.#poller = currentKernel('close()').poller;
    this.#poller.lingering.add(this.#readiness);
    this.#patience = this.wait();
  }

  sentInPart(): void {} // it orders nothing

  resume(): boolean {
    this.#left = this.#rest.sendOn(this.#readiness.fd);
    if (this.#left <= 0) {
      this.close();
      return true;
    }
    this.#readiness.ask(WRITE);
    return false;
  }

  /** Something has come. */
  wake(): boolean {
    const readiness = this.#readiness;
    for (let i = 0; i < AT_ONCE && !readiness.closed; i++) {
      if (this.#discarded.receive(readiness.fd) > 0) continue;
      readiness.readable = false; // nothing more now, or its end
      readiness.ask(READ);
      return true;
    }
    if (!readiness.closed) callSoon(() => this.wake()); // others have their turn
    return true;
  }

  private wait(): CallbackHandle {
    const left = this.#left;
    return callLater(PATIENCE, () => {
      if (this.#left < left) this.#patience = this.wait();
      else this.close();
    });
  }

  private close(): void {
    this.#patience.cancel();
    this.#readiness.reader = null;
    addon.closeDescriptor(this.#readiness.remove());
    this.#discarded.release();
    this.#poller.lingering.delete(this.#readiness);
  }
}
