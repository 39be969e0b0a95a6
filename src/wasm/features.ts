import { SampanError } from "../base/index.ts";
import { type FileKind, kindOf } from "./kind.ts";
import { readModule } from "./module.ts";
import type { ModuleFeature } from "./types.ts";

/** What a file is when it is no core module, as the end of "Cannot run …: ". */
const notAModule: Record<Exclude<FileKind, "module" | "unknown">, string> = {
  component: "it is a component, where a core module is wanted",
  wat: "it is WebAssembly in text form, which has to be assembled first (wat2wasm, or wasm-tools parse)",
  gzip: "it is compressed with gzip, and has to be unpacked first",
  elf: "it is a native Linux program, not WebAssembly",
  script: "it is a script, not WebAssembly",
  empty: "it is empty",
};

/** Proposals by the name that V8's flag has. */
const proposalsOfFlags = new Map<string, string>([
  ["wasmfx", "stack switching"],
  ["shared", "shared-everything threads"],
  ["acquire-release", "acquire and release memory ordering"],
  ["fp16", "half-precision floating point"],
  ["memory-control", "memory control"],
  ["custom-descriptors", "custom descriptors"],
  ["stringref", "reference-typed strings"],
  ["imported-strings-utf8", "imported UTF-8 strings"],
  ["legacy-eh", "the legacy exception handling"],
  ["exnref", "exception handling with exnref"],
]);

/** Proposals by what V8 says where it names no flag. */
const proposalsOfMessages: readonly (readonly [pattern: RegExp, proposal: string])[] = [
  [/invalid memory limits flags 0x[89a-f]\b/i, "custom page sizes"],
  [/unknown import kind 0x7[ef]\b/i, "compact imports"],
  [/invalid numeric opcode: 0xfc1[3-6]\b/i, "wide arithmetic"],
  [/invalid atomic opcode: 0xfe(?:4f|[5-7][0-9a-f])\b/i, "shared-everything threads"],
  [/invalid (?:value|heap) type 0x65\b/i, "shared-everything threads"],
  [/invalid opcode 0xe[0-6]\b/i, "stack switching"],
];

/** What V8 14 has no implementation of, by what the declarations show. */
const proposalsOfFeatures: readonly (readonly [feature: ModuleFeature, proposal: string])[] = [
  ["stack-switching", "stack switching"],
  ["shared-everything", "shared-everything threads"],
  ["custom-page-sizes", "custom page sizes"],
  ["custom-descriptors", "custom descriptors"],
  ["compact-imports", "compact imports"],
  ["stringref", "reference-typed strings"],
];

/**
 * Says in plain words why V8 refused to compile bytes, as the end of a sentence that begins "Cannot run …: "; `error` is
 * what `new WebAssembly.Module(bytes)` threw. It never throws.
 */
export function explainRejection(bytes: Uint8Array, error: unknown): string {
  const kind = kindOf(bytes);
  if (kind === "unknown") return `it is not WebAssembly: it begins with the bytes ${firstBytes(bytes)}`;
  if (kind !== "module") return notAModule[kind];
  const message = (error instanceof Error ? error.message : String(error)).replace(/^WebAssembly\.\w+\(\): /, "");
  const place = functionOf(message);
  const proposal = proposalOf(message);
  if (proposal !== undefined) return missing(proposal, place);
  if (/mix of legacy and new exception handling/.test(message)) {
    return `it mixes the legacy and the present exception handling${place}, which V8 refuses in one module`;
  }
  if (/implementation limit|internal limit|maximum function size/.test(message)) {
    return `it goes beyond a limit of V8${place}: ${detail(message)}`;
  }
  const structure = structureOf(bytes);
  if (structure.defect !== undefined) {
    return /extends past end|expected \d+ bytes|unexpected end/.test(`${message} ${structure.defect}`)
      ? `it is cut short or damaged: ${detail(message)}`
      : `it is damaged: ${detail(message)}`;
  }
  const declared = proposalsOfFeatures.find(([feature]) => structure.features.includes(feature));
  if (declared !== undefined && place === "") return missing(declared[1], place);
  if (/invalid \w* ?opcode/i.test(message)) {
    return `it uses an instruction that V8 does not know${place}: ${detail(message)}`;
  }
  return `V8 finds it invalid${place}: ${detail(message)}`;
}

function missing(proposal: string, place: string): string {
  return `it uses ${proposal}${place}, a WebAssembly feature that this Node's V8 does not run`;
}

function proposalOf(message: string): string | undefined {
  const flag = /enable with --experimental-wasm-([a-z0-9-]+)/.exec(message)?.[1];
  if (flag !== undefined) return proposalsOfFlags.get(flag) ?? `the proposal "${flag}"`;
  return proposalsOfMessages.find(([pattern]) => pattern.test(message))?.[1];
}

/** Which function V8 was compiling, as ` in function 12 ("name")`; empty where the defect is elsewhere. */
function functionOf(message: string): string {
  const match = /Compiling function #(\d+)(?::"(.*?)")? failed/.exec(message);
  if (match === null) return "";
  return match[2] === undefined ? ` in function ${match[1]}` : ` in function ${match[1]} ("${match[2]}")`;
}

/** V8's own words without its prefix, and its `@+12` in words. */
function detail(message: string): string {
  return message.replace(/^Compiling function #\d+(?::".*?")? failed: /, "").replace(/ @\+(\d+)$/, " at byte $1");
}

function firstBytes(bytes: Uint8Array): string {
  return [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

interface Structure {
  readonly features: readonly ModuleFeature[];
  /** What our own reader says of malformed bytes. */
  readonly defect?: string;
}

function structureOf(bytes: Uint8Array): Structure {
  try {
    return { features: readModule(bytes).features };
  } catch (error) {
    if (error instanceof SampanError) return { features: [], defect: error.message };
    throw error;
  }
}
