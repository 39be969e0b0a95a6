import { malformed } from "../reader.ts";
import { readFlag } from "./place.ts";
import { type ByteReader } from "../reader.ts";
import type { ComponentValueType } from "./types.ts";

/**
 * Goes over the encoding of a value and refuses one that is not of the type (component model, Binary: Value Definitions).
 *
 * @throws WASM_MALFORMED
 */
export function checkConstant(reader: ByteReader, type: ComponentValueType): void {
  const start = reader.offset;
  const fail = (what: string): Error => malformed(start, `${what} in a value`);
  switch (type.kind) {
    case "bool":
      readFlag(reader, "bool");
      return;
    case "s8":
    case "u8":
      reader.u8();
      return;
    case "u16":
      if (reader.u32() > 0xffff) throw fail("an integer above 16 bits");
      return;
    case "u32":
      reader.u32();
      return;
    case "u64":
      reader.u64();
      return;
    case "s16":
      return signed(reader, 16);
    case "s32":
      return signed(reader, 32);
    case "s64":
      return signed(reader, 64);
    case "f32":
    case "f64":
      return float(reader, type.kind);
    case "char":
      return character(reader);
    case "string":
      reader.name();
      return;
    case "record":
      for (const field of type.fields) checkConstant(reader, field.type);
      return;
    case "tuple":
      for (const inner of type.types) checkConstant(reader, inner);
      return;
    case "list":
      for (let left = type.length ?? reader.count(); left > 0; left -= 1) checkConstant(reader, type.element);
      return;
    case "variant":
    case "enum": {
      const cases = type.kind === "enum" ? type.names.map(() => ({ type: undefined })) : type.cases;
      const chosen = cases[reader.u32()];
      if (chosen === undefined) throw fail("a case that does not exist");
      if (chosen.type !== undefined) checkConstant(reader, chosen.type);
      return;
    }
    case "flags":
      reader.skip(Math.ceil(type.names.length / 8));
      return;
    case "option":
      if (readFlag(reader, "option")) checkConstant(reader, type.type);
      return;
    case "result": {
      const payload = readFlag(reader, "result") ? type.error : type.ok;
      if (payload !== undefined) checkConstant(reader, payload);
      return;
    }
    case "borrow":
    case "error-context":
    case "future":
    case "map":
    case "own":
    case "stream":
      throw fail(`a ${type.kind}, which cannot be written down,`);
  }
}

function signed(reader: ByteReader, bits: number): void {
  const start = reader.offset;
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = reader.u8();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte >= 0x80 && shift < 63n) continue;
    if (byte & 0x40) value -= 1n << (shift + 7n);
    break;
  }
  if (BigInt.asIntN(bits, value) !== value) throw malformed(start, `an integer above ${bits} bits in a value`);
}

/** Only one NaN may be written. */
function float(reader: ByteReader, kind: "f32" | "f64"): void {
  const start = reader.offset;
  const length = kind === "f32" ? 4 : 8;
  reader.skip(length);
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset + start, length);
  const isNaN = Number.isNaN(kind === "f32" ? view.getFloat32(0, true) : view.getFloat64(0, true));
  if (!isNaN) return;
  const isCanonical =
    kind === "f32" ? view.getUint32(0, true) === 0x7fc00000 : view.getBigUint64(0, true) === 0x7ff8000000000000n;
  if (!isCanonical) throw malformed(start, "a NaN that is not the canonical one in a value");
}

/** One code point in UTF-8. */
function character(reader: ByteReader): void {
  const start = reader.offset;
  const first = reader.u8();
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  reader.skip(length - 1);
  const bytes = reader.bytes.subarray(start, start + length);
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed(start, "a char that is not valid UTF-8 in a value");
  }
}
