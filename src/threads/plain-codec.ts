// Plain values as bytes and back: what most messages are, and three times as quick as JSON. That is because the names of
// properties go once: objects that have the same ones in the same order are of one shape, which has a number, and is told
// in the first message that needs it. A writer and a reader are the two ends of one channel.
//
//   message:  where the new shapes are, 0 if there are none | value | new shapes: how many, each its number and names
//   value:    tag | what it needs; an array its length and items, an object its shape and values, or its
//            names and values if it has no shape, since there are too many

import { types } from 'node:util';
import { isWellFormed, SHORT, type TextBuffer, type TextWindow, writeLetters } from './text-buffer.ts';

const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const INTEGER = 3;
const NUMBER = 4;
const SHORT_TEXT = 5;
const TEXT = 6;
const ARRAY = 7;
const OBJECT = 8;
/** An object without a shape. */
const RECORD = 9;

const HEADER_BYTES = 4;
/** What is longer is better off with a serializer made for it. */
const MOST_BYTES = 1 << 16;
const MOST_ITEMS = 64;
/** So few that it costs little to find the one that is there twice. */
const MOST_OBJECTS = 32;
const MOST_NAMES = 255;
/** Names that never come again are not to fill the memory. */
const MOST_SHAPES = 1 << 12;

/** The names of an object's properties in their order: one more than its parent has. All shapes are a tree. */
export class Shape {
  /** By this the reader knows it. */
  readonly number: number;
  readonly #parent: Shape | null;
  readonly #name: string;
  readonly #depth: number;
  /** Whether the reader has been told. */
  told = false;
  readonly #next = new Map<string, Shape>();
  #lastName = '';
  #last: Shape | null = null;

  constructor(number: number, parent: Shape | null = null, name = '') {
    this.number = number;
    this.#parent = parent;
    this.#name = name;
    this.#depth = parent === null ? 0 : parent.#depth + 1;
  }

