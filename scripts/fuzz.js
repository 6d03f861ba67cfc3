// The fuzzers; a failure is printed with its seed, and shrunk.
//   npm run fuzz -- [--seed S] [--operations N] [--selector NAME]   the native selectors, with poll(2) as the judge
//   npm run fuzz -- --sanitize …                                    the same under ASan and UBSan
//   npm run fuzz -- --sockets [--seed S] [--programs N] [--guest]   sockets, through the public API

import { spawnSync } from 'node:child_process';

const options = process.argv.slice(2);
const sanitize = take('--sanitize');
const sockets = take('--sockets');

/** @param {string} option */
function take(option) {
  const at = options.indexOf(option);
  if (at >= 0) options.splice(at, 1);
  return at >= 0;
}

/** @param {string} command @param {string[]} args @param {'inherit' | 'ignore'} output */
function call(command, args, output = 'inherit') {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', output, 'inherit'] });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

if (sockets) {
  call(process.execPath, ['test/fuzz/sockets.js', ...options]);
} else {
  const [build, sanitizers] = sanitize ? ['build-sanitize', 'address,undefined'] : ['build-native', ''];
  call('cmake', ['-S', 'native', '-B', build, `-DCOREACTOR_SANITIZE=${sanitizers}`], 'ignore');
  call('cmake', ['--build', build, '--parallel', '2', '--target', 'coreactor_fuzz'], 'ignore');
  call(`${build}/fuzz/coreactor_fuzz`, options);
}
