import { SampanError } from "../base/index.ts";
import { CustomSections, type CustomSectionInfo, type Producers } from "./custom.ts";
import { ByteReader, malformed } from "./reader.ts";
import { readPreamble, readSections, type Section } from "./sections.ts";
import { limitDefinitions } from "./types.ts";

/** What a component's import or export is (component model, Binary: `externtype`, `sort`). */
export type ComponentExternKind = "core-module" | "function" | "value" | "type" | "component" | "instance";

/** One import or export of a component. */
export interface ComponentExtern {
  /** The whole name, such as `wasi:cli/run@0.2.0` or `run`. */
  readonly name: string;
  /** What stands behind the `@` of the name, such as `0.2.0`. */
  readonly version: string | undefined;
  readonly kind: ComponentExternKind;
}

/** What a component says at its top level; what is nested is counted, not read. */
export interface ComponentInfo {
  readonly kind: "component";
  /** The binary format's version: 13 before the standard. */
  readonly version: number;
  /** Size in bytes of the whole binary. */
  readonly size: number;
  readonly imports: readonly ComponentExtern[];
  readonly exports: readonly ComponentExtern[];
  /** Number of core modules directly inside. */
  readonly coreModules: number;
  /** Number of components directly inside. */
  readonly components: number;
  /** At most the first 10,000. */
  readonly customSections: readonly CustomSectionInfo[];
  readonly producers: Producers;
}

const componentSection = {
  custom: 0,
  coreModule: 1,
  component: 4,
  import: 10,
  export: 11,
  last: 12,
} as const;

/** The byte that marks a kind, in order; 0 stands for core sorts, of which only a module may be imported or exported. */
const externKinds: readonly ComponentExternKind[] = [
  "core-module",
  "function",
  "value",
  "type",
  "component",
  "instance",
];

/**
 * Reads the names that a component imports and exports (component model, Binary: Component Definitions, Import and
 * Export Definitions).
 *
 * @throws WASM_MALFORMED, or WASM_FEATURE where the bytes are a core module
 */
export function readComponent(bytes: Uint8Array): ComponentInfo {
  const { version, layer } = readPreamble(bytes);
  if (layer === 0) throw new SampanError("WASM_FEATURE", "Cannot read a core module as a component");
  if (layer !== 1) throw malformed(6, `layer ${layer}, wanted layer 1`);
  const custom = new CustomSections(bytes);
  const imports: ComponentExtern[] = [];
  const exports: ComponentExtern[] = [];
  let coreModules = 0;
  let components = 0;
  for (const section of readSections(bytes)) {
    if (section.id > componentSection.last) {
      throw malformed(section.sizeField.start - 1, `an unknown section (id ${section.id})`);
    }
    if (section.id === componentSection.custom) custom.add(section);
    if (section.id === componentSection.coreModule) coreModules += 1;
    if (section.id === componentSection.component) components += 1;
    if (section.id === componentSection.import) readExterns(bytes, section, imports, readImport);
    if (section.id === componentSection.export) readExterns(bytes, section, exports, readExport);
  }
  const size = bytes.length;
  const customSections = custom.list;
  const producers = custom.producers();
  return {
    kind: "component",
    version,
    size,
    imports,
    exports,
    coreModules,
    components,
    customSections,
    producers,
  };
}

function readExterns(
  bytes: Uint8Array,
  section: Section,
  list: ComponentExtern[],
  read: (reader: ByteReader) => ComponentExtern,
): void {
  const reader = new ByteReader(bytes, section.body);
  for (let count = reader.count(); count > 0; count -= 1) {
    limitDefinitions(list.length + 1, "imports or exports");
    list.push(read(reader));
  }
  reader.expectEnd(section.id === componentSection.import ? "the imports" : "the exports");
}

function readImport(reader: ByteReader): ComponentExtern {
  const name = readExternName(reader);
  return toExtern(name, readExternType(reader));
}

function readExport(reader: ByteReader): ComponentExtern {
  const name = readExternName(reader);
  const kind = readKind(reader);
  reader.u32();
  const start = reader.offset;
  const hasType = reader.u8();
  if (hasType > 1) throw malformed(start, `an unknown byte (0x${hasType.toString(16)}) before an export's type`);
  if (hasType === 1) readExternType(reader);
  return toExtern(name, kind);
}

/** Reads `nameattributes`; the attributes of form 2 are gone over. */
function readExternName(reader: ByteReader): string {
  const start = reader.offset;
  const form = reader.u8();
  if (form > 2) throw malformed(start, `an unknown form of name (0x${form.toString(16)})`);
  const name = reader.name();
  if (form < 2) return name;
  for (let count = reader.count(); count > 0; count -= 1) {
    reader.u8();
    reader.name();
  }
  return name;
}

function readKind(reader: ByteReader): ComponentExternKind {
  const start = reader.offset;
  const byte = reader.u8();
  const kind = externKinds[byte];
  if (kind === undefined) throw malformed(start, `an unknown kind (0x${byte.toString(16)})`);
  if (byte === 0 && reader.u8() !== 0x11) throw malformed(start, "a core definition that is not a module");
  return kind;
}

function readExternType(reader: ByteReader): ComponentExternKind {
  const kind = readKind(reader);
  if (kind !== "value" && kind !== "type") {
    reader.u32();
    return kind;
  }
  const start = reader.offset;
  const bound = reader.u8();
  if (bound > 1) throw malformed(start, `an unknown bound (0x${bound.toString(16)})`);
  if (bound === 0) reader.u32();
  else if (kind === "value") reader.s33();
  return kind;
}

function toExtern(name: string, kind: ComponentExternKind): ComponentExtern {
  const at = name.lastIndexOf("@");
  return { name, version: at < 0 ? undefined : name.slice(at + 1), kind };
}
