// Time comes from the host: the real clock of a blocking loop, the virtual one of a test.

export interface Clock {
  /** Monotonic milliseconds, with fractions. Only differences mean anything. */
  now(): number;
}

/** The host's monotonic clock (CLOCK_MONOTONIC under performance.now). */
export const monotonicClock: Clock = { now: () => performance.now() };
