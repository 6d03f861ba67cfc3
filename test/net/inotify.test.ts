// inotify as an operation: what changes, in which order, and what is refused. (Linux)

import { appendFileSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTask, Inotify, run, sleep, timeout } from '../../src/index.ts';
import { countDescriptors } from '../support/descriptors.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coreactor-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('changes of a directory come with their names, in their order; a move has two halves with one cookie', () => {
  run(function* () {
    using changes = new Inotify();
    const watch = changes.watch(folder, ['create', 'modify', 'movedFrom', 'movedTo', 'delete']);
    writeFileSync(join(folder, 'a'), 'x');
    renameSync(join(folder, 'a'), join(folder, 'b'));
    unlinkSync(join(folder, 'b'));
    const seen = yield* timeout(5000, () => changes.next());
    expect(seen.map(({ watch: of, name, events }) => [of === watch, name, ...events])).toEqual([
      [true, 'a', 'create'],
      [true, 'a', 'modify'],
      [true, 'a', 'movedFrom'],
      [true, 'b', 'movedTo'],
      [true, 'b', 'delete'],
    ]);
    expect(seen[2]?.cookie).toBe(seen[3]?.cookie);
    expect(seen[2]?.cookie).not.toBe(0);
  });
});

test('H9: next() suspends until something changes, and a cancelled one loses no change', () => {
  run(function* () {
    using changes = new Inotify();
    const file = join(folder, 'file');
    writeFileSync(file, '');
    changes.watch(file, ['modify']);
    const waiting = createTask(() => changes.next());
    yield* sleep(1);
    expect(waiting.done).toBe(false);
    waiting.cancel();
    yield* sleep(0);
    appendFileSync(file, 'x');
    const [change] = yield* timeout(5000, () => changes.next());
    expect([change?.events, change?.name]).toEqual([['modify'], '']);
  });
});

test('unwatch() is told by a last change; a path that is not there, an unknown event, a closed one are refused', () => {
  const before = countDescriptors();
  run(function* () {
    const changes = new Inotify();
    const watch = changes.watch(folder, ['create']);
    changes.unwatch(watch);
    expect((yield* timeout(5000, () => changes.next()))[0]?.events).toEqual(['ignored']);
    expect(() => changes.unwatch(watch)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => changes.watch(join(folder, 'nothing'), ['create'])).toThrow(/ENOENT.*nothing|nothing.*ENOENT/);
    expect(() => changes.watch(folder, ['change' as never])).toThrow(/no event "change": take of access, modify/);
    expect(() => changes.watch(folder, [])).toThrow(RangeError);
    expect(() => changes.watch('a\0b', ['create'])).toThrow(RangeError);
    changes.close();
    changes.close();
    expect(() => changes.watch(folder, ['create'])).toThrow(/closed/);
    expect(() => changes.next()).toThrow(/closed/);
  });
  expect(countDescriptors()).toBe(before);
});
