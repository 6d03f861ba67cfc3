// The work of piscina's workers: none.

export default (/** @type {number} */ n) => n;
