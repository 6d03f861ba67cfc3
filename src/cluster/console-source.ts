// What comes first in the program of a cluster's worker: nothing that it writes to console keeps it alive.

/**
 * What a worker writes is a message to the host's loop, and Node lets no worker end before that has said that it has it. A
 * loop that blocks the host's thread says so after its end, and its close() waits for the end of the worker. So the worker
 * takes what is sent for written: it is in the host's hands, also when the worker is no more. (A host without such messages
 * has none of these names, and waits for nothing.)
 */
export const CONSOLE = `
for (const stream of [process.stdout, process.stderr]) {
  const written = Object.getOwnPropertySymbols(Object.getPrototypeOf(stream)).find(
    ({ description }) => description === 'kStdioWantsMoreDataCallback',
  );
  if (written === undefined) continue;
  const { _writev } = stream;
  stream._writev = (chunks, done) => {
    _writev.call(stream, chunks, done);
    stream[written]();
  };
}
`;
