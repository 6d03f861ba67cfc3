// Builds and runs the native unit tests, which need no Node. --sanitize: under ASan and UBSan; --threads: those of the
// thread parts under TSan; --valgrind: under valgrind.

import { spawnSync } from 'node:child_process';

const sanitize = process.argv.includes('--sanitize');
const threads = process.argv.includes('--threads');
const valgrind = process.argv.includes('--valgrind');
const build = sanitize ? 'build-sanitize' : threads ? 'build-threads' : 'build-native';

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

const options = [`-DCOREACTOR_SANITIZE=${sanitize ? 'ON' : 'OFF'}`];
if (threads) options.push('-DCOREACTOR_SANITIZE_THREAD=ON');
call('cmake', '-S', 'native', '-B', build, ...options);
call('cmake', '--build', build, '--parallel', '2');
const checker = ['valgrind', '--quiet', '--error-exitcode=1', '--leak-check=full', '--track-fds=yes'];
const prefix = valgrind ? checker : [];
const [command = '', ...args] = [...prefix, `${build}/test/core_tests`];
if (threads) args.push('--source-file=*thread_pool*,*lookup*,*wake_channel*');
call(command, ...args);
