// A loop that is a guest: another one (that of Node, Bun or Deno) owns the thread, and calls us when our selector has
// something to say. Then comes one turn, and the thread goes back.
//
//   the selector's descriptor is readable -+
//   the deadline of a timer has come ------+-> crank: wait(0), a turn, send what was ordered -> sleep
//   a promise or an event has woken a task +

import { raiseStackLimit } from '../debug/stack.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Main } from '../kernel/operation.ts';
import { INQUIRED } from '../kernel/selector-port.ts';
import type { Task } from '../kernel/task.ts';
import type { HostWatchObject } from '../native/addon.ts';
import type { NativeSelector } from '../native/native-selector.ts';
import type { Host } from './host.ts';
import { begin, HOPELESS, type Life, type LoopOptions, NOBODY } from './life.ts';

/**
 * No time, as 0 is, but asked of the system even if no descriptor is registered. Or the last word on one that was closed,
 * which io_uring says later, would never be taken, and the selector's descriptor readable for ever.
 */
const ASK = Number.NEGATIVE_INFINITY;

export class GuestLoop<T> {
  readonly task: Task<T>;
  readonly #host: Host;
  readonly #selector: NativeSelector;
  readonly #kernel: Kernel;
  readonly #life: Life;
  readonly #watch: HostWatchObject;
  readonly #ended: (error?: unknown) => void;
  /** The host's timer for the next deadline. It may come too early: moving it each time would cost more. */
  #cancelTimer: (() => void) | null = null;
  #due = Number.POSITIVE_INFINITY;
  /** Whether a crank is on its way that waits for nothing. */
  #roused = false;
  /** Calls off what happens when the process has nothing else to do; not null while nothing of ours can wake a task. */
  #callOff: (() => void) | null = null;
  #over = false;
  /** In debug mode: no more inquiries are answered. */
  readonly #deafen: (() => void) | undefined;

  /** Takes over the selector. `ended` is called when all is over, with what went wrong beside main, if something did. */
  constructor(
    host: Host,
    selector: NativeSelector,
    options: LoopOptions,
    main: Main<T>,
    name: string | undefined,
    ended: (error?: unknown) => void,
  ) {
    const { kernel, task, life } = begin(selector, { ...options, guest: true }, main, name, 'runPromise()');
    this.#host = host;
    this.#selector = selector;
    this.#kernel = kernel;
    this.#life = life;
    this.#ended = ended;
    this.task = task;
    this.#watch = host.watch(selector, () => this.crank(ASK));
    if (options.debug) {
      this.#deafen = host.whenAsked(() => {
        selector.rows[INQUIRED] = 1;
        this.#rouse();
      });
    }
    this.#rouse(); // main's first step is not within its caller's
  }

  /** `answer` is NOBODY, or how long to wait for rows: 0 or ASK. */
  private crank(answer = 0): void {
    if (this.#over) return;
    const kernel = this.#kernel;
    const { instruments } = kernel;
    kernel.sleeper = null;
    const restoreStackLimit = raiseStackLimit();
    try {
      const rows = answer === NOBODY ? NOBODY : this.#selector.wait(answer);
      if (instruments !== null) instruments.selectEnd(rows);
      const { done, value } = this.#life.next(rows);
      if (done) {
        this.end();
        return;
      }
      kernel.sleeper = this.#rouse;
      kernel.poller.dispatch(this.#selector.settle());
      if (instruments !== null) instruments.selectBegin(value);
      this.sleep(value);
    } catch (error) {
      this.end(error);
    } finally {
      restoreStackLimit();
    }
  }

  /** Something is ready that the selector does not show. */
  readonly #rouse = (): void => {
    if (this.#roused) return;
    this.#roused = true;
    this.#host.soon(() => {
      this.#roused = false;
      this.crank();
    });
  };

  private sleep(patience: number): void {
    if (patience === 0) {
      this.#rouse();
      return;
    }
    this.despair(patience === HOPELESS);
    this.setTimer(patience);
    this.#watch.arm();
  }

  private setTimer(patience: number): void {
    const due = patience === HOPELESS ? Number.POSITIVE_INFINITY : this.#kernel.clock.now() + patience;
    if (this.#cancelTimer !== null && this.#due <= due && due !== Number.POSITIVE_INFINITY) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (due === Number.POSITIVE_INFINITY) return;
    this.#due = due;
    this.#cancelTimer = this.#host.later(patience, () => {
      this.#cancelTimer = null;
      this.crank();
    });
  }

  /**
   * Nothing of ours can wake a task any more: then we do not keep the process alive. If nobody else does either, it is a
   * deadlock.
   */
  private despair(hopeless: boolean): void {
    if (hopeless === (this.#callOff !== null)) return;
    this.#watch.ref(!hopeless);
    this.#callOff?.();
    this.#callOff = !hopeless
      ? null
      : this.#host.whenIdle(() => {
          this.despair(false);
          if (!this.#roused) this.crank(NOBODY); // another run of this process, told before us, may have woken a task
        });
  }

  private end(error?: unknown): void {
    this.#over = true;
    this.despair(false);
    this.#cancelTimer?.();
    this.#deafen?.();
    this.#kernel.sleeper = null;
    this.#watch.close();
    this.#life.return(false);
    this.#selector.close();
    this.#ended(error);
  }
}
