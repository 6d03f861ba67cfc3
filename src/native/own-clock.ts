// The clock of who blocks its thread. Not the global performance: test runners put a fake in its place, whose time stands
// still until somebody moves it on, and nobody can while this thread is blocked. A guest's time may be faked, as its timers
// are.

import { performance } from 'node:perf_hooks';
import type { Clock } from '../kernel/clock.ts';

export const ownClock: Clock = { now: () => performance.now() };
