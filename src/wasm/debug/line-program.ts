import { malformed } from "../reader.ts";
import { Cursor, type Effort } from "./cursor.ts";
import type { DebugSections } from "./debug-sections.ts";
import { type AttributeValue, type Encoding, readForm, textOf } from "./forms.ts";
import { joinPath } from "./paths.ts";

/** A place in a source as line tables have it: numbers count from 1, and 0 stands for none. */
export interface LineRow {
  readonly file: number;
  readonly line: number;
  readonly column: number;
}

interface Header extends Encoding {
  /** Offset in bytes of the first opcode, and past the last. */
  readonly program: number;
  readonly end: number;
  readonly minimumInstruction: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Number of arguments of each standard opcode. */
  readonly argumentCounts: readonly number[];
  readonly directories: readonly string[];
  readonly files: readonly { readonly name: string; readonly directory: number }[];
}

/** Rows whose addresses rise, from the first row's address to `end`. */
interface Sequence {
  readonly start: number;
  readonly end: number;
  readonly firstRow: number;
  readonly lastRow: number;
}

/** Addresses at which a linker puts what it left out: see {@link isLeftOut}. */
const tombstones = 0xfffffffe;

/** Whether what begins at an address was left out by the linker, which gave it 0 or the last addresses. */
export function isLeftOut(address: number): boolean {
  return address === 0 || address >= tombstones;
}

/** The line table of one unit (DWARF 5, 6.2), versions 2 to 5. */
export class LineTable {
  readonly #header: Header;
  readonly #sequences: Sequence[] = [];
  readonly #addresses: number[] = [];
  /** File, line and column of each address. */
  readonly #places: number[] = [];
  /** Offset in `.debug_line` of the next unit's table. */
  readonly next: number;

  /** Reads the table at an offset of `.debug_line`. @throws WASM_MALFORMED */
  constructor(sections: DebugSections, offset: number, effort: Effort) {
    const cursor = sections.cursor("line", offset);
    const start = cursor.offset;
    this.#header = readHeader(cursor, { sections, effort });
    this.next = offset + this.#header.end - start;
    this.#run(cursor.bytes, effort);
  }

  /** The row that an address (in bytes from the beginning of the code section's content) belongs to. */
  row(address: number): LineRow | undefined {
    let best: Sequence | undefined;
    for (const sequence of this.#sequences) {
      const holds = sequence.start <= address && address < sequence.end;
      if (holds && (best === undefined || sequence.start > best.start)) best = sequence;
    }
    if (best === undefined) return undefined;
    let low = best.firstRow;
    let high = best.lastRow;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#addresses[middle] ?? Infinity) <= address) low = middle;
      else high = middle - 1;
    }
    const [file = 0, line = 0, column = 0] = this.#places.slice(3 * low, 3 * low + 3);
    return { file, line, column };
  }

  /** The path of a file by its number, as the compiler was given it. */
  file(number: number): string | undefined {
    const { version, files, directories } = this.#header;
    const file = files[version >= 5 ? number : number - 1];
    if (file === undefined) return undefined;
    // Before version 5 number 0 is the folder of compilation, which the list leaves out.
    const directory = version >= 5 ? directories[file.directory] : directories[file.directory - 1];
    return joinPath(directory, file.name);
  }

  #run(bytes: Uint8Array, effort: Effort): void {
    const header = this.#header;
    const cursor = new Cursor(bytes, { start: header.program, end: header.end });
    const state = { address: 0, file: 1, line: 1, column: 0 };
    let firstRow = 0;
    const addRow = (): void => {
      effort.spend(cursor.offset, 4);
      this.#addresses.push(state.address);
      this.#places.push(state.file, state.line, state.column);
    };
    const endSequence = (): void => {
      const start = this.#addresses[firstRow] ?? 0;
      const lastRow = this.#addresses.length - 1;
      if (lastRow >= firstRow && !isLeftOut(start)) {
        this.#sequences.push({ start, end: state.address, firstRow, lastRow });
      }
      firstRow = this.#addresses.length;
      Object.assign(state, { address: 0, file: 1, line: 1, column: 0 });
    };
    while (!cursor.isAtEnd) {
      effort.spend(cursor.offset);
      const opcode = cursor.u8();
      if (opcode >= header.opcodeBase) {
        const adjusted = opcode - header.opcodeBase;
        state.address += Math.floor(adjusted / header.lineRange) * header.minimumInstruction;
        state.line += header.lineBase + (adjusted % header.lineRange);
        addRow();
      } else if (opcode === 0) {
        if (runExtended(cursor, state) === "end") endSequence();
      } else if (opcode === 1) {
        addRow();
      } else {
        runStandard(cursor, opcode, { state, header });
      }
    }
  }
}

interface State {
  address: number;
  file: number;
  line: number;
  column: number;
}

