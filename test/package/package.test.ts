// The package as users get it: packed, installed with scripts ignored in an empty folder, and run there.

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let folder = '';
let installed = '';

function call(
  cwd: string,
  command: string,
  ...args: string[]
): { stdout: string; stderr: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 100_000 });
  return { stdout, stderr, status };
}

let tarball = '';

describe('the package', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'coreactor-package-'));
    installed = join(folder, 'node_modules', 'coreactor');
    const packed = call('.', 'npm', 'pack', '--silent', '--pack-destination', folder);
    expect([packed.status, packed.stderr]).toEqual([0, expect.any(String)]);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    tarball = join(folder, packed.stdout.trim().split('\n').at(-1) as string);
    const result = call(folder, 'npm', 'install', '--ignore-scripts', '--offline', '--no-audit', tarball);
    expect(result, result.stderr).toMatchObject({ status: 0 });
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('it brings nothing else, runs nothing when it is installed, and has a prebuilt addon', () => {
    const { dependencies, optionalDependencies, peerDependencies, scripts } = JSON.parse(
      readFileSync(join(installed, 'package.json'), 'utf8'),
    );
    expect([dependencies, optionalDependencies, peerDependencies]).toEqual([undefined, undefined, undefined]);
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) expect(scripts[name], name).toBe(undefined);
    expect(call(folder, 'npm', 'ls', '--all', '--parseable').stdout.trim().split('\n').length).toBe(2);
  });

  test('npm compiles nothing: not when it installs, not by the lock file, not when it rebuilds', () => {
    const other = join(folder, 'with-scripts');
    mkdirSync(other);
    // A newer npm blocks the scripts that are not allowed.
    writeFileSync(join(other, 'package.json'), '{ "allowScripts": { "coreactor": true } }');
    for (const command of [['install', tarball], ['ci'], ['rebuild'], ['rebuild', 'coreactor']]) {
      // Compiling would end in an error, since node-addon-api is not found.
      const result = call(other, 'npm', ...command, '--offline', '--no-audit');
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(existsSync(join(other, 'node_modules', 'coreactor', 'build')), command[0]).toBe(false);
    }
  });

  test('an echo runs on it, as it was installed', () => {
    writeFileSync(
      join(folder, 'echo.js'),
      `import { connect, createTask, listen, run, runPromise } from 'coreactor';
      function* main() {
        const listener = listen({ host: '127.0.0.1', port: 0 });
        createTask(function* () {
          const socket = yield* listener.accept();
          yield* socket.sendAll(yield* socket.recv(100));
        });
        const socket = yield* connect(listener.address);
        yield* socket.sendAll(Buffer.from('hello'));
        return String(yield* socket.recv(100));
      }
      console.log(run(main), await runPromise(main));`,
    );
    expect(call(folder, process.execPath, 'echo.js')).toEqual({ stdout: 'hello hello\n', stderr: '', status: 0 });
  });

  test('a CommonJS program may require() it, and gets the same module as import does', () => {
    writeFileSync(
      join(folder, 'required.cjs'),
      `const { run, sleep } = require('coreactor');
      const { simulate } = require('coreactor/testing');
      function* main() { yield* sleep(1); return 'slept'; }
      console.log(run(main), simulate(main));
      import('coreactor').then((imported) => console.log(imported === require('coreactor')));`,
    );
    const { stdout, status } = call(folder, process.execPath, 'required.cjs');
    expect([stdout, status]).toEqual(['slept slept\ntrue\n', 0]);
  });

  test('its types are found by a program that is checked strictly', () => {
    writeFileSync(
      join(folder, 'typed.ts'),
      `import { type Coroutine, Queue, run, sleep, Task } from 'coreactor';
      import { simulate } from 'coreactor/testing';
      function* main(): Coroutine<number> {
        const queue = new Queue<number>();
        queue.putNowait(1);
        yield* sleep(1);
        return yield* queue.get();
      }
      const one: number = run(main);
      const two: number = simulate(main);
      // @ts-expect-error: a yield without a star does not compile
      function* wrong(): Coroutine<void> { yield sleep(1); }
      console.log(one + two, wrong, Task);`,
    );
    const tsc = join(process.cwd(), 'node_modules', '.bin', 'tsc');
    const types = ['--types', 'node', '--typeRoots', join(process.cwd(), 'node_modules', '@types')];
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023,esnext.disposable', ...types];
    cpSync(join(folder, 'typed.ts'), join(folder, 'typed.cts'));
    const programs = { node16: ['typed.ts'], nodenext: ['typed.ts', 'typed.cts'], preserve: ['typed.ts', 'typed.cts'] };
    for (const [module, files] of Object.entries(programs)) {
      const resolution = module === 'preserve' ? ['--moduleResolution', 'bundler'] : [];
      const result = call(folder, tsc, ...options, '--module', module, ...resolution, ...files);
      expect(result).toEqual({ stdout: '', stderr: '', status: 0 });
    }
  });

  test('publint finds nothing', () => {
    const publint = join(process.cwd(), 'node_modules', '.bin', 'publint');
    const { stdout, status } = call(folder, publint, 'run', installed, '--strict');
    expect([status, stdout]).toEqual([0, expect.stringContaining('All good')]);
  });

  test('attw finds nothing, for a package of ES modules', () => {
    const attw = join(process.cwd(), 'node_modules', '.bin', 'attw');
    const { stdout, stderr, status } = call(folder, attw, tarball, '--profile', 'esm-only', '--no-color', '--no-emoji');
    expect([status, stdout], stderr).toEqual([0, expect.stringContaining('OK (ESM)')]);
  });

  describe('without a prebuilt addon', () => {
    let program = '';
    let modules = '';
    const load = (before: string): string => {
      const source = `${before} const loaded = () => console.log('loaded');
        await import('coreactor').then(loaded, ({ code, message }) => console.log(code, message));`;
      return call(program, process.execPath, '--input-type=module', '-e', source).stdout;
    };

    beforeAll(() => {
      program = join(folder, 'with out'); // a space in it, which the command of that error has to stand
      modules = join(program, 'node_modules');
      cpSync(installed, join(modules, 'coreactor'), { recursive: true });
      rmSync(join(modules, 'coreactor', 'prebuilds'), { recursive: true });
    });

    test('importing it is one clear error, as it is on a platform without a selector', () => {
      expect(load('')).toMatch(/^ERR_COREACTOR_ADDON coreactor has no native addon .*npx node-gyp rebuild/);
      expect(load('')).toContain('build/Release/coreactor.node: is not there');
      const windows = "Object.defineProperty(process, 'platform', { value: 'win32' });";
      expect(load(windows)).toMatch(/^ERR_COREACTOR_ADDON coreactor does not run on Windows/);
    });

    test.skipIf(process.platform !== 'linux')('the one for musl is tried first: musl takes itself for glibc', () => {
      expect(load('')).toMatch(/linux-\w+-musl\/coreactor.node: .*\n.*linux-\w+\/coreactor.node: /);
    });

    test('one that is broken, or for another machine, is named with what the system says of it', () => {
      const prebuilds = join(modules, 'coreactor', 'prebuilds');
      const target = readdirSync(join(installed, 'prebuilds')).find((name) => name.endsWith(process.arch)) as string;
      const file = join(prebuilds, target, 'coreactor.node');
      mkdirSync(join(prebuilds, target), { recursive: true });
      const otherMachine = readFileSync(join(installed, 'prebuilds', target, 'coreactor.node'));
      otherMachine.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18); // of an ELF file
      const spoilt = process.platform === 'linux' ? ['', 'no addon', otherMachine] : ['', 'no addon'];
      for (const content of spoilt) {
        writeFileSync(file, content);
        const answer = load('');
        expect(answer).toMatch(/^ERR_COREACTOR_ADDON coreactor has no native addon .*npx node-gyp rebuild/);
        const [, reason] = new RegExp(`prebuilds/${target}/coreactor.node: (.*)`).exec(answer) ?? [];
        expect(reason).toBeTruthy();
        expect(reason).not.toBe('is not there');
      }
      rmSync(prebuilds, { recursive: true });
    });

    test('it can be compiled as that error says', () => {
      const [, packages = '', command = ''] = /run "npm install --no-save (.*?) && (.*?)"/.exec(load('')) ?? [];
      // As npm would install them.
      for (const path of [...packages.split(' '), '.bin']) {
        symlinkSync(join(process.cwd(), 'node_modules', path), join(modules, path));
      }
      // Another compiler may warn of what ours does not.
      appendFileSync(join(modules, 'coreactor', 'native', 'address.cc'), 'static int unused;\n');
      const compiled = call(program, 'sh', '-c', command);
      expect(compiled, compiled.stderr).toMatchObject({ status: 0 });
      expect(load('')).toBe('loaded\n');
    }, 120_000);
  });
});
