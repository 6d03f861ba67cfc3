// The echo servers: ours, the yardstick, and the peers that this machine has.

import { compile, compileGo } from '../harness/build.js';
import { startServer } from '../harness/children.js';
import { UsageError } from '../harness/options.js';
import { isBuilt, NOT_BUILT } from '../harness/ours.js';

/** @typedef {{ name: string, command: string[], large?: string[] }} Server `large`: for messages above 16 KiB */

/** What the servers with a buffer per connection have for large messages: as much as those that share one. */
const LARGE = String(256 * 1024);

/**
 * Python makes an object of each message, and frees it. glibc gives such memory back to the kernel as soon as 128 KiB at the
 * end of the heap are free, and takes it again for the next one, page by page: of 16 KiB on that is half of uvloop's CPU time.
 */
const KEEPS_FREED = ['MALLOC_TRIM_THRESHOLD_=67108864', 'MALLOC_MMAP_THRESHOLD_=67108864'];

export const YARDSTICK = 'C epoll';

const BY_DEFAULT = ['c-uring', 'c-libuv', 'node', 'bun', 'deno', 'uvloop', 'go'];
const goSource = new URL('echo.go', import.meta.url);

/** @param {string} name */
function file(name) {
  return new URL(name, import.meta.url).pathname;
}

/**
 * Not every kernel and not every sandbox has io_uring, nor has every system its headers: the server itself is asked.
 * @param {string[]} notes gets the reason if there is none
 * @returns {Promise<Server | undefined>}
 */
async function uring(notes) {
  const name = 'C io_uring';
  try {
    const command = [await compile('uring')];
    const server = await startServer(command, { timeoutMs: 20_000 });
    await server.stop();
    return { name, command };
  } catch (error) {
    notes.push(`${name} is left out: ${/** @type {Error} */ (error).message}.`);
    return undefined;
  }
}

/** The default, and io_uring where it can be had. */
async function ourSelectors() {
  const { Selector } = await import('coreactor');
  return Selector.available.includes('io_uring') ? [undefined, 'io_uring'] : [undefined];
}

/**
 * @param {import('../main.js').Context} context
 * @param {{ guest?: boolean }} [which] whether ours is to be there as a guest of libuv's loop, too
 * @returns {Promise<{ servers: Server[], notes: string[] }>}
 */
export async function findServers({ options, runtimes: { found } }, { guest = false } = {}) {
  const selectors = options.selector ?? (isBuilt() ? await ourSelectors() : []);
  const ours = selectors.map((selector) => ({
    name: selector === undefined ? 'coreactor' : `coreactor (${selector})`,
    command: [process.execPath, file('coreactor.js'), ...(selector === undefined ? [] : [selector])],
  }));
  if (guest) ours.push({ name: 'coreactor (guest)', command: [process.execPath, file('coreactor.js'), 'guest'] });
  const notes = isBuilt() ? [] : [NOT_BUILT];
  /** @type {Record<string, () => Promise<Server | undefined> | Server | undefined>} by the name in --peers */
  const peers = {
    'c-uring': () => uring(notes),
    'c-libuv': async () => {
      const onFailure = 'if uv.h is missing, apt-get install libuv1-dev (or leave it out with --peers)';
      return { name: 'C libuv', command: [await compile('libuv', { libraries: ['-luv'], onFailure })] };
    },
    node: () => ({ name: 'node:net', command: [process.execPath, file('node.js')] }),
    bun: () => found.bun && { name: 'Bun', command: [found.bun.path, file('bun.js')] },
    deno: () => {
      if (found.deno === undefined) return;
      const command = [found.deno.path, 'run', '--allow-net', file('deno.js')];
      return { name: 'Deno', command, large: [...command, LARGE] };
    },
    uvloop: () =>
      found.uvloop && { name: 'uvloop', command: ['env', ...KEEPS_FREED, found.uvloop.path, file('protocol.py')] },
    go: async () => {
      if (found.go === undefined) return;
      const command = [await compileGo(found.go.path, goSource)];
      return { name: 'Go', command, large: [...command, LARGE] };
    },
    'go-copy': async () =>
      found.go && { name: 'Go io.Copy', command: [await compileGo(found.go.path, goSource), 'copy'] },
  };
  const other = ['none', 'c-epoll', 'asyncio']; // always there, or peers of the task benches
  const wanted = (options.peers ?? BY_DEFAULT).filter((name) => !other.includes(name));
  const servers = [...(isBuilt() ? ours : []), { name: YARDSTICK, command: [await compile('epoll')] }];
  for (const name of wanted) {
    const peer = peers[name];
    if (peer === undefined) throw new UsageError(`no peer "${name}": ${['c-epoll', ...Object.keys(peers)].join(', ')}`);
    const server = await peer();
    if (server !== undefined) servers.push(server);
  }
  return { servers, notes };
}
