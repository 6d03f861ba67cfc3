// The memory in which the hot calls' arguments cross to native code and their result comes back. Writing four integers
// here costs less than half of passing them as arguments. The order is that of FrameField in native/binding.

import { addon } from './addon.ts';

export const RESULT = 0;
export const FD = 1;
export const BUFFER = 2;
export const OFFSET = 3;
export const LENGTH = 4;

/** One per thread, also if this module is loaded twice: a call fills it, calls, and reads the result before anything else can run. */
export const frame = addon.attachFrame(new Int32Array(new ArrayBuffer(64)));
