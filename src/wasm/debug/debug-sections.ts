import { type ByteRange, ByteReader } from "../reader.ts";
import { readSections, sectionId } from "../sections.ts";
import { Cursor } from "./cursor.ts";

/** Names of the sections of DWARF that are read. */
export type DwarfSection =
  | "abbrev"
  | "addr"
  | "info"
  | "line"
  | "line_str"
  | "ranges"
  | "rnglists"
  | "str"
  | "str_offsets";

/** Where the custom sections of a core module are that lead from its code to its sources. */
export class DebugSections {
  readonly #bytes: Uint8Array;
  readonly #custom = new Map<string, ByteRange>();
  /** The content of the code section, which addresses in DWARF count from. */
  readonly code: ByteRange | undefined;

  /** @throws WASM_MALFORMED */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (const { id, name, body } of readSections(bytes)) {
      if (id === sectionId.code) this.code ??= body;
      const isOurs = name.startsWith(".debug_") || name === "sourceMappingURL" || name === "external_debug_info";
      if (isOurs && !this.#custom.has(name)) this.#custom.set(name, body);
    }
  }

  has(section: DwarfSection): boolean {
    return this.#custom.has(`.debug_${section}`);
  }

  /** Reads a section of DWARF from an offset on; a section that is not there is empty. */
  cursor(section: DwarfSection, from = 0): Cursor {
    const body = this.#custom.get(`.debug_${section}`) ?? { start: 0, end: 0 };
    const cursor = new Cursor(this.#bytes, body);
    cursor.skip(from);
    return cursor;
  }

  /** The URL that a custom section holds (tool conventions, Debugging). @throws WASM_MALFORMED */
  url(section: "sourceMappingURL" | "external_debug_info"): string | undefined {
    const body = this.#custom.get(section);
    return body === undefined ? undefined : new ByteReader(this.#bytes, body).name();
  }

  /** The bytes of the function body that holds an offset. @throws WASM_MALFORMED */
  functionBody(offset: number): ByteRange | undefined {
    if (this.code === undefined || offset < this.code.start || offset >= this.code.end) return undefined;
    const reader = new ByteReader(this.#bytes, this.code);
    for (let count = reader.count(); count > 0; count -= 1) {
      const body = reader.sized("a function");
      if (offset < body.end) return offset >= body.start ? body : undefined;
    }
    return undefined;
  }
}
