// A value as bytes and back, for what is not plain: as structuredClone() copies it, but see send().

import type * as V8 from 'node:v8';

const v8 = (): typeof V8 => process.getBuiltinModule('node:v8') as typeof V8;

export function serialize(value: unknown): Uint8Array {
  return v8().serialize(value);
}

/** What the bytes stand for; it shares no memory with them. */
export function deserialize(bytes: Buffer): unknown {
  if (process.versions.bun !== undefined) return v8().deserialize(bytes); // which shares none
  owning ??= makeOwning();
  const deserializer = new owning(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

type Deserializer = new (bytes: Buffer) => V8.Deserializer & { _readHostObject(): ArrayBufferView };

let owning: Deserializer | undefined;

/** Node's own would give windows onto the message, and so onto all that shares its memory: here each view has its own. */
function makeOwning(): Deserializer {
  return class extends (v8().DefaultDeserializer as unknown as Deserializer) {
    override _readHostObject(): ArrayBufferView {
      const view = super._readHostObject();
      const { buffer, byteOffset, byteLength } = view;
      const own = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
      if (Buffer.isBuffer(view)) return Buffer.from(own);
      return new (view.constructor as new (buffer: ArrayBuffer) => ArrayBufferView)(own);
    }
  };
}
