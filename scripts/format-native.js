// clang-format over our C and C++ files; with --check it only reports.

import { execFileSync, spawnSync } from 'node:child_process';

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.cc', '*.h', '*.c'], { encoding: 'utf8' })
  .split('\n')
  .filter(Boolean);
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const { status, error } = spawnSync('clang-format', [...mode, ...files], { stdio: 'inherit' });
if (error) console.error('clang-format is needed: apt-get install clang-format');
process.exit(status ?? 1);
