// The programs of the sync benches: those of the task benches, each in its version for these, and the npm packages.

import { findContestants, NODE } from '../tasks/contestants.js';
import { PACKAGES } from './packages.js';

/** @typedef {import('../tasks/contestants.js').Contestant & { switch?: string[], does: string[] }} Peer */

/** @param {string} name */
function file(name) {
  return new URL(name, import.meta.url).pathname;
}

const JAVASCRIPT = 'await';
const PROGRAMS = { ours: file('coreactor.js'), node: [file('promises.js'), JAVASCRIPT], python: file('loop.py') };
const ALL = ['lock all', 'queue all'];
const COMMON = ['lock', 'queue', 'handoff lock', 'handoff queue', 'event'];

/** What not everybody has. */
const DOES = new Map(
  Object.entries({
    coreactor: [...COMMON, ...ALL, 'cancelled cancel', 'cancelled timeout', 'cancelled moveOnAfter'],
    asyncio: [...COMMON, ...ALL, 'cancelled cancel', 'cancelled timeout'],
    uvloop: COMMON.filter((verb) => verb !== 'event'), // the rest is asyncio's own code, and takes minutes
    Go: COMMON.filter((verb) => verb !== 'handoff lock'), // a sync.Mutex is taken again by whoever runs
  }),
);

/**
 * @param {import('../main.js').Context} context
 * @returns {Promise<{ peers: Peer[], notes: string[] }>}
 */
export async function findPeers(context) {
  const tasks = await findContestants(context, JAVASCRIPT);
  const { contestants, notes } = await findContestants(context, JAVASCRIPT, PROGRAMS);
  /** @type {Peer[]} */
  const peers = contestants.map((contestant) => {
    const own = tasks.contestants.find(({ name }) => name === contestant.name);
    return {
      ...contestant,
      does: DOES.get(contestant.name) ?? COMMON,
      ...(own && { switch: [...own.command, 'switch', '2'] }),
    };
  });
  if (context.options.peers?.includes('npm') ?? true) {
    const packages = npmPackages();
    peers.push(...packages.filter(({ name }) => isInstalled(name)));
    const missing = packages.map(({ name }) => name).filter((name) => !isInstalled(name));
    if (missing.length > 0)
      notes.push(`Not installed (npm install --no-save ${missing.join(' ')}): ${missing.join(', ')}.`);
  }
  return { peers, notes };
}

/** @returns {Peer[]} */
function npmPackages() {
  const onPromises = Object.entries(PACKAGES).filter(([name]) => name !== JAVASCRIPT);
  return [
    ...onPromises.map(([name, { lock, queue }]) => ({
      name,
      command: [...NODE, file('promises.js'), name],
      switch: [...NODE, file('../tasks/await.js'), 'switch', '2'],
      does: [...(lock ? ['lock', 'handoff lock'] : []), ...(queue ? ['queue', 'handoff queue'] : [])],
    })),
    { name: 'effection', command: [...NODE, file('effection.js')], does: ['queue', 'handoff queue'] },
  ];
}

/** @param {string} name */
function isInstalled(name) {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}
