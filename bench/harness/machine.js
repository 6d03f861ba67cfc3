// What the figures were measured on, and what the machine can hold.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * '0-2,5' as [0, 1, 2, 5].
 * @param {string} list
 */
function parseCpuList(list) {
  return list
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [from = 0, to = from] = range.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    });
}

/**
 * The CPU for what is measured and the one for the load: allowed to us, and no two threads of one core where that can
 * be had. The load gets the lower one, where systems tend to put their interrupts.
 * @returns {{ server: number, load: number } | undefined} undefined if there is only one
 */
export function chooseCpus() {
  const allowed = parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status'))?.[1] ?? '');
  const server = allowed.at(-1);
  if (server === undefined || allowed.length < 2) return undefined;
  const siblings = parseCpuList(read(`/sys/devices/system/cpu/cpu${server}/topology/thread_siblings_list`).trim());
  const load = allowed.find((cpu) => !siblings.includes(cpu)) ?? allowed.find((cpu) => cpu !== server);
  return load === undefined ? undefined : { server, load };
}

/** How many descriptors one process may hold. */
export function fileLimit() {
  const limit = /^Max open files\s+(\S+)/m.exec(read('/proc/self/limits'))?.[1];
  return limit === undefined || limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}

/** How many local ports the kernel hands out for connections to one address. */
export function localPorts() {
  const [from, to] = read('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number);
  return from === undefined || to === undefined ? Number.POSITIVE_INFINITY : to - from + 1;
}

/** Whether a port whose last connection has just ended can be taken for the next one (on loopback). */
export function reusesPorts() {
  return Number(read('/proc/sys/net/ipv4/tcp_tw_reuse')) > 0;
}

function commit() {
  try {
    const git = (/** @type {string[]} */ ...args) =>
      execFileSync('git', args, {
        cwd: new URL('.', import.meta.url),
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' with changes');
  } catch {
    return 'unknown';
  }
}

/** @param {Record<string, string>} versions */
export function describeMachine(versions) {
  const cpus = os.cpus();
  const hypervisor = /^flags\s.*\bhypervisor\b/m.test(read('/proc/cpuinfo'));
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    virtual: hypervisor,
    memoryGiB: Math.round((os.totalmem() / 2 ** 30) * 10) / 10,
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    governor: read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor').trim() || 'not known',
    fileLimit: fileLimit(),
    loadAverage: os.loadavg()[0],
    commit: commit(),
    versions,
  };
}

/** @param {ReturnType<typeof describeMachine>} machine */
export function machineLine(machine) {
  const { cpu, cores, memoryGiB, kernel } = machine;
  return `${cpu}${machine.virtual ? ' (virtual)' : ''}, ${cores} cores, ${memoryGiB} GiB, ${kernel}`;
}
