import { basename } from "node:path";
import { SampanError } from "../base/index.ts";
import {
  type ComponentInfo,
  explainRejection,
  type ExternType,
  type FunctionType,
  kindOf,
  type MemoryType,
  type ModuleInfo,
  readComponent,
  readModule,
} from "../wasm/index.ts";

/**
 * Reads what a file declares.
 *
 * @throws GUEST_NOT_RUNNABLE saying what it is where it is no WebAssembly binary, WASM_MALFORMED, WASM_FEATURE
 */
export function describeArtifact(bytes: Uint8Array<ArrayBuffer>, file: string): ModuleInfo | ComponentInfo {
  const kind = kindOf(bytes);
  if (kind === "module") return readModule(bytes);
  if (kind === "component") return readComponent(bytes);
  throw new SampanError("GUEST_NOT_RUNNABLE", `Cannot read "${basename(file)}": ${explainRejection(bytes, undefined)}`);
}

/** A function's type as `(i32, i64) -> i32`. */
export function functionText({ params, results }: FunctionType): string {
  const result = results.length === 1 ? results[0] : `(${results.join(", ")})`;
  return `(${params.join(", ")}) -> ${result}`;
}

/** An import's type as one line of text, such as `function (i32) -> i32` or `memory 1..16 pages`. */
export function externText(extern: ExternType): string {
  switch (extern.kind) {
    case "function":
    case "tag":
      return `${extern.kind} ${functionText(extern.type)}`;
    case "memory":
      return `memory ${pagesText(extern.type)}`;
    case "table":
      return `table ${rangeText(extern.type)} ${extern.type.element}`;
    case "global":
      return `global ${extern.type.mutable ? "mutable " : ""}${extern.type.value}`;
  }
}

function pagesText(type: MemoryType): string {
  const of = type.pageSize === 65_536 ? "" : ` of ${type.pageSize} bytes`;
  return `${rangeText(type)} pages${of}${type.shared ? ", shared" : ""}${type.is64 ? ", 64-bit" : ""}`;
}

function rangeText({ min, max }: { min: number; max: number | undefined }): string {
  return `${min}..${max ?? ""}`;
}
