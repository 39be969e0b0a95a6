import assert from "node:assert/strict";
import { test } from "node:test";
import { readTar } from "./ustar.ts";

function entry(name: string, content: string, options: { type?: string; prefix?: string } = {}): Buffer {
  const header = Buffer.alloc(512);
  const size = Buffer.byteLength(content);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        ", 148);
  header.write(options.type ?? "0", 156);
  header.write("ustar\0", 257);
  header.write(options.prefix ?? "", 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, Buffer.from(content), Buffer.alloc((512 - (size % 512)) % 512)]);
}

const end = Buffer.alloc(1024);

function namesAndTexts(archive: Uint8Array): string[] {
  return [...readTar(archive)].map(({ name, kind, bytes }) => `${kind} ${name}: ${Buffer.from(bytes).toString()}`);
}

test("readTar() reads files and folders in their order, with prefixes and whole blocks", () => {
  const whole = "x".repeat(512);
  const archive = Buffer.concat([
    entry("a/", "", { type: "5" }),
    entry("b", "hello", { prefix: "a/long" }),
    entry("c", whole),
    entry("empty", ""),
    end,
  ]);
  assert.deepEqual(namesAndTexts(archive), [
    "directory a/: ",
    "file a/long/b: hello",
    `file c: ${whole}`,
    "file empty: ",
  ]);
});

test("readTar() refuses names that lead out of the folder", () => {
  for (const name of ["/etc/passwd", "../x", "a/../../x", "a\\..\\x", "C:x"]) {
    assert.throws(() => namesAndTexts(Buffer.concat([entry(name, ""), end])), /leads out of the folder/, name);
  }
  assert.throws(() => namesAndTexts(Buffer.concat([entry("x", "", { prefix: ".." }), end])), /leads out of the folder/);
});

test("readTar() refuses links and other entries that it cannot make", () => {
  for (const type of ["1", "2", "3", "x", "L"]) {
    assert.throws(() => namesAndTexts(Buffer.concat([entry("x", "", { type }), end])), /entries of type/, type);
  }
});

test("readTar() notices a damaged header, an early end and a missing end mark", () => {
  const whole = Buffer.concat([entry("x", "hello"), end]);
  const damaged = Buffer.from(whole);
  damaged.write("y", 0);
  assert.throws(() => namesAndTexts(damaged), /damaged/);
  assert.throws(() => namesAndTexts(whole.subarray(0, 512)), /ends early/);
  assert.throws(() => namesAndTexts(whole.subarray(0, 1024)), /no end mark/);
  assert.throws(() => namesAndTexts(new Uint8Array(0)), /no end mark/);
});
