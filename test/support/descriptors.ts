// Which descriptors this process has open: to show that none is lost.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The open descriptors with what they are, without the one that looks. */
export function openDescriptors(): Map<number, string> {
  const open = new Map<number, string>();
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      open.set(Number(name), readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // the directory's own descriptor, closed by now
    }
  }
  return open;
}

/** How many of them are sockets or belong to a selector. */
export function countDescriptors(): number {
  return [...openDescriptors().values()].filter((target) => /^(socket|anon_inode|pipe)/.test(target)).length;
}

/** How many this process may have open: the soft limit, which is raised nowhere. */
export function openFileLimit(): number {
  const line = readFileSync('/proc/self/limits', 'utf8')
    .split('\n')
    .find((each) => each.startsWith('Max open files'));
  return Number(line?.split(/\s+/)[3] ?? 256);
}
