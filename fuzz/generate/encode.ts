import { ByteWriter } from "../../src/wasm/writer.ts";
import { type Code, flatten, isBytes, leadsToLoop, leavesOf } from "./code.ts";
import { tick } from "./control.ts";
import type { Placement, Plan, PlannedElements, PlannedMemory, PlannedTable } from "./plan.ts";
import { type Field, signed, type TypeEntry, unsigned, unsigned64, type Value, valueBytes } from "./types.ts";

/** Maxima that every memory and table of the plan gets, as the rewriter gives them. */
export interface Maxima {
  readonly maxPages?: number | undefined;
  readonly maxElements?: number | undefined;
}

const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: readonly number[]): number[] => unsigned(bytes.length).concat(bytes);
const name = (text: string): number[] => [...new ByteWriter().name(text).finish()];

/** The bytes of code alone. */
export function bytesOf(code: readonly Code[]): number[] {
  const bytes: number[] = [];
  flatten(code, bytes);
  return bytes;
}

const expression = (code: Code): number[] => [...bytesOf([code]), 0x0b];

/** Writes the plan as a module (WebAssembly 3.0, 5.5 Modules). */
export function encode(plan: Plan, maxima: Maxima = {}): Uint8Array<ArrayBuffer> {
  const bodies = plan.functions.filter(({ imported }) => !imported).map((each) => body(plan, each));
  const writer = new ByteWriter().raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const sections: readonly (readonly [id: number, content: readonly number[], always?: boolean])[] = [
    [1, types(plan)],
    [2, vector(imports(plan, maxima))],
    [3, vector(plan.functions.filter(({ imported }) => !imported).map(({ type }) => unsigned(type)))],
    [4, vector(plan.tables.filter(({ imported }) => !imported).map((table) => tableBytes(table, maxima)))],
    [5, vector(plan.memories.filter(({ imported }) => !imported).map((memory) => memoryBytes(memory, maxima)))],
    [13, vector(plan.tags.filter(({ imported }) => !imported).map(({ type }) => [0, ...unsigned(type)]))],
    [
      6,
      vector(
        plan.globals.filter(({ imported }) => !imported).map((each) => [...globalType(each), ...expression(each.init)]),
      ),
    ],
    [7, vector(exports(plan))],
    [8, plan.start === undefined ? [0] : unsigned(plan.start), plan.start !== undefined],
    [9, vector(plan.elements.map(elementBytes))],
    [12, unsigned(plan.datas.length), plan.hasDataCount],
    [0, hints(bodies), plan.features.has("hints")],
    [10, vector(bodies.map(({ bytes }) => sized(bytes)))],
    [11, vector(plan.datas.map(({ bytes, place }) => [...dataPlace(place), ...sized(bytes)]))],
    [0, names(plan), plan.hasNames],
  ];
  for (const [id, content, isThere] of sections) {
    for (const custom of plan.customs) {
      if (id !== 0 && custom.before === id) writer.u8(0).raw(sized([...name(custom.name), ...custom.bytes]));
    }
    // A section of nothing is left out but for the data count, which may be zero.
    if (isThere ?? (content.length > 1 || content[0] !== 0)) writer.u8(id).raw(sized(content));
  }
  for (const custom of plan.customs) {
    if (custom.before === 0) writer.u8(0).raw(sized([...name(custom.name), ...custom.bytes]));
  }
  return new Uint8Array(writer.finish());
}

function types(plan: Plan): number[] {
  const groups: number[][] = [];
  let at = 0;
  for (const size of plan.groups) {
    groups.push([0x4e, ...vector(plan.types.slice(at, at + size).map(typeBytes))]);
    at += size;
  }
  return vector([...groups, ...plan.types.slice(at).map(typeBytes)]);
}

function typeBytes({ type, parent, open }: TypeEntry): number[] {
  const prefix =
    parent === undefined && open !== true
      ? []
      : [open === true ? 0x50 : 0x4f, ...vector(parent === undefined ? [] : [unsigned(parent)])];
  if (type.kind === "function") {
    return [...prefix, 0x60, ...vector(type.params.map(valueBytes)), ...vector(type.results.map(valueBytes))];
  }
  const field = ({ storage, mutable }: Field): number[] => [...valueBytes(storage), mutable ? 1 : 0];
  if (type.kind === "struct") return [...prefix, 0x5f, ...vector(type.fields.map(field))];
  return [...prefix, 0x5e, ...field(type.element)];
}

interface Sizes {
  readonly min: number;
  readonly max: number | undefined;
  readonly is64: boolean;
}

function limits({ min, max, is64 }: Sizes, limit: number | undefined, flags = 0): number[] {
  const most = limit === undefined ? max : Math.min(max ?? Infinity, limit);
  const size = (value: number): number[] => (is64 ? unsigned64(BigInt(value)) : unsigned(value));
  return [
    flags | (most === undefined ? 0 : 1) | (is64 ? 4 : 0),
    ...size(min),
    ...(most === undefined ? [] : size(most)),
  ];
}

function memoryBytes(memory: PlannedMemory, { maxPages }: Maxima): number[] {
  return limits(memory, maxPages, memory.shared ? 2 : 0);
}

