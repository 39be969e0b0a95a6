import { type BigIntStats, closeSync, fstatSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CompileCache } from "../src/engine/cache/index.ts";
import { ByteWriter } from "../src/wasm/index.ts";
import { inMemoryFolder, median, type Row } from "./measure.ts";

const rounds = 31;
const functionCount = 32_000;
const subject = { version: "bench", options: {} };

/**
 * A rewritten module of 10 MB out of the cache, compiled, beside compiling alone. With the original's bytes in hand it is
 * found by their digest; from the original's file it is found by that file's identity, and the floor reads the file as well.
 */
export async function benchCache(): Promise<Row[]> {
  return inMemoryFolder((folder) => {
    const bytes = largeModule();
    const bench = new CacheBench(folder, bytes);
    const [inHand, floor] = compare(
      () => bench.fromCache((cache) => cache.keyOf(bench.bytes, subject)),
      () => bench.time(() => bench.bytes),
    );
    const [fromFile, fileFloor] = compare(
      () => bench.fromCache((cache) => cache.keyOfFile(statOf(bench.file), subject)),
      () => bench.time(() => readFileSync(bench.file)),
    );
    const what = `a module of ${(bytes.length / 1e6).toFixed(1)} MB from the cache, compiled`;
    const [unit, goal, floorName] = ["ms", { ratio: 1.1 }, "new WebAssembly.Module"] as const;
    const [known, read] = [`${what}; known by its file`, `readFileSync and ${floorName}`];
    return [
      { what: `${what}; known by its bytes`, unit, value: inHand, floor, floorName, goal },
      { what: known, unit, value: fromFile, floor: fileFloor, floorName: read, goal },
    ];
  });
}

/** A module that is another one in each measurement, because V8 keeps what it has compiled by its bytes. */
class CacheBench {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly file: string;
  readonly #folder: string;
  #count = 0;

  constructor(folder: string, bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.file = join(folder, "large.wasm");
    this.#folder = join(folder, "cache");
  }

  /** Milliseconds until a module is compiled that `keyIn` finds in a cache that was just opened. */
  fromCache(keyIn: (cache: CompileCache) => string | undefined): number {
    return this.time(() => {
      const cache = new CompileCache(this.#folder);
      const entry = cache.get(keyIn(cache) ?? "");
      if (entry === undefined) throw new Error("The cache lost the module");
      return entry.bytes;
    });
  }

  /** Milliseconds until a module is compiled from the bytes that `find` answers. */
  time(find: () => Uint8Array<ArrayBuffer>): number {
    this.#change();
    const start = process.hrtime.bigint();
    new WebAssembly.Module(find());
    return Number(process.hrtime.bigint() - start) / 1e6;
  }

  /** Makes the module and its file anew, and puts it in the cache. */
  #change(): void {
    this.#count += 1;
    // The module ends in a custom section of four bytes.
    new DataView(this.bytes.buffer).setUint32(this.bytes.length - 4, this.#count);
    writeFileSync(this.file, this.bytes);
    const cache = new CompileCache(this.#folder, { maxBytes: 30e6, now: () => Date.now() + 60_000 });
    const key = cache.keyOf(this.bytes, subject);
    if (key === undefined) throw new Error("There is no cache in the bench's own folder");
    cache.put(key, { bytes: this.bytes, meta: new Uint8Array(100_000) });
    cache.rememberFile(statOf(this.file), subject, key);
  }
}

/** In turn, and which of them begins in turn as well: what one leaves for the collector is paid for by the next. */
function compare(ours: () => number, floor: () => number): readonly [number, number] {
  const [our, bare]: [number[], number[]] = [[], []];
  for (let round = -3; round < rounds; round++) {
    const times = round % 2 === 0 ? [ours(), floor()] : [floor(), ours()].toReversed();
    if (round < 0) continue;
    our.push(times[0] ?? Number.NaN);
    bare.push(times[1] ?? Number.NaN);
  }
  return [median(our), median(bare)];
}

function statOf(file: string): BigIntStats {
  const fd = openSync(file, "r");
  try {
    return fstatSync(fd, { bigint: true });
  } finally {
    closeSync(fd);
  }
}

/** A module of many functions of a few hundred bytes: locals, arithmetic, loads, branches and calls, as compilers make them. */
function largeModule(): Uint8Array<ArrayBuffer> {
  const i32 = 0x7f;
  const code = new ByteWriter().u32(functionCount);
  for (let index = 0; index < functionCount; index++) {
    const body = new ByteWriter().u32(1).u32(4).u8(i32);
    for (let step = 0; step < 11; step++) {
      const [from, to] = [step % 6, (step * 5 + index) % 6];
      // local = load(local + constant) * constant; where it is not 0 so far, a call adds to it.
      body
        .u8(0x20)
        .u32(from)
        .u8(0x41)
        .u32(0x100 + step)
        .raw([0x6a, 0x28, 2])
        .u32((index * 4) & 0x3fff);
      body.raw([0x41, 0xc0, 0x00, 0x6c, 0x22]).u32(to).raw([0x04, 0x40, 0x20]).u32(to).u8(0x20).u32(from);
      body
        .u8(0x10)
        .u32((index * 7 + step) % functionCount)
        .u8(0x21)
        .u32(to)
        .u8(0x0b);
    }
    const bytes = body.raw([0x20, 2, 0x0b]).finish();
    code.u32(bytes.length).raw(bytes);
  }
  const types = new ByteWriter().u32(functionCount);
  for (let index = 0; index < functionCount; index++) types.u32(0);
  const module = new ByteWriter().raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(module, 1, new ByteWriter().u32(1).raw([0x60, 2, i32, i32, 1, i32]));
  section(module, 3, types);
  section(module, 5, new ByteWriter().u32(1).u8(0).u32(1));
  section(module, 10, code);
  section(module, 0, new ByteWriter().name("count").raw([0, 0, 0, 0]));
  return new Uint8Array(module.finish());
}

function section(module: ByteWriter, id: number, content: ByteWriter): void {
  const bytes = content.finish();
  module.u8(id).u32(bytes.length).raw(bytes);
}
