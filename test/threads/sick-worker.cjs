// Preloaded: makes every worker fail before it can begin, as SICK says.
const { isMainThread } = require('node:worker_threads');
if (!isMainThread) {
  const failure = (/** @type {string} */ message) => Object.assign(new Error(message), { code: 'E_SICK' });
  if (process.env.SICK === 'throws') throw failure('cannot begin');
  if (process.env.SICK === 'exits') process.exit(0);
  require('node:fs').openSync = () => {
    throw failure('not allowed');
  };
}
