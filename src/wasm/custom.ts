import { SampanError } from "../base/index.ts";
import { ByteReader, type ByteRange } from "./reader.ts";
import type { Section } from "./sections.ts";
import { maxDefinitions } from "./types.ts";

/** One custom section: its name and the size in bytes of its content behind the name. */
export interface CustomSectionInfo {
  readonly name: string;
  readonly size: number;
}

/** A tool or language that a producers section names. */
export interface Producer {
  readonly name: string;
  /** Empty where the tool gave none. */
  readonly version: string;
}

/** What made the binary (tool conventions, Producers section). */
export interface Producers {
  readonly language: readonly Producer[];
  readonly processedBy: readonly Producer[];
  readonly sdk: readonly Producer[];
}

/** Most custom sections and most entries of a producers or target features section that are listed; further ones are left out. */
export const maxListed = 10_000;

/**
 * Runs a reader of a custom section and answers with what it has got when the bytes turn out malformed: a defect in a
 * custom section never makes a binary invalid (WebAssembly 3.0, 5.5.3 Custom section).
 */
function untilMalformed(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof SampanError) || error.code !== "WASM_MALFORMED") throw error;
  }
}

/** Collects what a binary's custom sections say, as sections are walked over. */
export class CustomSections {
  readonly list: CustomSectionInfo[] = [];
  readonly #bytes: Uint8Array;
  readonly #bodies = new Map<string, ByteRange>();
  #hasDebugInfo = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether DWARF is there (`.debug_*` sections), inside or named as a file of its own. */
  get hasDebugInfo(): boolean {
    return this.#hasDebugInfo;
  }

  /** Notes a custom section; of several with one name the first is read. */
  add(section: Section): void {
    if (section.name.startsWith(".debug_") || section.name === "external_debug_info") this.#hasDebugInfo = true;
    if (this.list.length >= maxListed) return;
    this.list.push({ name: section.name, size: section.body.end - section.body.start });
    if (!this.#bodies.has(section.name)) this.#bodies.set(section.name, section.body);
  }

  /** Reads the producers section; empty lists without one. */
  producers(): Producers {
    const language: Producer[] = [];
    const processedBy: Producer[] = [];
    const sdk: Producer[] = [];
    const lists = new Map([
      ["language", language],
      ["processed-by", processedBy],
      ["sdk", sdk],
    ]);
    this.#read("producers", (reader) => {
      for (let fields = reader.count(); fields > 0; fields -= 1) {
        const list = lists.get(reader.name());
        for (let count = reader.count(); count > 0; count -= 1) {
          const producer = { name: reader.name(), version: reader.name() };
          if (list !== undefined && list.length < maxListed) list.push(producer);
        }
      }
    });
    return { language, processedBy, sdk };
  }

  /** Reads the features that the compiler was told it may use, such as `simd128` (tool conventions, Target features). */
  targetFeatures(): string[] {
    const features: string[] = [];
    this.#read("target_features", (reader) => {
      for (let count = reader.count(); count > 0; count -= 1) {
        const prefix = reader.u8();
        const name = reader.name();
        if (prefix === 0x2b && features.length < maxListed) features.push(name);
      }
    });
    return features;
  }

  /** The name section, read when it is asked. */
  names(): NameSection {
    return new NameSection(this.#bytes, this.#bodies.get("name"));
  }

  #read(name: string, read: (reader: ByteReader) => void): void {
    const body = this.#bodies.get(name);
    if (body !== undefined) untilMalformed(() => read(new ByteReader(this.#bytes, body)));
  }
}

/** The name section (WebAssembly 3.0, Appendix, Custom sections: Name section): nothing is read before it is asked. */
export class NameSection {
  readonly #bytes: Uint8Array;
  readonly #subsections = new Map<number, ByteRange>();
  /** Offset in bytes of each function's name, by function index. */
  #functionNames: Map<number, number> | undefined;

  constructor(bytes: Uint8Array, body: ByteRange | undefined) {
    this.#bytes = bytes;
    if (body === undefined) return;
    untilMalformed(() => {
      const reader = new ByteReader(bytes, body);
      while (!reader.isAtEnd) {
        const id = reader.u8();
        const range = reader.sized("a subsection");
        if (!this.#subsections.has(id)) this.#subsections.set(id, range);
      }
    });
  }

  /** The module's own name, if it has one. */
  moduleName(): string | undefined {
    const range = this.#subsections.get(0);
    let name: string | undefined;
    if (range !== undefined) {
      untilMalformed(() => {
        name = new ByteReader(this.#bytes, range).name();
      });
    }
    return name;
  }

  /** The name of the function at an index (imports come first); the first call reads the whole list. */
  functionName(index: number): string | undefined {
    const range = this.#subsections.get(1);
    if (range === undefined) return undefined;
    this.#functionNames ??= this.#indexFunctionNames(range);
    const start = this.#functionNames.get(index);
    if (start === undefined) return undefined;
    let name: string | undefined;
    untilMalformed(() => {
      name = new ByteReader(this.#bytes, { start, end: range.end }).name();
    });
    return name;
  }

  #indexFunctionNames(range: ByteRange): Map<number, number> {
    const offsets = new Map<number, number>();
    untilMalformed(() => {
      const reader = new ByteReader(this.#bytes, range);
      // More names than functions are repetitions: they would only cost memory.
      for (let count = Math.min(reader.count(), maxDefinitions); count > 0; count -= 1) {
        const index = reader.u32();
        const start = reader.offset;
        reader.sized("a name");
        offsets.set(index, start);
      }
    });
    return offsets;
  }
}
