import { afterInteger, integerAt } from "../code/walk.ts";
import type { ByteRange } from "../reader.ts";
import { preambleLength, type Section, sectionId, sectionPlace } from "../sections.ts";
import { ByteWriter } from "../writer.ts";
import type { Additions, Appended } from "./additions.ts";
import { branchHintSection } from "./branch-hints.ts";
import { Changes, OffsetMap } from "./offset-map.ts";
import { Output } from "./output.ts";
import type { ModuleShape } from "./shape.ts";

/** Bytes to stand in place of a range of the original. */
export interface Patch extends ByteRange {
  readonly replacement: Uint8Array;
}

/** The functions of a code section as they are to be: those of the original, rewritten or not. */
export interface RewrittenCode {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Offset in bytes in the original of the first function. */
  readonly start: number;
  readonly changes: Changes;
}

/** All that is to change in a module. */
export interface Changed {
  readonly shape: ModuleShape;
  readonly additions: Additions;
  /** Patches of the contents of sections, in order; a section that is not among them stays. */
  readonly patches: readonly Patch[];
  /** Sections that fall away. */
  readonly removed: ReadonlySet<number>;
  readonly code?: RewrittenCode | undefined;
  /** The content of the branch hints behind their name, in place of the original's; `undefined` leaves those. */
  readonly hints?: Uint8Array | undefined;
}

/** Puts a module together from its sections and what is to change in them. */
export function assemble(changed: Changed): { readonly bytes: Uint8Array<ArrayBuffer>; readonly offsets: OffsetMap } {
  const assembly = new Assembly(changed);
  assembly.run();
  return assembly.finish();
}

class Assembly {
  readonly #changed: Changed;
  readonly #output: Output;
  readonly #changes = new Changes();
  /** Offset in bytes of what of the original is still to be copied. */
  #copied = 0;
  #written: Set<number>;

  constructor(changed: Changed) {
    this.#changed = changed;
    const growth = (changed.code?.bytes.length ?? 0) + (changed.hints?.length ?? 0);
    this.#output = new Output(changed.shape.bytes.length + growth + 4096);
    this.#written = new Set(changed.shape.sections.map(({ id }) => id));
  }

  run(): void {
    const { shape, hints } = this.#changed;
    const last = shape.sections.findLastIndex(({ id }) => id !== sectionId.custom);
    const ownHints = shape.sections.some((section) => isHints(section));
    for (const [index, section] of shape.sections.entries()) {
      const start = section.sizeField.start - 1;
      if (section.id !== sectionId.custom) {
        this.#insertBefore(sectionPlace(section.id), start);
        if (section.id === sectionId.code && hints !== undefined && !ownHints) this.#insert(start, hintBytes(hints));
      }
      this.#section(section);
      if (index === last) this.#insertBefore(Infinity, section.body.end);
    }
    if (last < 0) this.#insertBefore(Infinity, shape.sections.at(-1)?.body.end ?? preambleLength);
  }

  finish(): { readonly bytes: Uint8Array<ArrayBuffer>; readonly offsets: OffsetMap } {
    const { bytes } = this.#changed.shape;
    this.#output.copy(bytes, this.#copied, bytes.length);
    return { bytes: this.#output.written().slice(), offsets: OffsetMap.of(this.#changes) };
  }

  #section(section: Section): void {
    const { removed, hints, code } = this.#changed;
    const start = section.sizeField.start - 1;
    if (removed.has(section.id)) this.#replace(start, section.body.end, new Uint8Array(0));
    else if (section.id === sectionId.code && code !== undefined) this.#code(section, code);
    else if (isHints(section)) {
      if (hints !== undefined) this.#replace(start, section.body.end, hintBytes(hints));
    } else if (section.id !== sectionId.custom) this.#patched(section);
  }

  /** A section with patches, or with entries appended. */
  #patched(section: Section): void {
    const { bytes } = this.#changed.shape;
    const inside = this.#changed.patches.filter(
      ({ start, end }) => start >= section.body.start && end <= section.body.end,
    );
    const appended = this.#changed.additions.of(section.id);
    if (inside.length === 0 && appended === undefined) return;
    let size = section.body.end - section.body.start;
    for (const { start, end, replacement } of inside) size += replacement.length - (end - start);
    const patches = [...inside];
    if (appended !== undefined) {
      const { start } = section.body;
      const end = afterInteger(bytes, start);
      const replacement = new ByteWriter().u32(integerAt(bytes, start) + appended.count).finish();
      patches.unshift({ start, end, replacement });
      size += replacement.length - (end - start) + appended.bytes.length;
    }
    this.#replace(section.sizeField.start, section.sizeField.end, new ByteWriter().u32(size).finish());
    for (const { start, end, replacement } of patches) this.#replace(start, end, replacement);
    if (appended !== undefined) this.#insert(section.body.end, appended.bytes.finish());
  }

  #code(section: Section, code: RewrittenCode): void {
    const { additions } = this.#changed;
    const count = new ByteWriter().u32(code.count + additions.functions).finish();
    const appended = additions.code.finish();
    const size = count.length + code.bytes.length + appended.length;
    this.#replace(section.sizeField.start, section.sizeField.end, new ByteWriter().u32(size).finish());
    this.#replace(section.body.start, code.start, count);
    this.#changes.addAll(code.changes);
    this.#output.copy(code.bytes, 0, code.bytes.length);
    this.#copied = section.body.end;
    this.#insert(section.body.end, appended);
  }

  /** Writes sections that the original lacks, where the order of sections wants them: before those of `place`. */
  #insertBefore(place: number, at: number): void {
    const { additions } = this.#changed;
    for (const id of addedSections) {
      if (this.#written.has(id) || sectionPlace(id) >= place) continue;
      const appended = id === sectionId.code ? codeOf(additions) : additions.of(id);
      if (appended === undefined) continue;
      this.#written.add(id);
      const content = new ByteWriter().u32(appended.count).raw(appended.bytes.finish()).finish();
      this.#insert(at, new ByteWriter().u8(id).u32(content.length).raw(content).finish());
    }
  }

  #insert(at: number, bytes: Uint8Array): void {
    this.#replace(at, at, bytes);
  }

  #replace(start: number, end: number, replacement: Uint8Array): void {
    const { bytes } = this.#changed.shape;
    this.#output.copy(bytes, this.#copied, start);
    this.#output.copy(replacement, 0, replacement.length);
    this.#copied = end;
    if (start !== end || replacement.length > 0) this.#changes.add(start, end - start, replacement.length);
  }
}

/** Sections that entries are appended to, in their order in a module. */
const addedSections: readonly number[] = [
  sectionId.type,
  sectionId.import,
  sectionId.function,
  sectionId.table,
  sectionId.global,
  sectionId.export,
  sectionId.code,
];

function codeOf(additions: Additions): Appended | undefined {
  return additions.functions === 0 ? undefined : { count: additions.functions, bytes: additions.code };
}

function isHints(section: Section): boolean {
  return section.id === sectionId.custom && section.name === branchHintSection;
}

function hintBytes(hints: Uint8Array): Uint8Array {
  const content = new ByteWriter().name(branchHintSection).raw(hints).finish();
  return new ByteWriter().u8(sectionId.custom).u32(content.length).raw(content).finish();
}
