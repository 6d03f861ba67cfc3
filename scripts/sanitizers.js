// Everything native under every checker, in one command; ends with a table and fails if one of them has found something.
//   npm run test:sanitizers [-- addon|asan|tsan|valgrind|node ...]     without a name: all of them
// `addon` runs all tests in JavaScript that use the addon (on epoll and io_uring, or on COREACTOR_SELECTOR) with an addon that is
// compiled under ASan and UBSan. It does so in a copy of the package, where the loader finds that addon at its usual place
// and so do programs that tests start.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const copy = 'build-addon-sanitize';
const runtime = find('libasan.so');
const reports = mkdtempSync(join(tmpdir(), 'coreactor-sanitizers-'));

// Node keeps what it has at exit, so leaks are looked for in the native tests. Its own handlers of signals stay.
const underAddress = {
  LD_PRELOAD: `${runtime}:${find('libubsan.so')}`,
  ASAN_OPTIONS: `detect_leaks=0:exitcode=99:log_path=${join(reports, 'asan')}`,
  UBSAN_OPTIONS: `print_stacktrace=1:halt_on_error=1:exitcode=99:log_path=${join(reports, 'ubsan')}`,
};

/** @type {Record<string, () => boolean>} */
const checks = {
  addon: () => {
    buildAddon();
    const list = "import('coreactor').then(({ Selector }) => console.log(Selector.available.join(' ')))";
    const { ok, output } = call('node', ['-e', list], { cwd: copy, env: underAddress, stdio: 'pipe' });
    const wanted = process.env.COREACTOR_SELECTOR ? [process.env.COREACTOR_SELECTOR] : ['epoll', 'io_uring'];
    const names = output
      .trim()
      .split(/\s+/)
      .filter((name) => wanted.includes(name));
    if (!ok || names.length === 0) throw new Error(`the addon under ASan cannot be used: ${output}`);
    return names.every((name) => {
      console.log(`\n== the suite of JavaScript under ASan and UBSan, ${name}`);
      const env = { ...underAddress, COREACTOR_SELECTOR: name, COREACTOR_WORKERS: '300' };
      const { ok } = call('npx', ['vitest', 'run', '--project', 'real', '--testTimeout=120000'], { cwd: copy, env });
      return ok;
    });
  },
  asan: () => call('npm', ['run', 'test:sanitize']).ok && call('npm', ['run', 'fuzz', '--', '--sanitize']).ok,
  tsan: () => call('npm', ['run', 'test:threads']).ok,
  valgrind: () => call('npm', ['run', 'test:valgrind']).ok,
  node: smoke,
};

/** The library of this name that belongs to g++. @param {string} name */
function find(name) {
  return spawnSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
}

/** @param {string} command @param {string[]} args @param {{ cwd?: string, env?: object, stdio?: 'inherit' | 'pipe' }} options */
function call(command, args, { cwd = '.', env = {}, stdio = 'inherit' } = {}) {
  console.log(`$ ${command} ${args.join(' ')}`);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', stdio, stdio],
    encoding: 'utf8',
    timeout: 900_000,
    killSignal: 'SIGKILL',
  });
  if (error) console.error(`${command}: ${error.message}`);
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}` };
}

function buildAddon() {
  mkdirSync(copy, { recursive: true });
  for (const name of readdirSync('.')) {
    if (/^(build.*|node_modules|docs|\.(?!ci$).*)$/.test(name)) continue;
    rmSync(join(copy, name), { recursive: true, force: true });
    cpSync(name, join(copy, name), { recursive: true, preserveTimestamps: true });
  }
  if (!existsSync(join(copy, 'node_modules'))) symlinkSync('../node_modules', join(copy, 'node_modules'));
  const flags = '-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1';
  const env = { CXX: 'g++', CXXFLAGS: flags, LDFLAGS: '-fsanitize=address,undefined' };
  const { ok } = call('npx', ['node-gyp', 'rebuild', '--silent'], { cwd: copy, env });
  if (!ok) throw new Error('the addon cannot be built under ASan');
}

/** One echo in Node under valgrind; what Node itself does is left out, what goes through our addon counts. */
function smoke() {
  const program = `
    import { connect, createTask, listen, run } from 'coreactor';
    run(function* () {
      const listener = listen({ host: '127.0.0.1', port: 0 });
      createTask(function* () {
        const server = yield* listener.accept();
        yield* server.sendAll(yield* server.recv(100));
        server.close();
      });
      const client = yield* connect(listener.address);
      yield* client.sendAll(Buffer.from('hello'));
      console.log('echo:', String(yield* client.recv(100)));
      client.close();
      listener.close();
    });`;
  const log = join(reports, 'valgrind');
  const valgrind = ['--smc-check=all-non-file', '--error-limit=no', '--num-callers=30', `--log-file=${log}`];
  const node = [process.execPath, '--jitless', '--single-threaded', '--input-type=module', '-e', program];
  const { output } = call('valgrind', [...valgrind, ...node], { stdio: 'pipe' });
  const blocks = existsSync(log) ? readFileSync(log, 'utf8').split(/\n==\d+== \n/) : [];
  const ours = blocks.filter((block) => /at 0x|by 0x/.test(block) && block.includes('coreactor'));
  console.log(output.trim());
  for (const block of ours) console.log(block);
  return output.includes('echo: hello') && ours.length === 0;
}

const asked = process.argv.slice(2);
const table = [];
for (const [name, check] of Object.entries(checks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const begin = Date.now();
  let ok = false;
  try {
    ok = check();
  } catch (error) {
    console.error(String(error));
  }
  // A test may survive the end of a program that it has started: the reports tell all the same.
  for (const file of readdirSync(reports).filter((each) => /^(asan|ubsan)/.test(each))) {
    ok = false;
    console.error(readFileSync(join(reports, file), 'utf8'));
    rmSync(join(reports, file));
  }
  table.push({
    check: name,
    result: ok ? 'nothing found' : 'FAILED',
    seconds: Math.round((Date.now() - begin) / 1000),
  });
}
rmSync(reports, { recursive: true });
console.table(table);
if (table.length === 0) console.error(`the checks are ${Object.keys(checks).join(', ')}`);
process.exit(table.length > 0 && table.every(({ result }) => result !== 'FAILED') ? 0 : 1);