/** Runs an opcode of those that have a length (6.2.5.3). */
function runExtended(cursor: Cursor, state: State): "end" | undefined {
  const length = cursor.uleb();
  const start = cursor.offset;
  cursor.skip(length);
  if (length === 0) return undefined;
  const inside = new Cursor(cursor.bytes, { start, end: cursor.offset });
  const opcode = inside.u8();
  if (opcode === 2) state.address = inside.unsigned(Math.min(length - 1, 8));
  return opcode === 1 ? "end" : undefined;
}

/** Runs one of the standard opcodes but for the first (6.2.5.2). */
function runStandard(cursor: Cursor, opcode: number, { state, header }: { state: State; header: Header }): void {
  switch (opcode) {
    case 2:
      state.address += cursor.uleb() * header.minimumInstruction;
      return;
    case 3:
      state.line += cursor.sleb();
      return;
    case 4:
      state.file = cursor.uleb();
      return;
    case 5:
      state.column = cursor.uleb();
      return;
    case 8:
      state.address += Math.floor((255 - header.opcodeBase) / header.lineRange) * header.minimumInstruction;
      return;
    case 9:
      state.address += cursor.unsigned(2);
      return;
    default:
      for (let count = header.argumentCounts[opcode - 1] ?? 0; count > 0; count -= 1) cursor.uleb();
  }
}

interface Reading {
  readonly sections: DebugSections;
  readonly effort: Effort;
}

function readHeader(section: Cursor, reading: Reading): Header {
  const { end, offsetSize } = section.unitLength();
  const cursor = new Cursor(section.bytes, { start: section.offset, end });
  const version = cursor.unsigned(2);
  if (version < 2 || version > 5) throw malformed(cursor.offset, `a line table of version ${version}, wanted 2 to 5`);
  const addressSize = version >= 5 ? cursor.u8() : 4;
  if (version >= 5) cursor.skip(1);
  const headerLength = cursor.unsigned(offsetSize);
  const program = cursor.offset + headerLength;
  const minimumInstruction = cursor.u8();
  // A number of operations an instruction (only long words have several) and whether rows begin statements.
  cursor.skip(version >= 4 ? 2 : 1);
  const lineBase = cursor.s8();
  const lineRange = cursor.u8();
  const opcodeBase = cursor.u8();
  if (lineRange === 0 || opcodeBase === 0) throw malformed(cursor.offset, "a line table without opcodes");
  const argumentCounts = Array.from({ length: opcodeBase - 1 }, () => cursor.u8());
  const encoding = { version, offsetSize, addressSize };
  const lists = version >= 5 ? readEntries(cursor, encoding, reading) : readOlderEntries(cursor, reading.effort);
  return { ...encoding, program, end, minimumInstruction, lineBase, lineRange, opcodeBase, argumentCounts, ...lists };
}

type Entries = Pick<Header, "directories" | "files">;

/** Reads the folders and files of versions 2 to 4: texts, up to an empty one. */
function readOlderEntries(cursor: Cursor, effort: Effort): Entries {
  const directories: string[] = [];
  const files: { name: string; directory: number }[] = [];
  for (let name = cursor.text(); name !== ""; name = cursor.text()) {
    effort.spend(cursor.offset, 8 + name.length);
    directories.push(name);
  }
  for (let name = cursor.text(); name !== ""; name = cursor.text()) {
    effort.spend(cursor.offset, 8 + name.length);
    files.push({ name, directory: cursor.uleb() });
    cursor.uleb();
    cursor.uleb();
  }
  return { directories, files };
}

/** Reads the folders and files of version 5: lists that say of themselves what each entry holds (6.2.4.1). */
function readEntries(cursor: Cursor, encoding: Encoding, reading: Reading): Entries {
  const directories = readEntryList(cursor, encoding, reading).map(({ name }) => name);
  return { directories, files: readEntryList(cursor, encoding, reading) };
}

function readEntryList(cursor: Cursor, encoding: Encoding, { sections, effort }: Reading): Header["files"] {
  const format: { content: number; form: number }[] = [];
  for (let count = cursor.u8(); count > 0; count -= 1) format.push({ content: cursor.uleb(), form: cursor.uleb() });
  const entries: { name: string; directory: number }[] = [];
  const count = cursor.uleb();
  // An entry takes a byte at least; forms without bytes could make a list as long as they like.
  if (count > cursor.end - cursor.offset) throw malformed(cursor.offset, `a list of ${count} files or folders`);
  while (entries.length < count) {
    effort.spend(cursor.offset, 8 + format.length);
    const entry = { name: "", directory: 0 };
    for (const { content, form } of format) {
      const value: AttributeValue | undefined = readForm(cursor, form, encoding);
      if (content === 1) {
        entry.name = textOf(value, { sections, encoding }) ?? "";
        effort.spend(cursor.offset, entry.name.length);
      }
      if (content === 2 && value?.kind === "number") entry.directory = value.value;
    }
    entries.push(entry);
  }
  return entries;
}
