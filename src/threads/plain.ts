// Which values come out of JSON as they went in, and as structuredClone() would give them: those a worker can tell in a word.

/**
 * Whether it is a number (not NaN, an infinity or -0), a boolean, a string, null, or a small tree of plain objects and arrays
 * of such. Refers to nothing around it, since workers have it by its text.
 */
export function isPlain(value: unknown): boolean {
  // So many objects and arrays at most, so that finding one that is there twice costs little; and so many items: a long
  // array is better off with a serializer made for it.
  const [mostObjects, longestArray] = [32, 64];
  const seen: unknown[] = [];
  const look = (one: unknown): boolean => {
    switch (typeof one) {
      case 'string':
      case 'boolean':
        return true;
      case 'number':
        return Number.isFinite(one) && !Object.is(one, -0);
      case 'object':
        return one === null || lookInto(one);
      default:
        return false;
    }
  };
  const lookInto = (one: object): boolean => {
    // What is there twice is one object in a clone, and what holds itself has no end.
    if (seen.length === mostObjects || seen.includes(one)) return false;
    if ('toJSON' in one) return false; // JSON calls it, also where no loop finds it
    seen.push(one);
    if (!Array.isArray(one)) {
      if (Object.getPrototypeOf(one) !== Object.prototype) return false;
      for (const key in one) if (!look(one[key as keyof object])) return false;
      return true;
    }
    return one.length <= longestArray && Object.keys(one).length === one.length && one.every(look);
  };
  return look(value);
}
