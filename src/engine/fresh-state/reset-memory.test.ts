import assert from "node:assert/strict";
import { readFileSync, readSync, writeSync } from "node:fs";
import { test } from "node:test";
import { type Native, nativeOrUndefined } from "../../base/native.ts";
import { changedPages, ImageFile, isAsImages, type MemoryImage, takeImages } from "./memory-image.ts";
import { regionsOf } from "./page-scan.ts";
import { CopiedMemory, MappedMemory, type MemoryReset } from "./reset-memory.ts";

const native = nativeOrUndefined();
const skip = native === undefined ? "this system has no native calls" : false;
const nothing: ReadonlySet<never> = new Set();

/** A memory of some pages in which some bytes are set, at its begin, its end and between. */
function memoryOf(pages: number): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages + 64 });
  const bytes = new Uint8Array(memory.buffer);
  for (let at = 0; at < bytes.length; at += 4096)
    if (at % 3 !== 0 && at % 160_000 < 80_000) bytes.set([at >> 12, 7, 7], at);
  if (bytes.length > 0) bytes[bytes.length - 1] = 9;
  return memory;
}

function mappedOver(memories: readonly WebAssembly.Memory[], options: { maps?: () => void; native?: Native } = {}) {
  const images = takeImages(memories);
  const file = new ImageFile(options.native ?? (native as Native), images);
  const resets = memories.map((memory, index) => {
    const image = images[index] as MemoryImage;
    return new MappedMemory(memory, { image, index, file, omit: nothing, takeMaps: options.maps ?? (() => {}) });
  });
  return { images, file, resets };
}

/** A reproducible stream of numbers below a limit. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Writes and grows at random, usually in the same few places, for many rounds, and compares all of the memory after each. */
function checkAllComesBack(
  memory: WebAssembly.Memory,
  reset: MemoryReset,
  image: Uint8Array,
  usual: readonly number[] = [],
): void {
  const next = numbers(11);
  for (let round = 0; round < 300; round++) {
    if (round % 50 === 49) memory.grow(1 + next(3));
    const bytes = new Uint8Array(memory.buffer);
    for (let at = 5000; at < 20_000; at += 1000) bytes[at] = next(256);
    for (const at of usual) bytes[at] = next(256);
    for (let count = next(4); count > 0; count--) {
      const at = next(bytes.length);
      bytes.fill(next(256), at, at + next(9000));
    }
    assert.equal(reset.reset(), true);
    const { buffer } = memory;
    assert.equal(Buffer.compare(new Uint8Array(buffer, 0, image.length), image), 0, `round ${round}`);
    const grown = new Uint8Array(buffer, image.length);
    assert.ok(Buffer.compare(grown, new Uint8Array(grown.length)) === 0, `round ${round}: what it grew by`);
  }
}

test("MemoryImage.pieces() covers each byte once, and fills where zeros are many", () => {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const bytes = new Uint8Array(memory.buffer);
  for (const page of [1, 2, 5, 15, 31]) bytes[page * 4096 + 9] = 1;
  const [image] = takeImages([memory]);
  assert.ok(image !== undefined);
  const { copies, fills } = image.pieces(4096, bytes.length);
  assert.deepEqual(
    copies.map(({ at, source }) => [at / 4096, source.length / 4096]),
    [
      [1, 5],
      [15, 1],
      [31, 1],
    ],
  );
  assert.deepEqual(
    fills.map(({ at, end }) => [at / 4096, (end - at) / 4096]),
    [
      [6, 9],
      [16, 15],
    ],
  );
});

for (const pages of [0, 1, 5, 40]) {
  test(`CopiedMemory.reset() puts back ${pages} pages whatever was written and grown`, () => {
    for (const each of native === undefined ? [undefined] : [undefined, native]) {
      const memory = memoryOf(pages);
      const [image] = takeImages([memory]);
      assert.ok(image !== undefined);
      checkAllComesBack(memory, new CopiedMemory(memory, image, { native: each, omit: nothing }), image.bytes);
    }
  });

  test(
    `MappedMemory.reset() puts back ${pages} pages whatever was written and grown, by maps or by comparing`,
    { skip },
    () => {
      for (const tells of [true, false]) {
        const memory = memoryOf(pages);
        const { images, file, resets } = mappedOver([memory]);
        if (!tells) file.ownPages = () => undefined;
        const [image, reset] = [images[0], resets[0]];
        assert.ok(image !== undefined && reset !== undefined);
        checkAllComesBack(memory, reset, image.bytes);
        // What every round writes was learned, and little else: the random places differ each time.
        const [first] = image.usual.ranges;
        assert.ok(pages === 0 || first !== undefined);
        if (pages === 40) {
          assert.ok(first !== undefined && first.start <= 1 && first.start + first.count >= 5, JSON.stringify(first));
          const count = image.usual.ranges.reduce((sum, range) => sum + range.count, 0);
          assert.ok(count < 100, JSON.stringify(image.usual.ranges));
        }
        file.close();
      }
    },
  );
}

