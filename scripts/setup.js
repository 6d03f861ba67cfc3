// Makes a checkout ready: installs the packages, compiles the addon, compiles the TypeScript; each only if its inputs
// changed since the last time. Plain Node, since it runs before anything is installed.
// Run by npm start, npm test and npm run bench.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeTarget, ownTarget } from './c-library.js';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

// A checkout may be seen by other machines and by containers, whose packages and addon are other ones.
const machine = `${process.version} ${process.platform} ${describeTarget(ownTarget())}`;

/** Every file below the given files and folders, in a fixed order. */
function filesOf(paths) {
  return paths.flatMap((path) => {
    const entries = path.includes('.') ? null : readdirSync(path, { withFileTypes: true });
    if (entries === null) return [path];
    return entries
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => (entry.isDirectory() ? filesOf([join(path, entry.name)]) : [join(path, entry.name)]));
  });
}

function digest(paths, extra) {
  const hash = createHash('sha256').update(extra);
  for (const file of filesOf(paths)) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** Runs `make` unless it succeeded before with the same inputs and its output is still there. */
function step(name, inputs, output, make) {
  const stamp = join('node_modules', '.coreactor', name);
  const now = digest(inputs, machine);
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  console.error(`setup: ${name}`);
  make();
  mkdirSync(join('node_modules', '.coreactor'), { recursive: true });
  writeFileSync(stamp, now);
}

// Called from an npm script the tools get npm's own settings; bare node finds them in node_modules.
function call(command, ...args) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    process.stderr.write(error.stderr ?? '');
    console.error(
      `setup: "${command} ${args.join(' ')}" failed${error.code === 'ENOENT' ? `: no ${command} here` : ''}`,
    );
    process.exit(1);
  }
}

step('packages', ['package.json', 'package-lock.json'], 'node_modules', () =>
  call('npm', 'install', '--ignore-scripts'),
);
step('addon', ['binding.gyp', 'native'], 'build/Release/coreactor.node', () => call('npm', 'run', 'build:addon'));
step('typescript', ['tsconfig.json', 'src', 'rolldown.config.js'], 'dist/bundle/coreactor.js', () => {
  rmSync('dist', { recursive: true, force: true });
  call('npx', 'tsc', '--project', 'tsconfig.json');
  call('npx', 'rolldown', '--config');
});
