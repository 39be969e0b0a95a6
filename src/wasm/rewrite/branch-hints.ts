import { SampanError } from "../../base/index.ts";
import { type ByteRange, ByteReader } from "../reader.ts";
import { IntList } from "./int-list.ts";
import { Output } from "./output.ts";

/** Name of the custom section that holds hints (branch hinting proposal). */
export const branchHintSection = "metadata.code.branch_hint";

/** The hints of a module's own, and those of the rewritten one as they are collected, function by function in order. */
export class BranchHints {
  /** Offsets in a function's body and values of the original's hints, by function. */
  readonly #own = new Map<number, readonly (readonly [offset: number, value: number])[]>();
  readonly #output = new Output(1024);
  readonly #offsets = new IntList();
  readonly #values = new IntList();
  #functions = 0;
  #function = 0;
  #next = 0;

  /** Takes the hints of a section's content; a malformed section has none, as V8 sees it. */
  constructor(bytes: Uint8Array, section: ByteRange | undefined) {
    if (section === undefined) return;
    try {
      this.#read(new ByteReader(bytes, section));
    } catch (error) {
      if (!(error instanceof SampanError)) throw error;
      this.#own.clear();
    }
  }

  #read(reader: ByteReader): void {
    for (let functions = reader.count(); functions > 0; functions -= 1) {
      const index = reader.u32();
      const hints: (readonly [number, number])[] = [];
      for (let count = reader.count(); count > 0; count -= 1) {
        const offset = reader.u32();
        const { start, end } = reader.sized("a hint");
        if (end - start === 1) hints.push([offset, reader.bytes[start] ?? 0]);
      }
      this.#own.set(index, hints);
    }
  }

  /** Keeps the hints of a function that stays as it is. */
  keep(index: number): void {
    if (!this.#own.has(index)) return;
    this.begin(index);
    this.copyUntil(Infinity, 0);
    this.end();
  }

  /** Begins the hints of a function. */
  begin(index: number): void {
    this.#function = index;
    this.#next = 0;
  }

  /** Takes over the original's hints before `offset` in the original body, each by `shift` bytes further back. */
  copyUntil(offset: number, shift: number): void {
    const own = this.#own.get(this.#function);
    if (own === undefined) return;
    for (;;) {
      const hint = own[this.#next];
      if (hint === undefined || hint[0] >= offset) return;
      this.#offsets.push(hint[0] + shift);
      this.#values.push(hint[1]);
      this.#next += 1;
    }
  }

  /** Adds the hint that the branch at an offset in the new body is hardly ever taken. */
  addUnlikely(offset: number): void {
    this.#offsets.push(offset);
    this.#values.push(0);
  }

  /** Ends the hints of a function. */
  end(): void {
    const count = this.#offsets.length;
    if (count === 0) return;
    this.#functions += 1;
    this.#output.u32(this.#function);
    this.#output.u32(count);
    for (let index = 0; index < count; index += 1) {
      this.#output.u32(this.#offsets.at(index));
      this.#output.u8(1);
      this.#output.u8(this.#values.at(index));
    }
    this.#offsets.clear();
    this.#values.clear();
  }

  /** The content of the section behind its name, or `undefined` without hints. */
  finish(): Uint8Array | undefined {
    if (this.#functions === 0) return undefined;
    const output = new Output(this.#output.length + 5);
    output.u32(this.#functions);
    const written = this.#output.written();
    output.copy(written, 0, written.length);
    return output.written();
  }
}
