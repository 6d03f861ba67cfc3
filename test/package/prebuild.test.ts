// The addon that a package ships was made for the C library in its folder's name: a checkout may be seen by the machine
// that it lies on and by containers with other libraries.

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let checkout = '';

/** As much of an ELF file as tells what it is for. */
function elf(machine: number, ...names: string[]): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF', 'latin1');
  header.writeUInt16LE(machine, 18);
  return Buffer.concat([header, Buffer.from(`\0${names.join('\0')}\0`)]);
}

const machine = process.arch === 'arm64' ? 183 : 62;

/** A checkout whose tools leave their outputs there, and compile to `addon`. */
function layOut(addon: Buffer): void {
  mkdirSync(join(checkout, 'tools'));
  mkdirSync(join(checkout, 'native'));
  mkdirSync(join(checkout, 'src'));
  cpSync('scripts', join(checkout, 'scripts'), { recursive: true });
  for (const name of ['package.json', 'package-lock.json', 'binding.gyp', 'tsconfig.json', 'rolldown.config.js']) {
    writeFileSync(join(checkout, name), name === 'package.json' ? '{ "type": "module" }' : '');
  }
  writeFileSync(join(checkout, 'addon'), addon);
  const tools = { npm: 'mkdir -p build/Release; cp addon build/Release/coreactor.node', npx: 'mkdir -p dist/bundle' };
  for (const [name, script] of Object.entries(tools)) {
    const tool = join(checkout, 'tools', name);
    writeFileSync(tool, `#!/bin/sh\n${script}; touch dist/bundle/coreactor.js 2>/dev/null || true\n`);
    chmodSync(tool, 0o755);
  }
}

/** Runs one of the scripts where the C library is glibc of this version, or musl. */
function script(name: string, glibc: string | undefined): { stderr: string; status: number | null } {
  const header = JSON.stringify({ glibcVersionRuntime: glibc });
  const pretend = `process.report.getReport = () => ({ header: ${header} });`;
  const { stderr, status } = spawnSync(process.execPath, [join(checkout, 'scripts', name)], {
    encoding: 'utf8',
    env: {
      ...process.env,
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(pretend)}`,
      PATH: `${join(checkout, 'tools')}${delimiter}${process.env.PATH}`,
    },
  });
  return { stderr, status };
}

describe.skipIf(process.platform !== 'linux')('what is made for one C library', () => {
  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), 'coreactor-prebuild-test-'));
  });
  afterEach(() => rmSync(checkout, { recursive: true }));

  test('is made anew for another, or for another version of it', () => {
    layOut(elf(machine, 'libc.so.6', 'GLIBC_2.17'));
    const all = ['setup: packages', 'setup: addon', 'setup: typescript', ''].join('\n');
    expect(script('setup.js', '2.36')).toEqual({ stderr: all, status: 0 });
    expect(script('setup.js', '2.36')).toEqual({ stderr: '', status: 0 });
    expect(script('setup.js', '2.31').stderr).toBe(all);
    expect(script('setup.js', undefined).stderr).toBe(all);
    expect(script('setup.js', undefined)).toEqual({ stderr: '', status: 0 });
  });

  test.each([
    ['glibc, with musl in the name', elf(machine, 'libc.so.6', 'GLIBC_2.17'), undefined],
    ['musl, without it', elf(machine, 'libc.musl-x86_64.so.1'), '2.36'],
    ['a glibc that is newer than that of the machine', elf(machine, 'libc.so.6', 'GLIBC_2.9', 'GLIBC_2.34'), '2.31'],
    ['another processor', elf(3, 'libc.so.6', 'GLIBC_2.17'), '2.36'],
    ['no C library that is known', elf(machine, 'libc.so.7'), '2.36'],
  ])('is not shipped as what it is not: %s', (_, addon, glibc) => {
    layOut(addon);
    const { stderr, status } = script('prebuild.js', glibc);
    expect(stderr).toMatch(/^prebuild: build\/Release\/coreactor.node is .*, not .*: /m);
    expect([status, existsSync(join(checkout, 'prebuilds'))]).toEqual([1, false]);
  });

  test.each([
    [`linux-${process.arch}`, elf(machine, 'libc.so.6', 'GLIBC_2.9', 'GLIBC_2.31', 'GLIBC_2.4'), '2.31'],
    [`linux-${process.arch}-musl`, elf(machine, 'libc.musl-x86_64.so.1'), undefined],
    [`linux-${process.arch}-musl`, elf(machine, 'libc.so'), undefined],
  ])('is shipped as what it is: %s', (name, addon, glibc) => {
    layOut(addon);
    const { stderr, status } = script('prebuild.js', glibc);
    expect([status, stderr]).toEqual([0, expect.stringContaining(`prebuild: prebuilds/${name}`)]);
    expect(readFileSync(join(checkout, 'prebuilds', name, 'coreactor.node'))).toEqual(addon);
  });
});
