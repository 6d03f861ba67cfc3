// An error on its way from a worker, as plain data: a clone of one keeps neither an AggregateError's errors, nor what it has
// of its own (a code), nor what its cause has, and is nothing at all if one property of it cannot be cloned.

/** What was thrown: an error, or a copy of anything else. Those that hold each other are the same objects in here, too. */
export type Packed = { readonly value: unknown } | PackedError;

interface PackedError {
  readonly base: (typeof CLASSES)[number];
  readonly texts: { readonly name?: string; readonly message?: string; readonly stack?: string };
  readonly cause?: Packed;
  /** Of an AggregateError. */
  readonly errors?: readonly Packed[];
  readonly own: Readonly<Record<string, Packed>>;
}

/** The language's own, the more special ones first. */
const CLASSES = [
  'AggregateError',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'Error',
] as const;

/** How many errors may be within each other: what is packed is cloned, and that has a stack. */
const DEEPEST = 100;

/** The worker's side: pack(thrown). Plain JavaScript as text, as all of its program. */
export const PACK = `
const { inspect, types: { isNativeError } } = builtin('node:util');

function copied(value) {
  try {
    return { value: structuredClone(value) };
  } catch {
    return null;
  }
}

function shown(value) {
  try {
    return inspect(value);
  } catch {
    return 'what cannot be shown: its own inspection throws';
  }
}

function pack(thrown, seen = new Map(), depth = 0) {
  let isError = false;
  try {
    isError = isNativeError(thrown) || thrown instanceof Error;
  } catch {} // a Proxy may throw at everything
  if (!isError) return copied(thrown) ?? { value: shown(thrown) };
  if (seen.has(thrown)) return seen.get(thrown);
  if (depth === ${DEEPEST}) return { value: 'and so on: errors within errors, deeper than is kept' };
  const packed = { base: 'Error', texts: {}, own: {} };
  seen.set(thrown, packed);
  const inside = (value) => pack(value, seen, depth + 1);
  // A getter may throw, at any of them: only that is lost.
  const attempt = (fn) => { try { fn(); } catch {} };
  attempt(() => { packed.base = ${JSON.stringify(CLASSES)}.find((name) => thrown instanceof globalThis[name]) ?? 'Error'; });
  const taken = new Set(['name', 'message', 'stack', 'cause']);
  for (const key of ['name', 'message', 'stack']) {
    attempt(() => { if (typeof thrown[key] === 'string') packed.texts[key] = thrown[key]; });
  }
  attempt(() => { if (Object.hasOwn(thrown, 'cause')) packed.cause = inside(thrown.cause); });
  attempt(() => {
    if (packed.base !== 'AggregateError' || !Array.isArray(thrown.errors)) return;
    taken.add('errors');
    packed.errors = thrown.errors.map(inside);
  });
  attempt(() => {
    for (const key of Object.keys(thrown)) {
      if (taken.has(key)) continue;
      attempt(() => {
        const value = thrown[key];
        const found = isNativeError(value) ? inside(value) : copied(value);
        if (found !== null) packed.own[key] = found;
      });
    }
  });
  return packed;
}
`;

/** This side: what was thrown there, as near to it as it gets. */
export function unpack(packed: Packed, seen = new Map<Packed, unknown>()): unknown {
  if ('value' in packed) return packed.value;
  if (seen.has(packed)) return seen.get(packed);
  const { base, texts, cause, errors = [], own } = packed;
  const { message } = texts;
  const error = base === 'AggregateError' ? new AggregateError([], message) : new globalThis[base](message);
  seen.set(packed, error);
  const give = (key: string, value: unknown, enumerable = false): void => {
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  };
  for (const [key, text] of Object.entries(texts)) {
    if (error[key as keyof typeof texts] !== text) give(key, text);
  }
  if (cause !== undefined) give('cause', unpack(cause, seen));
  if (base === 'AggregateError')
    give(
      'errors',
      errors.map((each) => unpack(each, seen)),
    );
  for (const [key, value] of Object.entries(own)) give(key, unpack(value, seen), true);
  return error;
}
