import { ByteWriter } from "../../wasm/index.ts";
import { CodeWriter, type CoreType, typeCode } from "./code-writer.ts";

const preamble = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const sections = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;

/** Writes a core module; its imports stand before its functions. */
export class ModuleWriter {
  readonly #types = new Map<string, number>();
  readonly #typeBytes = new ByteWriter();
  readonly #imports = new ByteWriter();
  readonly #functions: { readonly type: number; code: Uint8Array }[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #counts = { import: 0, function: 0, memory: 0, global: 0 };

  importFunction(name: string, type: CoreType): number {
    this.#import(name).u8(0).u32(this.#typeOf(type));
    return this.#counts.function++;
  }

  /** A memory of 32-bit addresses, of any size. */
  importMemory(name: string): number {
    this.#import(name).raw([2, 0, 0]);
    return this.#counts.memory++;
  }

  /** A mutable i32. */
  importGlobal(name: string): number {
    this.#import(name).raw([3, typeCode.i32, 1]);
    return this.#counts.global++;
  }

  /** The function of a key, which is written where it is asked for first. */
  functionOf(key: string, type: CoreType, write: (code: CodeWriter) => void): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const entry: { type: number; code: Uint8Array } = { type: this.#typeOf(type), code: new Uint8Array() };
    const index = this.#counts.function + this.#functions.push(entry) - 1;
    this.#byKey.set(key, index);
    const code = new CodeWriter(type);
    write(code);
    entry.code = code.finish();
    return index;
  }

  /** The module, which exports one function as `call`. */
  finish(call: number): Uint8Array<ArrayBuffer> {
    const bytes = new ByteWriter().raw(preamble);
    const section = (id: number, count: number, content: ByteWriter): void => {
      const all = new ByteWriter().u32(count).raw(content.finish());
      bytes.u8(id).u32(all.length).raw(all.finish());
    };
    const declared = new ByteWriter();
    const code = new ByteWriter();
    for (const each of this.#functions) {
      declared.u32(each.type);
      code.raw(each.code);
    }
    section(sections.type, this.#types.size, this.#typeBytes);
    section(sections.import, this.#counts.import, this.#imports);
    section(sections.function, this.#functions.length, declared);
    section(sections.export, 1, new ByteWriter().name("call").u8(0).u32(call));
    section(sections.code, this.#functions.length, code);
    return new Uint8Array(bytes.finish());
  }

  #import(name: string): ByteWriter {
    this.#counts.import += 1;
    return this.#imports.name("").name(name);
  }

  #typeOf({ params, results }: CoreType): number {
    const key = `${params.join()}>${results.join()}`;
    let index = this.#types.get(key);
    if (index === undefined) {
      index = this.#types.size;
      this.#types.set(key, index);
      this.#typeBytes
        .u8(0x60)
        .u32(params.length)
        .raw(params.map((each) => typeCode[each]));
      this.#typeBytes.u32(results.length).raw(results.map((each) => typeCode[each]));
    }
    return index;
  }
}