function tableBytes(table: PlannedTable, { maxElements }: Maxima): number[] {
  const type = [...valueBytes(table.element), ...limits(table, maxElements)];
  return table.init === undefined ? type : [0x40, 0, ...type, ...expression(table.init)];
}

function globalType({ type, mutable }: { type: Value; mutable: boolean }): number[] {
  return [...valueBytes(type), mutable ? 1 : 0];
}

function imports(plan: Plan, maxima: Maxima): number[][] {
  const from = (item: string, type: readonly number[]): number[] => [
    ...name(plan.importModule),
    ...name(item),
    ...type,
  ];
  const all = <T extends { imported: boolean }>(
    items: readonly T[],
    letter: string,
    type: (item: T) => number[],
  ): number[][] => items.flatMap((item, index) => (item.imported ? [from(`${letter}${index}`, type(item))] : []));
  return [
    ...all(plan.functions, "f", ({ type }) => [0, ...unsigned(type)]),
    ...all(plan.tables, "t", (table) => [1, ...tableBytes(table, maxima)]),
    ...all(plan.memories, "m", (memory) => [2, ...memoryBytes(memory, maxima)]),
    ...all(plan.globals, "g", (global) => [3, ...globalType(global)]),
    ...all(plan.tags, "e", ({ type }) => [4, 0, ...unsigned(type)]),
  ];
}

function exports(plan: Plan): number[][] {
  const spaces = [plan.functions, plan.tables, plan.memories, plan.globals, plan.tags] as const;
  const all = spaces.flatMap((items, kind) =>
    items.map((_item, index) => [...name(`${"ftmge"[kind]}${index}`), kind, ...unsigned(index)]),
  );
  return [...all, ...plan.aliases.map(([kind, index, alias]) => [...name(alias), kind, ...unsigned(index)])];
}

function elementBytes({ type, items, place }: PlannedElements): number[] {
  const isActive = typeof place !== "string";
  const hasFunctions = type === "ref null func" && items.every((item) => typeof item === "number");
  // Function indices and table 0 have forms of their own.
  const needsTable = isActive && (place.index !== 0 || (!hasFunctions && type !== "ref null func"));
  const flags = (isActive ? 0 : place === "passive" ? 1 : 3) | (needsTable ? 2 : 0) | (hasFunctions ? 0 : 4);
  const where = isActive ? [...(needsTable ? unsigned(place.index) : []), ...expression(place.offset)] : [];
  const kind = isActive && !needsTable ? [] : hasFunctions ? [0] : valueBytes(type);
  const values = items.map((item) => {
    if (typeof item !== "number") return expression(item);
    return hasFunctions ? unsigned(item) : [0xd2, ...unsigned(item), 0x0b];
  });
  return [flags, ...where, ...kind, ...vector(values)];
}

function dataPlace(place: Placement | "passive"): number[] {
  if (place === "passive") return [1];
  return place.index === 0
    ? [0, ...expression(place.offset)]
    : [2, ...unsigned(place.index), ...expression(place.offset)];
}

interface Body {
  readonly index: number;
  readonly bytes: number[];
  readonly hints: { offset: number; hint: 0 | 1 }[];
}

function body(plan: Plan, planned: Plan["functions"][number]): Body {
  const hinted: Body["hints"] = [];
  const bytes = vector(runs(planned.locals).map(([count, type]) => [...unsigned(count), ...valueBytes(type)]));
  // The module counts an entry only of functions that make calls, as those alone are checked there, or in a loop that they begin with.
  if (makesCalls(planned.body) && !leadsToLoop(leavesOf(planned.body), 0))
    for (const byte of tick(plan)) bytes.push(byte);
  flatten(planned.body, bytes, hinted);
  bytes.push(0x0b);
  return { index: plan.functions.indexOf(planned), bytes, hints: hinted };
}

const callOpcodes: ReadonlySet<number | undefined> = new Set([0x10, 0x11, 0x12, 0x13, 0x14, 0x15]);

/** Whether code holds a call: makers write its opcode as the first byte of a part. */
export function makesCalls(code: readonly Code[]): boolean {
  return code.some(({ parts }) =>
    parts.some((part) => ("parts" in part ? makesCalls([part]) : isBytes(part) && callOpcodes.has(part[0]))),
  );
}

function runs(types: readonly Value[]): [count: number, type: Value][] {
  const found: [number, Value][] = [];
  for (const type of types) {
    const last = found.at(-1);
    if (last?.[1] === type) last[0] += 1;
    else found.push([1, type]);
  }
  return found;
}

function hints(bodies: readonly Body[]): number[] {
  const functions = bodies
    .filter((each) => each.hints.length > 0)
    .map((each) => [
      ...unsigned(each.index),
      ...vector(each.hints.map(({ offset, hint }) => [...unsigned(offset), 1, hint])),
    ]);
  return [...name("metadata.code.branch_hint"), ...vector(functions)];
}

function names(plan: Plan): number[] {
  const functions = plan.functions.map((_each, index) => [...unsigned(index), ...name(`fn ${index}`)]);
  return [...name("name"), 0, ...sized(name("fuzzed")), 1, ...sized(vector(functions))];
}

/** A constant expression of an integer. */
export function integer(type: "i32" | "i64", value: number): number[] {
  return [type === "i32" ? 0x41 : 0x42, ...signed(BigInt(value))];
}
