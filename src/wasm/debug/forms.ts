import { malformed } from "../reader.ts";
import type { Cursor } from "./cursor.ts";
import type { DebugSections } from "./debug-sections.ts";

/** How the values of a unit are encoded. */
export interface Encoding {
  readonly version: number;
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
}

/** The value of an attribute. Offsets and indices are resolved by {@link textOf} and {@link UnitBases}. */
export type AttributeValue =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "address"; readonly value: number }
  | { readonly kind: "addressIndex"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "textAt"; readonly section: "str" | "line_str"; readonly value: number }
  | { readonly kind: "textIndex"; readonly value: number }
  /** An offset from the beginning of the unit, or from that of `.debug_info`. */
  | { readonly kind: "unitReference"; readonly value: number }
  | { readonly kind: "infoReference"; readonly value: number }
  | { readonly kind: "rangesIndex"; readonly value: number };

/** The form with which an attribute's own form comes in front of its value. */
const indirect = 0x16;
/** The form whose value stands in the abbreviation. */
export const implicitConstant = 0x21;

/** Goes over a value of a form (DWARF 5, 7.5.6). @throws WASM_MALFORMED */
export function skipForm(cursor: Cursor, form: number, encoding: Encoding): void {
  switch (form) {
    case 0x08:
      return cursor.skipText();
    case 0x03:
      return cursor.skip(cursor.unsigned(2));
    case 0x04:
      return cursor.skip(cursor.unsigned(4));
    case 0x0a:
      return cursor.skip(cursor.u8());
    case 0x09:
    case 0x18:
      return cursor.skip(cursor.uleb());
    case 0x1e:
      return cursor.skip(16);
    case 0x0d:
    case 0x0f:
    case 0x15:
    case 0x1a:
    case 0x1b:
    case 0x22:
    case 0x23:
    case 0x1f01:
    case 0x1f02:
      cursor.uleb();
      return;
    case 0x19:
    case implicitConstant:
      return;
    case indirect:
      return skipForm(cursor, directForm(cursor), encoding);
    default:
      return cursor.skip(fixedSize(form, encoding) ?? unknownForm(cursor, form));
  }
}

/** Length in bytes of the values of a form that has one. */
function fixedSize(form: number, { version, offsetSize, addressSize }: Encoding): number | undefined {
  switch (form) {
    case 0x01:
      return addressSize;
    case 0x0b:
    case 0x0c:
    case 0x11:
    case 0x25:
    case 0x29:
      return 1;
    case 0x05:
    case 0x12:
    case 0x26:
    case 0x2a:
      return 2;
    case 0x27:
    case 0x2b:
      return 3;
    case 0x06:
    case 0x13:
    case 0x1c:
    case 0x28:
    case 0x2c:
      return 4;
    case 0x07:
    case 0x14:
    case 0x20:
    case 0x24:
      return 8;
    case 0x10:
      return version <= 2 ? addressSize : offsetSize;
    case 0x0e:
    case 0x17:
    case 0x1d:
    case 0x1f:
    case 0x1f20:
    case 0x1f21:
      return offsetSize;
    default:
      return undefined;
  }
}

function unknownForm(cursor: Cursor, form: number): never {
  throw malformed(cursor.offset, `an attribute of unknown form 0x${form.toString(16)}`);
}

function directForm(cursor: Cursor): number {
  const form = cursor.uleb();
  // One that names itself again could go on forever.
  if (form === indirect || form === implicitConstant) unknownForm(cursor, form);
  return form;
}

/** Reads a value of a form; undefined where it is of a kind that leads to no source line. @throws WASM_MALFORMED */
export function readForm(cursor: Cursor, form: number, encoding: Encoding): AttributeValue | undefined {
  const size = fixedSize(form, encoding);
  const fixed = (): number => cursor.unsigned(size ?? 0);
  switch (form) {
    case 0x01:
      return { kind: "address", value: fixed() };
    case 0x05:
    case 0x06:
    case 0x07:
    case 0x0b:
    case 0x0c:
    case 0x17:
      return { kind: "number", value: fixed() };
    case 0x0d:
      return { kind: "number", value: cursor.sleb() };
    case 0x0f:
      return { kind: "number", value: cursor.uleb() };
    case 0x19:
      return { kind: "number", value: 1 };
    case 0x08:
      return { kind: "text", value: cursor.text() };
    case 0x0e:
      return { kind: "textAt", section: "str", value: fixed() };
    case 0x1f:
      return { kind: "textAt", section: "line_str", value: fixed() };
    case 0x1a:
    case 0x1f02:
      return { kind: "textIndex", value: cursor.uleb() };
    case 0x25:
    case 0x26:
    case 0x27:
    case 0x28:
      return { kind: "textIndex", value: fixed() };
    case 0x1b:
    case 0x1f01:
      return { kind: "addressIndex", value: cursor.uleb() };
    case 0x29:
    case 0x2a:
    case 0x2b:
    case 0x2c:
      return { kind: "addressIndex", value: fixed() };
    case 0x10:
      return { kind: "infoReference", value: fixed() };
    case 0x11:
    case 0x12:
    case 0x13:
    case 0x14:
      return { kind: "unitReference", value: fixed() };
    case 0x15:
      return { kind: "unitReference", value: cursor.uleb() };
    case 0x23:
      return { kind: "rangesIndex", value: cursor.uleb() };
    case indirect:
      return readForm(cursor, directForm(cursor), encoding);
    default:
      skipForm(cursor, form, encoding);
      return undefined;
  }
}

/** Where a unit's parts of the sections begin that are reached by an index (DWARF 5, 7.26 to 7.28). */
export interface UnitBases {
  readonly strOffsets: number;
  readonly addr: number;
  readonly rnglists: number;
}

/** The text of a value, or undefined where it is none. @throws WASM_MALFORMED */
export function textOf(
  value: AttributeValue | undefined,
  { sections, encoding, bases }: { sections: DebugSections; encoding: Encoding; bases?: UnitBases },
): string | undefined {
  if (value?.kind === "text") return value.value;
  if (value?.kind === "textAt") return sections.cursor(value.section, value.value).peekText();
  if (value?.kind !== "textIndex") return undefined;
  const at = (bases?.strOffsets ?? 0) + value.value * encoding.offsetSize;
  return sections.cursor("str", sections.cursor("str_offsets", at).unsigned(encoding.offsetSize)).peekText();
}

/** The address of a value, or undefined where it is none. @throws WASM_MALFORMED */
export function addressOf(
  value: AttributeValue | undefined,
  { sections, encoding, bases }: { sections: DebugSections; encoding: Encoding; bases: UnitBases },
): number | undefined {
  if (value?.kind === "address") return value.value;
  if (value?.kind !== "addressIndex") return undefined;
  return sections.cursor("addr", bases.addr + value.value * encoding.addressSize).unsigned(encoding.addressSize);
}
