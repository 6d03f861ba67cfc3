// tail -f: prints what is in a file, and then what is added to it, told by inotify. Linux only.
//
//   node examples/tail.js FILE
//
// A regular file cannot be waited on: it is always ready. So inotify tells when to read, and reading is an ordinary call.

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { Inotify, run } from 'coreactor';

const [path = ''] = process.argv.slice(2);

run(function* () {
  const changes = new Inotify();
  changes.watch(path, ['modify', 'attrib']); // before the first look: nothing falls between
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(65_536);
  let at = 0;
  try {
    for (;;) {
      const { size, nlink } = fstatSync(file);
      if (size < at) at = 0; // it was truncated: from the beginning
      while (at < size) {
        const length = readSync(file, buffer, 0, buffer.length, at);
        writeSync(1, buffer, 0, length);
        at += length;
      }
      if (nlink === 0) return; // nobody can find it any more
      yield* changes.next();
    }
  } finally {
    closeSync(file);
    changes.close();
  }
});
