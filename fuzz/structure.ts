import { ByteReader } from "../src/wasm/reader.ts";
import { readModuleSections, sectionId } from "../src/wasm/sections.ts";
import { OffsetMap, type Rewritten } from "../src/wasm/index.ts";

/** Bodies of the functions that a module defines: offsets of their first byte (their locals). */
export function bodyStarts(bytes: Uint8Array): number[] {
  for (const section of readModuleSections(bytes)) {
    if (section.id !== sectionId.code) continue;
    const reader = new ByteReader(bytes, section.body);
    return Array.from({ length: reader.count() }, () => reader.sized("a body").start);
  }
  return [];
}

interface Hint {
  readonly index: number;
  /** Offset in bytes from the beginning of the binary. */
  readonly offset: number;
  readonly value: number;
}

/** Branch hints of a module (branch hinting proposal, metadata.code.branch_hint), by offsets in the binary. */
function branchHints(bytes: Uint8Array, importedFunctions: number): Hint[] {
  const starts = bodyStarts(bytes);
  const section = [...readModuleSections(bytes)].find(
    ({ id, name }) => id === sectionId.custom && name === "metadata.code.branch_hint",
  );
  if (section === undefined) return [];
  const reader = new ByteReader(bytes, section.body);
  return Array.from({ length: reader.count() }, () => {
    const index = reader.u32();
    return Array.from({ length: reader.count() }, (): Hint => {
      const offset = (starts[index - importedFunctions] ?? NaN) + reader.u32();
      reader.skip(1);
      return { index, offset, value: reader.u8() };
    });
  }).flat();
}

function isBranch(opcode: number | undefined): boolean {
  return opcode === 0x0d || opcode === 0x04;
}

/** What is wrong with a rewritten module without running it, or `undefined`. */
export function structuralFault(bytes: Uint8Array<ArrayBuffer>, rewritten: Rewritten): string | undefined {
  const before = new WebAssembly.Module(bytes);
  const after = new WebAssembly.Module(rewritten.bytes);
  return namesFault(before, after, rewritten) ?? customFault(before, after) ?? mapFault(bytes, rewritten);
}

function namesFault(before: WebAssembly.Module, after: WebAssembly.Module, { layout }: Rewritten): string | undefined {
  const exportsAfter = WebAssembly.Module.exports(after);
  const exportsBefore = WebAssembly.Module.exports(before);
  if (JSON.stringify(exportsAfter.slice(0, exportsBefore.length)) !== JSON.stringify(exportsBefore))
    return "exports differ";
  const others = exportsAfter
    .slice(exportsBefore.length)
    .filter(({ name }) => !name.startsWith(`${layout.namespace}/`));
  if (others.length > 0) return `an export outside the namespace: ${JSON.stringify(others)}`;
  const imports = WebAssembly.Module.imports(after);
  const own = imports.filter(({ module }) => module !== layout.namespace);
  if (JSON.stringify(own) !== JSON.stringify(WebAssembly.Module.imports(before))) return "imports differ";
  const wanted = [
    ...layout.memories.map(({ name }) => name),
    ...(layout.checks === undefined ? [] : [layout.checks.epoch]),
  ];
  const given = imports.filter(({ module }) => module === layout.namespace).map(({ name }) => name);
  return JSON.stringify(wanted) === JSON.stringify(given)
    ? undefined
    : `engine imports ${given.join()} for ${wanted.join()}`;
}

function customFault(before: WebAssembly.Module, after: WebAssembly.Module): string | undefined {
  for (const name of ["fuzz", "", "producers", "target_features", ".debug_line", "sourceMappingURL"]) {
    const [old, present] = [before, after].map((module) => WebAssembly.Module.customSections(module, name));
    const same = old?.length === present?.length && old?.every((each, index) => isSame(each, present?.[index]));
    if (same !== true) return `custom sections "${name}" differ`;
  }
  return undefined;
}

function isSame(one: ArrayBuffer, other: ArrayBuffer | undefined): boolean {
  return other !== undefined && Buffer.from(one).equals(Buffer.from(other));
}

/** Hints of the author's have to stand where they stood; the rewriter may add others to what it inserts. */
export function hintFault(bytes: Uint8Array, { bytes: after, offsets }: Rewritten): string | undefined {
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(bytes))).filter(
    ({ kind }) => kind === "function",
  ).length;
  const old = branchHints(bytes, imported);
  const found = branchHints(after, imported);
  for (const { index, offset, value } of found) {
    const opcode = after[offset];
    if (!isBranch(opcode)) return `a branch hint on opcode ${opcode} in function ${index}`;
    if (value > 1) return `a branch hint of ${value}`;
  }
  for (const hint of old) {
    const opcode = bytes[hint.offset];
    const same = found.filter(
      ({ offset, value }) =>
        value === hint.value && offsets.original(offset) === hint.offset && after[offset] === opcode,
    );
    if (same.length === 0) return `no branch hint for the one at byte ${hint.offset} of function ${hint.index}`;
  }
  return undefined;
}

/** Offsets never go back within the code, and the map survives its own bytes. */
function mapFault(bytes: Uint8Array, { bytes: after, offsets }: Rewritten): string | undefined {
  const [from = 0] = bodyStarts(after);
  const copy = OffsetMap.fromBytes(offsets.toBytes());
  const starts = bodyStarts(bytes);
  let last = 0;
  for (let offset = from; offset < after.length && starts.length > 0; offset += 1) {
    const original = offsets.original(offset);
    if (copy.original(offset) !== original)
      return `the offset map read from its own bytes has another answer for ${offset}`;
    if (original < last) return `offset ${offset} maps to ${original}, the one before it to ${last}`;
    if (original > bytes.length) return `offset ${offset} maps to ${original}, past the original's end`;
    last = original;
  }
  return undefined;
}
