// Plain values as bytes and back: what most messages are, and three times as quick as JSON. That is because the names of
// properties go once: objects that have the same ones in the same order are of one shape, which has a number, and is told
// in the first message that needs it. A writer and a reader are the two ends of one channel.
//
//   message:  where the new shapes are, 0 if there are none | value | new shapes: how many, each its number and names
//   value:    tag | what it needs; an array its length and items, an object its shape and values, or its
//            names and values if it has no shape, since there are too many

import { types } from 'node:util';
import { isWellFormed, type TextBuffer } from './text-buffer.ts';

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
/** So short a text is quicker letter by letter. */
const SHORT = 32;

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

export class PlainWriter {
  /** What write() has written last. */
  readonly bytes = Buffer.allocUnsafeSlow(MOST_BYTES) as TextBuffer;
  /** The shapes that are new in it: they are told when it is on its way. */
  fresh: readonly Shape[] = NONE;
  readonly #view = new DataView(this.bytes.buffer);
  readonly #root = new Shape(0);
  #shapes = 1;
  #seen: object[] = [];
  #at = 0;

  /**
   * Writes a number (not NaN, an infinity or -0), a boolean, null, or a small tree of plain objects and arrays of such and
   * of texts; gives how many bytes that has taken, or 0 for any other value.
   */
  write(value: unknown): number {
    if (this.#at !== 0) return 0; // called by a getter
    this.fresh = NONE;
    try {
      this.#at = HEADER_BYTES;
      if (!this.put(value)) return 0;
      const isNew = this.fresh.length > 0;
      this.#view.setUint32(0, isNew ? this.#at : 0);
      if (isNew && !this.putShapes()) return 0;
      return this.#at;
    } finally {
      this.#at = 0;
      if (this.#seen.length > 0) this.#seen = [];
    }
  }

  private put(value: unknown): boolean {
    if (this.#at + 16 > MOST_BYTES) return false;
    switch (typeof value) {
      case 'number':
        return this.putNumber(value);
      case 'string':
        return this.putText(value);
      case 'boolean':
        this.bytes[this.#at++] = value ? TRUE : FALSE;
        return true;
      case 'object':
        if (value !== null) return this.putObject(value);
        this.bytes[this.#at++] = NULL;
        return true;
      default:
        return false;
    }
  }

  private putNumber(value: number): boolean {
    if (Object.is(value, -0) || !Number.isFinite(value)) return false;
    const isInteger = (value | 0) === value;
    this.bytes[this.#at] = isInteger ? INTEGER : NUMBER;
    if (isInteger) this.#view.setInt32(this.#at + 1, value);
    else this.#view.setFloat64(this.#at + 1, value);
    this.#at += isInteger ? 5 : 9;
    return true;
  }

  private putText(text: string): boolean {
    const { bytes } = this;
    const { length } = text;
    if (this.#at + 3 * length + 16 > MOST_BYTES) return false;
    if (length < SHORT) {
      let at = this.#at;
      bytes[at++] = SHORT_TEXT;
      bytes[at++] = length;
      let bits = 0;
      for (let i = 0; i < length; i++) {
        const code = text.charCodeAt(i);
        bits |= code;
        bytes[at++] = code;
      }
      if (bits < 256) {
        this.#at = at;
        return true;
      }
    }
    if (!isWellFormed(text)) return false;
    bytes[this.#at] = TEXT;
    const taken = bytes.utf8Write(text, this.#at + 5);
    this.#view.setUint32(this.#at + 1, taken);
    this.#at += 5 + taken;
    return true;
  }

  private putObject(value: object): boolean {
    // What is there twice is one object in a clone, and what holds itself has no end.
    if (this.#seen.length === MOST_OBJECTS || this.#seen.includes(value) || types.isProxy(value)) return false;
    this.#seen.push(value);
    if (Array.isArray(value)) return this.putArray(value);
    if (Object.getPrototypeOf(value) !== Object.prototype) return false;
    const names = Object.keys(value);
    const shape = this.shapeOf(names);
    if (shape === null) return this.putRecord(names, value);
    if (!shape.told && !this.fresh.includes(shape)) this.fresh = [...this.fresh, shape];
    this.bytes[this.#at] = OBJECT;
    this.#view.setUint16(this.#at + 1, shape.number);
    this.#at += 3;
    for (const name of names) if (!this.put(value[name as keyof object])) return false;
    return true;
  }

  private shapeOf(names: readonly string[]): Shape | null {
    let shape = this.#root;
    for (const name of names) {
      const next = shape.with(name, this.#shapes);
      if (next === null) return null;
      if (next.number === this.#shapes) this.#shapes++;
      shape = next;
    }
    return shape;
  }

  private putRecord(names: readonly string[], value: object): boolean {
    if (names.includes('__proto__')) return false; // whose assignment makes no property
    this.bytes[this.#at] = RECORD;
    this.#view.setUint16(this.#at + 1, names.length);
    this.#at += 3;
    for (const name of names) if (!this.putText(name) || !this.put(value[name as keyof object])) return false;
    return true;
  }

  private putArray(items: readonly unknown[]): boolean {
    const { length } = items;
    // It may have properties of its own, which JSON drops; a hole is undefined, and so not put.
    if (length > MOST_ITEMS || Object.keys(items).length !== length) return false;
    this.bytes[this.#at++] = ARRAY;
    this.bytes[this.#at++] = length;
    for (let i = 0; i < length; i++) if (!this.put(items[i])) return false;
    return true;
  }

  private putShapes(): boolean {
    this.bytes[this.#at++] = this.fresh.length;
    for (const { names, number } of this.fresh) {
      if (this.#at + 16 > MOST_BYTES) return false;
      this.#view.setUint16(this.#at, number);
      this.bytes[this.#at + 2] = names.length;
      this.#at += 3;
      for (const name of names) if (!this.putText(name)) return false;
    }
    return true;
  }
}

/** Gives it a property, whatever the program has done to Object.prototype: a setter there, or one that is frozen. */
function put(made: Record<string, unknown>, name: string, value: unknown): void {
  if (!(name in Object.prototype)) made[name] = value;
  else Object.defineProperty(made, name, { value, enumerable: true, writable: true, configurable: true });
}

export class PlainReader {
  readonly #shapes: (readonly string[])[] = [];
  #bytes: TextBuffer = Buffer.alloc(0) as TextBuffer;
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** What a writer has written, in these bytes from there on. */
  read(bytes: Buffer, from: number): unknown {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes as TextBuffer;
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
        return this.#bytes.latin1Slice(this.#at - length, this.#at);
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
    const names = this.#shapes[this.#view.getUint16(this.#at)] as readonly string[];
    this.#at += 2;
    const made: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) put(made, names[i] as string, this.take());
    return made;
  }

  private takeRecord(): object {
    const made: Record<string, unknown> = {};
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
      this.#shapes[number] = Array.from({ length }, () => this.take() as string);
    }
  }
}
