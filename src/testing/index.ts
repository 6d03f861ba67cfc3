// The public names of coreactor/testing, nothing else.

export { type CancelEverywhereOptions, cancelEverywhere, type Victim } from './cancel-everywhere.ts';
export { type Explored, type ExploreOptions, explore } from './explore.ts';
export { FakeSelector } from './fake-selector.ts';
export { seeded } from './seeded.ts';
export { type SimulateOptions, simulate } from './simulate.ts';
export type { World } from './trial.ts';
export { VirtualClock } from './virtual-clock.ts';
