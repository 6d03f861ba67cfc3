// Builds what the package ships, and puts the addon where its loader finds it: prebuilds/<platform>-<arch>[-musl].
//
//   node scripts/prebuild.js        for the machine that it runs on; npm pack and npm publish run it
//
// The addon speaks Node-API 8 only, so one file serves every Node from 20 on, and Bun and Deno. It needs the C library of
// the machine that builds it, or a newer one: so a release is built on the oldest that is to be served (Debian 11: glibc
// 2.31), in a container of each kind:
//
//   docker run --rm -v "$PWD:/p" -w /p node:20-bullseye         node scripts/prebuild.js      linux-x64
//   docker run --rm -v "$PWD:/p" -w /p --platform linux/arm64 … the same                     linux-arm64
//   docker run --rm -v "$PWD:/p" -w /p node:20-alpine sh -c 'apk add g++ make python3 linux-headers && node scripts/prebuild.js'
//
// What is there stays: a release gathers the folders of all machines and packs once.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
execFileSync(process.execPath, ['scripts/setup.js'], { stdio: 'inherit' });

const { header } = /** @type {any} */ (process.report.getReport());
const musl = process.platform === 'linux' && header.glibcVersionRuntime === undefined ? '-musl' : '';
const folder = `prebuilds/${process.platform}-${process.arch}${musl}`;
mkdirSync(folder, { recursive: true });
copyFileSync('build/Release/coreactor.node', `${folder}/coreactor.node`);
console.error(`prebuild: ${folder}`);
