// What nobody catches, for a test that expects it: in place of vitest's own listeners, once.

export function nextUncaught(): Promise<Error> {
  return new Promise((resolve) => {
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => {
      for (const each of before) process.on('uncaughtException', each);
      resolve(error);
    });
  });
}
