import { ByteReader, type ByteRange, malformed } from "./reader.ts";

/** Section identifiers of a core module (WebAssembly 3.0, 5.5.2 Sections). */
export const sectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Sections in the order that a module must have them in (5.5.17 Modules); a custom section may stand anywhere. */
const sectionOrder: readonly number[] = [
  sectionId.type,
  sectionId.import,
  sectionId.function,
  sectionId.table,
  sectionId.memory,
  sectionId.tag,
  sectionId.global,
  sectionId.export,
  sectionId.start,
  sectionId.element,
  sectionId.dataCount,
  sectionId.code,
  sectionId.data,
];

/** Where a section stands in the order of sections; -1 for one that has no place of its own. */
export function sectionPlace(id: number): number {
  return sectionOrder.indexOf(id);
}

/** One section: where it is, not what is in it. */
export interface Section {
  readonly id: number;
  /** A custom section's name; empty for the others. */
  readonly name: string;
  /** The size field's bytes. */
  readonly sizeField: ByteRange;
  /** The content, past the size field and past a custom section's name. */
  readonly body: ByteRange;
}

/** The preamble's two 16-bit halves (WebAssembly 3.0, 5.5.17; component model, Binary: layer 0 is a module, 1 a component). */
export interface Preamble {
  readonly version: number;
  readonly layer: number;
}

/** Length in bytes of the magic number and the version. */
export const preambleLength = 8;

/** Whether the bytes begin with `\0asm`. */
export function hasMagic(bytes: Uint8Array): boolean {
  return bytes[0] === 0x00 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
}

/**
 * Reads the magic number, version and layer.
 *
 * @throws WASM_MALFORMED
 */
export function readPreamble(bytes: Uint8Array): Preamble {
  if (!hasMagic(bytes)) throw malformed(0, "no WebAssembly magic number");
  const reader = new ByteReader(bytes);
  reader.skip(4);
  const version = reader.u8() | (reader.u8() << 8);
  const layer = reader.u8() | (reader.u8() << 8);
  return { version, layer };
}

/**
 * Walks over the sections behind a preamble by their sizes, without looking at what is inside but for a custom section's
 * name; the time taken depends on the number of sections, not on their sizes.
 *
 * @throws WASM_MALFORMED
 */
export function* readSections(bytes: Uint8Array): Generator<Section, void> {
  const reader = new ByteReader(bytes);
  reader.skip(preambleLength);
  while (!reader.isAtEnd) {
    const id = reader.u8();
    const sizeStart = reader.offset;
    const whole = reader.sized(`a section (id ${id})`);
    const inside = new ByteReader(bytes, whole);
    const name = id === sectionId.custom ? inside.name() : "";
    yield {
      id,
      name,
      sizeField: { start: sizeStart, end: whole.start },
      body: { start: inside.offset, end: whole.end },
    };
  }
}

/**
 * Walks over the sections of a core module and refuses unknown, repeated and misplaced ones.
 *
 * @throws WASM_MALFORMED
 */
export function* readModuleSections(bytes: Uint8Array): Generator<Section, void> {
  let last = -1;
  for (const section of readSections(bytes)) {
    if (section.id !== sectionId.custom) {
      const place = sectionPlace(section.id);
      if (place < 0) throw malformed(section.sizeField.start - 1, `an unknown section (id ${section.id})`);
      if (place <= last)
        throw malformed(section.sizeField.start - 1, `a repeated or misplaced section (id ${section.id})`);
      last = place;
    }
    yield section;
  }
}
