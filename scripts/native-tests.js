// Builds and runs the native unit tests, which need no Node; with --sanitize under ASan and UBSan.

import { spawnSync } from 'node:child_process';

const sanitize = process.argv.includes('--sanitize');
const build = sanitize ? 'build-sanitize' : 'build-native';

function call(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', timeout: 600_000 });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

call('cmake', '-S', 'native', '-B', build, `-DCOREACTOR_SANITIZE=${sanitize ? 'ON' : 'OFF'}`);
call('cmake', '--build', build, '--parallel', '2');
call(`${build}/core_tests`);
