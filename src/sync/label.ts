// How a primitive is called in a message: by its name if it has one, else by a number that is given at the first print.

const numbers = new WeakMap<object, number>();
const last = new Map<string, number>();

/** 'Lock db', or 'Lock-1'. */
export function label(object: object, kind: string, name: string | undefined): string {
  if (name !== undefined) return `${kind} ${name}`;
  let number = numbers.get(object);
  if (number === undefined) {
    number = (last.get(kind) ?? 0) + 1;
    last.set(kind, number);
    numbers.set(object, number);
  }
  return `${kind}-${number}`;
}
