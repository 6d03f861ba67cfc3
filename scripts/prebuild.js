// Builds what the package ships, and puts the addon where its loader finds it: prebuilds/<platform>-<arch>[-musl].
//
//   node scripts/prebuild.js          for the machine that it runs on; npm pack and npm publish run it
//   node scripts/prebuild.js arm64    for linux-arm64 on any Linux, with Debian's g++-aarch64-linux-gnu
//
// The addon speaks Node-API 8 only, so one file serves every Node from 20 on, and Bun and Deno. It needs the C library of
// the machine that builds it, or a newer one: so a release is built on the oldest that is to be served (Debian 11: glibc
// 2.31), in a container of each kind:
//
//   docker run --rm -v "$PWD:/p" -w /p node:20-bullseye         node scripts/prebuild.js      linux-x64
//   docker run --rm -v "$PWD:/p" -w /p --platform linux/arm64 … the same                     linux-arm64
//   docker run --rm -v "$PWD:/p" -w /p node:20-alpine sh -c 'apk add g++ make python3 linux-headers && node scripts/prebuild.js'
//
// A container makes packages and addon anew in the checkout, and so does the next run outside of it. What is in prebuilds
// stays: a release gathers the folders of all machines and packs once.

import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeTarget, ownTarget, runsOn, targetOf } from './c-library.js';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const [arch = process.arch] = process.argv.slice(2);
execFileSync(process.execPath, ['scripts/setup.js'], { stdio: 'inherit' });
if (arch === process.arch) {
  keep('build/Release', ownTarget());
} else if (arch === 'arm64' && process.platform === 'linux') {
  cross('aarch64-linux-gnu');
} else {
  console.error(`prebuild: no recipe for ${arch} on ${process.platform}-${process.arch}: run it on such a machine`);
  process.exit(1);
}

/** @param {string} built the addon's folder @param {import('./c-library.js').Target} target that it was built for */
function keep(built, target) {
  const file = `${built}/coreactor.node`;
  const needed = process.platform === 'linux' ? targetOf(file) : target;
  if (!runsOn(needed, target)) {
    const [is, wanted] = [needed, target].map(describeTarget);
    console.error(
      `prebuild: ${file} is for ${is}, not for ${wanted}: remove build/ and node_modules/.coreactor, try again`,
    );
    process.exit(1);
  }
  const name = `${process.platform}-${target.arch}${target.name === 'musl' ? '-musl' : ''}`;
  mkdirSync(`prebuilds/${name}`, { recursive: true });
  copyFileSync(file, `prebuilds/${name}/coreactor.node`);
  console.error(`prebuild: prebuilds/${name}, for ${describeTarget(needed)}`);
}

/** Elsewhere, since build/ has the addon of this machine. @param {string} target whose compilers are used */
function cross(target) {
  const folder = mkdtempSync(join(tmpdir(), 'coreactor-prebuild-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['binding.gyp', 'package.json', 'native']) cpSync(name, join(folder, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const [CC, CXX, AR] = ['gcc', 'g++', 'ar'].map((tool) => `${target}-${tool}`);
  execFileSync('npm', ['run', 'build:addon', '--', `--arch=${arch}`], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, CC, CXX, AR, LINK: CXX },
  });
  keep(join(folder, 'build', 'Release'), { ...ownTarget(), arch });
}