/** The system's calls, and how often ranges are dropped and pages are asked for. */
function counted(missing?: "ioctl"): { readonly native: Native; readonly calls: { drop: number; ask: number } } {
  const { c, ...rest } = native as Native;
  const calls = { drop: 0, ask: 0 };
  const own = {
    ioctl: {
      value: (...args: Parameters<typeof c.ioctl>) => (calls.ask++, missing === "ioctl" ? -1 : c.ioctl(...args)),
    },
    madvise: { value: (...args: Parameters<typeof c.madvise>) => (calls.drop++, c.madvise(...args)) },
    process_madvise: {
      value: (...args: Parameters<typeof c.process_madvise>) => (calls.drop++, c.process_madvise(...args)),
    },
  };
  return { native: { ...rest, c: Object.create(c, own) as typeof c }, calls };
}

const farApart = Array.from({ length: 24 }, (_, index) => 100_000 + index * 100_000);

test(
  "MappedMemory.reset() puts back what was written in many places, with and without a system that tells where",
  { skip },
  (context) => {
    for (const missing of [undefined, "ioctl"] as const) {
      const memory = memoryOf(40);
      const system = counted(missing);
      const { images, file, resets } = mappedOver([memory], { native: system.native });
      const [image, reset] = [images[0], resets[0]];
      assert.ok(image !== undefined && reset !== undefined);
      checkAllComesBack(memory, reset, image.bytes, farApart);
      file.close();
      if (missing === undefined && system.calls.ask === 1) return context.skip("this system does not tell");
      assert.ok(missing === "ioctl" ? system.calls.ask === 1 : system.calls.ask > 200, JSON.stringify(system.calls));
    }
  },
);

test("MappedMemory.reset() drops nothing where all that was written is usual", { skip }, (context) => {
  const memory = memoryOf(40);
  const system = counted();
  const { images, file, resets } = mappedOver([memory], { native: system.native });
  // Pairs with pages between them that nobody writes; enough rounds for one in which all is dropped nevertheless.
  const pairs = farApart.flatMap((at) => [at, at + 20_000]);
  const rounds = 160;
  let before = 0;
  for (let round = 0; round < rounds; round++) {
    before = system.calls.drop;
    for (const at of pairs) new Uint8Array(memory.buffer)[at] = round + 1;
    assert.equal(resets[0]?.reset(), true);
    assert.equal(isAsImages([memory], images), true);
  }
  file.close();
  if (system.calls.ask === 1) return context.skip("this system does not tell");
  assert.equal(system.calls.drop - before, 0);
});

test("PageScan.find() answers the pages that were written, whether their bytes differ or not", { skip }, (context) => {
  const memory = memoryOf(4);
  const { file, resets } = mappedOver([memory]);
  resets[0]?.reset();
  memory.grow(2);
  resets[0]?.reset();
  const bytes = new Uint8Array(memory.buffer);
  const address = (native as Native).addressOf(memory.buffer);
  const { pageSize } = file;
  let sum = 0;
  for (const byte of bytes) sum += byte;
  assert.notEqual(sum, 0);
  // Of the image and of what the memory grew by, once with the byte that was there.
  const written = [0, 1, 7, 20, 64, 67, bytes.length / pageSize - 1];
  for (const page of written)
    bytes.fill(page === 7 ? (bytes[page * pageSize] ?? 0) : 200, page * pageSize, page * pageSize + 1);
  const found = file.ownRegions(address, bytes.length);
  file.close();
  if (found === undefined) return context.skip("this system does not tell");
  const pages = regionsOf(found, address).flatMap(({ at, end }) =>
    Array.from({ length: (end - at) / pageSize }, (_, index) => at / pageSize + index),
  );
  assert.deepEqual(pages, written);
});

