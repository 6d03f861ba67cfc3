// The C library that this Node runs on, and the one that a compiled addon needs: what is made for one is no use on
// another. Plain Node, since it runs before anything is installed.

import { readFileSync } from 'node:fs';

/** @typedef {{ arch: string, name: string, version: string }} Target */

/** What programs of this machine are made for; no name off Linux, where there is no choice, and no version of musl. */
export function ownTarget() {
  const target = { arch: process.arch, name: '', version: '' };
  if (process.platform !== 'linux') return target;
  /** @type {any} */ (process.report).excludeNetwork = true; // or it asks for the name of every peer
  const { glibcVersionRuntime: version } = /** @type {any} */ (process.report.getReport()).header;
  return version === undefined ? { ...target, name: 'musl' } : { ...target, name: 'glibc', version };
}

/** What an addon for Linux is made for, and the oldest glibc that has all it imports. @param {string} file */
export function targetOf(file) {
  const bytes = readFileSync(file);
  const names = bytes.toString('latin1');
  const machine = bytes.readUInt16LE(18);
  const arch = { 62: 'x64', 183: 'arm64' }[machine] ?? `ELF machine ${machine}`;
  if (/\0libc\.(so|musl-\w+\.so\.1)\0/.test(names)) return { arch, name: 'musl', version: '' };
  if (!names.includes('\0libc.so.6\0')) return { arch, name: 'an unknown C library', version: '' };
  const versions = Array.from(names.matchAll(/\0GLIBC_([\d.]+)/g), ([, version]) => /** @type {string} */ (version));
  return { arch, name: 'glibc', version: versions.sort(compareVersions).at(-1) ?? '' };
}

/** Whether one that needs `needed` runs on `target`. @param {Target} needed @param {Target} target */
export function runsOn(needed, target) {
  const same = needed.arch === target.arch && needed.name === target.name;
  return same && compareVersions(needed.version, target.version) <= 0;
}

/** @param {Target} target */
export function describeTarget({ arch, name, version }) {
  return [arch, name, version].filter(Boolean).join(' ');
}

/** @param {string} a @param {string} b */
function compareVersions(a, b) {
  return a.localeCompare(b, 'en', { numeric: true });
}