  get names(): string[] {
    const names: string[] = [];
    for (let each: Shape = this; each.#parent !== null; each = each.#parent) names.push(each.#name);
    return names.reverse();
  }

  /** The one with one more name; `number` is for a new one, which is not made if that is too high. */
  with(name: string, number: number): Shape | null {
    if (this.#lastName === name && this.#last !== null) return this.#last;
    let next = this.#next.get(name);
    if (next === undefined) {
      if (number === MOST_SHAPES || this.#depth === MOST_NAMES || name === '__proto__') return null;
      next = new Shape(number, this, name);
      this.#next.set(name, next);
    }
    this.#lastName = name;
    this.#last = next;
    return next;
  }
}

export const NONE: readonly Shape[] = [];

/** What the functions below give in place of an end: the value is none that goes this way. */
const REFUSED = -1;

export class PlainWriter {
  /** What write() has written last, by the byte and by the word. */
  readonly bytes = Buffer.allocUnsafeSlow(MOST_BYTES) as TextBuffer;
  readonly words = new Uint32Array(this.bytes.buffer);
  /** The shapes that are new in it: they are told when it is on its way. */
  fresh: readonly Shape[] = NONE;
  readonly #view = new DataView(this.bytes.buffer);
  readonly #root = new Shape(0);
  #shapes = 1;
  /** The objects in it, the first #count of them. */
  readonly #seen: (object | null)[] = Array(MOST_OBJECTS).fill(null);
  #count = 0;
  #busy = false;

  /**
   * Writes a number (not NaN, an infinity or -0), a boolean, null, a text, or a small tree of plain objects and arrays of
   * such; gives how many bytes that has taken, or 0 for any other value.
   */
  write(value: unknown): number {
    if (this.#busy) return 0; // called by a getter
    this.#busy = true;
    this.fresh = NONE;
    try {
      const end = this.put(value, HEADER_BYTES);
      if (end === REFUSED) return 0;
      const isNew = this.fresh.length > 0;
      this.#view.setUint32(0, isNew ? end : 0);
      return isNew ? Math.max(this.putShapes(end), 0) : end;
    } finally {
      this.#busy = false;
      while (this.#count > 0) this.#seen[--this.#count] = null;
    }
  }

  // They write from `at` on and give where it ends, or REFUSED.
  private put(value: unknown, at: number): number {
    if (at + 16 > MOST_BYTES) return REFUSED;
    switch (typeof value) {
      case 'number':
        return this.putNumber(value, at);
      case 'string':
        return this.putText(value, at);
      case 'boolean':
        this.bytes[at] = value ? TRUE : FALSE;
        return at + 1;
      case 'object':
        if (value !== null) return this.putObject(value, at);
        this.bytes[at] = NULL;
        return at + 1;
      default:
        return REFUSED;
    }
  }

  private putNumber(value: number, at: number): number {
    if ((value | 0) === value && !Object.is(value, -0)) {
      this.bytes[at] = INTEGER;
      this.#view.setInt32(at + 1, value);
      return at + 5;
    }
    if (Object.is(value, -0) || !Number.isFinite(value)) return REFUSED;
    this.bytes[at] = NUMBER;
    this.#view.setFloat64(at + 1, value);
    return at + 9;
  }

  private putText(text: string, at: number): number {
    const { bytes } = this;
    const { length } = text;
    if (at + 3 * length + 16 > MOST_BYTES) return REFUSED;
    if (length < SHORT && writeLetters(bytes, text, at + 2)) {
      bytes[at] = SHORT_TEXT;
      bytes[at + 1] = length;
      return at + 2 + length;
    }
    if (!isWellFormed(text)) return REFUSED;
    bytes[at] = TEXT;
    const taken = bytes.utf8Write(text, at + 5);
    this.#view.setUint32(at + 1, taken);
    return at + 5 + taken;
  }

  private putObject(value: object, at: number): number {
    // What is there twice is one object in a clone, and what holds itself has no end.
    if (this.#count === MOST_OBJECTS || types.isProxy(value)) return REFUSED;
    for (let i = 0; i < this.#count; i++) if (this.#seen[i] === value) return REFUSED;
    this.#seen[this.#count++] = value;
    if (Array.isArray(value)) return this.putArray(value, at);
    if (Object.getPrototypeOf(value) !== Object.prototype) return REFUSED;
    const names = Object.keys(value);
    const shape = this.shapeOf(names);
    if (shape === null) return this.putRecord(names, value, at);
    if (!shape.told && !this.fresh.includes(shape)) this.fresh = [...this.fresh, shape];
    this.bytes[at] = OBJECT;
    this.#view.setUint16(at + 1, shape.number);
    let end = at + 3;
    for (let i = 0; i < names.length && end !== REFUSED; i++) end = this.put(value[names[i] as keyof object], end);
    return end;
  }

  private shapeOf(names: readonly string[]): Shape | null {
    let shape = this.#root;
    for (let i = 0; i < names.length; i++) {
      const next = shape.with(names[i] as string, this.#shapes);
      if (next === null) return null;
      if (next.number === this.#shapes) this.#shapes++;
      shape = next;
    }
    return shape;
  }

  private putRecord(names: readonly string[], value: object, at: number): number {
    if (names.includes('__proto__')) return REFUSED; // whose assignment makes no property
    this.bytes[at] = RECORD;
    this.#view.setUint16(at + 1, names.length);
    let end = at + 3;
    for (const name of names) {
      end = this.putText(name, end);
      if (end !== REFUSED) end = this.put(value[name as keyof object], end);
      if (end === REFUSED) break;
    }
    return end;
  }

  private putArray(items: readonly unknown[], at: number): number {
    const { length } = items;
    // It may have properties of its own, which JSON drops; a hole is undefined, and so not put.
    if (length > MOST_ITEMS || Object.keys(items).length !== length) return REFUSED;
    this.bytes[at] = ARRAY;
    this.bytes[at + 1] = length;
    let end = at + 2;
    for (let i = 0; i < length && end !== REFUSED; i++) end = this.put(items[i], end);
    return end;
  }

  private putShapes(at: number): number {
    this.bytes[at] = this.fresh.length;
    let end = at + 1;
    for (const { names, number } of this.fresh) {
      if (end + 16 > MOST_BYTES) return REFUSED;
      this.#view.setUint16(end, number);
      this.bytes[end + 2] = names.length;
      end += 3;
      for (const name of names) {
        end = this.putText(name, end);
        if (end === REFUSED) return REFUSED;
      }
    }
    return end;
  }
}

/** Gives it a property, whatever the program has done to Object.prototype: a setter there, a name of a descriptor, or frozen. */
function put(made: object, name: string, value: unknown): void {
  const own = { __proto__: null, value, enumerable: true, writable: true, configurable: true };
  Object.defineProperty(made, name, own);
}

/** An object of a shape, with null for each of its values. */
function emptyOf(names: readonly string[]): Record<string, unknown> {
  const empty = {};
  for (const name of names) put(empty, name, null);
  return empty;
}

/** What a reader knows of a shape. */
interface Known {
  readonly names: readonly string[];
  readonly empty: Record<string, unknown>;
}

export class PlainReader {
  readonly #shapes: Known[] = [];
  readonly #text: TextWindow;
  #bytes: TextBuffer = Buffer.alloc(0) as TextBuffer;
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** The window that moves with what it reads. */
  constructor(text: TextWindow) {
    this.#text = text;
  }

  /** What a writer has written, in these bytes from there on. */
  read(bytes: TextBuffer, from: number): unknown {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const shapes = this.#view.getUint32(from);
    if (shapes !== 0) this.takeShapes(from + shapes);
    this.#at = from + HEADER_BYTES;
    return this.take();
  }

  private take(): unknown {
    switch (this.#bytes[this.#at++]) {
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case INTEGER:
        this.#at += 4;
        return this.#view.getInt32(this.#at - 4);
      case NUMBER:
        this.#at += 8;
        return this.#view.getFloat64(this.#at - 8);
      case SHORT_TEXT: {
        const length = this.#bytes[this.#at++] as number;
        this.#at += length;
        return this.#text.latin1(this.#at - length, this.#at);
      }
      case TEXT: {
        const length = this.#view.getUint32(this.#at);
        this.#at += 4 + length;
        return this.#bytes.utf8Slice(this.#at - length, this.#at);
      }
      case ARRAY:
        return this.takeArray();
      case OBJECT:
        return this.takeObject();
      default:
        return this.takeRecord();
    }
  }

  private takeArray(): unknown[] {
    const length = this.#bytes[this.#at++] as number;
    const items: unknown[] = [];
    for (let i = 0; i < length; i++) items.push(this.take());
    return items;
  }

  private takeObject(): object {
    const { names, empty } = this.#shapes[this.#view.getUint16(this.#at)] as Known;
    this.#at += 2;
    const made = { ...empty }; // all properties are its own: to assign them looks at no prototype
    for (let i = 0; i < names.length; i++) made[names[i] as string] = this.take();
    return made;
  }

  private takeRecord(): object {
    const made = {};
    let left = this.#view.getUint16(this.#at);
    for (this.#at += 2; left > 0; left--) put(made, this.take() as string, this.take());
    return made;
  }

  private takeShapes(from: number): void {
    this.#at = from;
    for (let left = this.#bytes[this.#at++] as number; left > 0; left--) {
      const number = this.#view.getUint16(this.#at);
      const length = this.#bytes[this.#at + 2] as number;
      this.#at += 3;
      const names = Array.from({ length }, () => this.take() as string);
      this.#shapes[number] = { names, empty: emptyOf(names) };
    }
  }
}