test(
  "ImageFile keeps what memories that it lies under write from the file and from each other; nobody can change it",
  { skip },
  () => {
    const memories = [memoryOf(2), memoryOf(3)];
    const { images, file, resets } = mappedOver(memories);
    const other = new WebAssembly.Memory({ initial: 2 });
    const shared = new MappedMemory(other, {
      image: images[0] as MemoryImage,
      index: 0,
      file,
      omit: nothing,
      takeMaps: () => {},
    });
    for (const reset of [...resets, shared]) assert.equal(reset.reset(), true);
    assert.equal(isAsImages([...memories, other], [...images, images[0] as MemoryImage]), true);
    for (const memory of memories) new Uint8Array(memory.buffer).fill(0xaa);
    const all = Buffer.concat(images.map(({ bytes }) => bytes));
    const stored = new Uint8Array(all.length);
    assert.equal(readSync(file.fd, stored, 0, stored.length, 0), stored.length);
    assert.equal(Buffer.compare(stored, all), 0);
    assert.equal(isAsImages([other], images.slice(0, 1)), true);
    assert.equal(isAsImages(memories, images), false);
    assert.throws(() => writeSync(file.fd, new Uint8Array(1), 0, 1, 0), { code: "EPERM" });
    file.close();
  },
);

test(
  "ImageFile.ownPages() says of a memory that was dropped whole which pages were written since",
  { skip },
  (context) => {
    const memory = memoryOf(4);
    const { images, file, resets } = mappedOver([memory]);
    resets[0]?.reset();
    const bytes = new Uint8Array(memory.buffer);
    const address = (native as Native).addressOf(memory.buffer);
    let sum = 0;
    for (const byte of bytes) sum += byte;
    assert.notEqual(sum, 0);
    for (const at of [5000, 70_000, bytes.length - 1]) bytes[at] = 200;
    const own = file.ownPages(address, bytes.length);
    file.close();
    if (own === undefined) return context.skip("this system does not tell");
    assert.deepEqual(own, changedPages(bytes, images[0]?.bytes ?? bytes, file.pageSize));
    assert.equal(own.filter((each) => each === 1).length, 3);
  },
);

test("MappedMemory takes the maps that it counts and no more, also where the memories grew", { skip }, () => {
  const count = (): number => readFileSync("/proc/self/maps", "latin1").split("\n").length;
  const memories = Array.from({ length: 200 }, () => memoryOf(2));
  const { file, resets } = mappedOver(memories.slice(0, 1));
  let taken = 0;
  const [image] = takeImages(memories);
  const all = memories.map(
    (memory) =>
      new MappedMemory(memory, { image: image as MemoryImage, index: 0, file, omit: nothing, takeMaps: () => taken++ }),
  );
  assert.equal(resets.length, 1);
  const before = count();
  for (const [index, reset] of all.entries()) {
    memories[index]?.grow(1);
    for (let round = 0; round < 3; round++) assert.equal(reset.reset(), true);
  }
  const after = count();
  assert.equal(taken, memories.length);
  // What else the process maps meanwhile gets half as many again.
  assert.ok(after - before <= memories.length * 1.5, `${after - before} maps`);
  file.close();
});

test(
  "ImageFile.drop() drops many ranges in one call, and one by one where the system has no such call",
  { skip },
  () => {
    const { c, ...rest } = native as Native;
    for (const answer of ["the system's", "refused", "missing"]) {
      const memory = memoryOf(40);
      let calls = 0;
      const own = {
        madvise: { value: (...args: Parameters<typeof c.madvise>) => (calls++, c.madvise(...args)) },
        ioctl: { value: () => -1 },
        ...(answer === "refused" ? { process_madvise: { value: () => -1n } } : {}),
        ...(answer === "missing" ? { process_madvise: { value: undefined } } : {}),
      };
      const { images, file, resets } = mappedOver([memory], {
        native: { ...rest, c: Object.create(c, own) as typeof c },
      });
      for (let round = 0; round < 12; round++) {
        for (let page = 0; page < 640; page += 40) new Uint8Array(memory.buffer)[page * 4096 + round] = 99;
        assert.equal(resets[0]?.reset(), true);
        assert.equal(isAsImages([memory], images), true);
      }
      assert.equal(images[0]?.usual.ranges.length, 16);
      assert.ok(calls >= 8, `${answer}: ${calls}`);
      if (answer !== "the system's") assert.ok(calls >= 8 + 3 * 16, `${answer}: ${calls}`);
      file.close();
    }
  },
);

test("MappedMemory.reset() answers false where the system refuses to drop pages", { skip }, () => {
  const { c, ...rest } = native as Native;
  const refusing = Object.create(c, { madvise: { value: () => -1 } }) as Native["c"];
  const memory = memoryOf(2);
  const { file, resets } = mappedOver([memory], { native: { ...rest, c: refusing } });
  assert.equal(resets[0]?.reset(), false);
  file.close();
});
