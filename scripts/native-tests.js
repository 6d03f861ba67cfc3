// Builds and runs the native unit tests, which need no Node. --sanitize: under ASan and UBSan; --threads: under TSan;
// --valgrind: under valgrind.

import { spawnSync } from 'node:child_process';

const asked = process.argv.includes.bind(process.argv);
const valgrind = asked('--valgrind');
const [build, sanitizers] = asked('--sanitize')
  ? ['build-sanitize', 'address,undefined']
  : asked('--threads')
    ? ['build-threads', 'thread']
    : ['build-native', ''];

/** @param {string} command @param {string[]} args */
function call(command, ...args) {
  const { status, error } = spawnSync(command, args, {
    stdio: 'inherit',
    env: { ...process.env, ...(valgrind && { COREACTOR_VALGRIND: '1' }) },
    timeout: 600_000,
    killSignal: 'SIGKILL',
  });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

call('cmake', '-S', 'native', '-B', build, `-DCOREACTOR_SANITIZE=${sanitizers}`);
call('cmake', '--build', build, '--parallel', '2');
const checker = ['valgrind', '--quiet', '--error-exitcode=1', '--leak-check=full', '--track-fds=yes'];
const prefix = valgrind ? checker : [];
const [command = '', ...args] = [...prefix, `${build}/test/core_tests`];
call(command, ...args);
