// The contract everything hangs on: an operation is a poll-style iterator, driven by two verbs.
//
//   next()    first, and after every wake: finish with { done: true, value }, throw, or register the current task
//             somewhere and return park()
//   return()  the task was cancelled while it waited here: take that registration back
//
// It is Rust's Future::poll in JavaScript's clothes: a wake that came for nothing is harmless, since next() tries again.

declare const parked: unique symbol;

/** What a parked coroutine yields. Only the kernel makes it, so `yield 5` does not compile in a Coroutine. */
export interface Park {
  readonly [parked]: true;
}

/** A generator that a task can run: `function* main(): Coroutine<number> { yield* sleep(1); return 1; }` */
export type Coroutine<T> = Generator<Park, T, void>;

/** Anything that can be awaited with `yield*`: a coroutine, a task, a sleep, a read from a socket. */
export interface Operation<T> {
  [Symbol.iterator](): Iterator<Park, T, void>;
}

/** A coroutine or another operation, or a function that makes one. */
export type Main<T> = Operation<T> | (() => Operation<T>);

/**
 * The one `{ done: false }` in the system, and its value: the kernel knows a park by either. (JavaScriptCore passes on the
 * value of what an inner iterator gave, and not the object itself.)
 */
export const PARK: IteratorYieldResult<Park> = Object.freeze({
  done: false as const,
  value: Object.freeze({ toString: () => 'Park' }) as unknown as Park,
});

/** `{ done: true, value: undefined }`, shared by all operations without a result. */
export const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true as const, value: undefined });
