// What a socket takes over of what is to be sent. What is small goes to the loop's outbox and leaves with the next wait,
// together with what other sockets send: the bytes are copied, so the caller's buffer is free at once. What is large is sent
// at once, from where it lies, unless it lies in the inbox: then it is an order, too.

import { type Mailbox, PARCEL } from '../kernel/mailbox.ts';
import { closedError, type Readiness } from '../kernel/readiness.ts';
import { WRITE } from '../kernel/selector-port.ts';
import { SystemError } from '../native/system-error.ts';
import type { Window } from '../native/window.ts';
import { sendFailure } from './failure.ts';
import { AGAIN } from './rest.ts';

/**
 * Takes over what it can of the window less its first `done` bytes; gives how many bytes, 0 if it is not writable now.
 * @throws SystemError with `done` as its `bytesSent`, ClosedError.
 */
export function offer(readiness: Readiness, window: Window, done: number): number {
  const failure = sendFailure(readiness);
  if (failure !== null) throw failed(failure, done);
  const length = window.length - done;
  if (length === 0) return 0;
  if (!readiness.writable) {
    readiness.ask(WRITE); // nobody may park here, and yet the next try wants to know
    return 0;
  }
  const { mailbox } = readiness;
  if (mailbox !== null) {
    if (order(readiness, mailbox, window, done)) return length;
    if (length <= PARCEL || readiness.bundle === mailbox.bundle) {
      readiness.flush(); // room for it, or what was ordered before goes first
      return offer(readiness, window, done);
    }
  }
  return transmitNow(readiness, window, done);
}

function order(readiness: Readiness, mailbox: Mailbox, window: Window, done: number): boolean {
  const length = window.length - done;
  if (length > PARCEL) {
    const place = window.placeIn(mailbox);
    return place >= 0 && mailbox.stays(place) && mailbox.orderLent(readiness, place + done, length);
  }
  const place = mailbox.order(readiness, length);
  if (place < 0) return false;
  window.store(mailbox, place, done);
  return true;
}

function transmitNow(readiness: Readiness, window: Window, done: number): number {
  const count = window.transmit(readiness.fd, done);
  if (count >= 0) return count;
  if (count === AGAIN) {
    readiness.writable = false;
    readiness.ask(WRITE);
    return 0;
  }
  if (readiness.closed) throw closedError('stream');
  throw failed(new SystemError(count, 'send', { fd: readiness.fd }), done);
}

function failed(error: SystemError, bytesSent: number): SystemError {
  error.bytesSent = bytesSent;
  return error;
}
