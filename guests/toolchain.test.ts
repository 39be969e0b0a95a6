import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { compileGuest, compileOwnGuest, guestNames, ownGuest } from "./toolchain.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "sampan-toolchain-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function source(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function importsOf(name: string, module: string): Promise<string[]> {
  const compiled = new WebAssembly.Module(readFileSync(await compileOwnGuest(name)));
  const imports = WebAssembly.Module.imports(compiled).filter((entry) => entry.module === module);
  return [...new Set(imports.map((entry) => entry.name))].sort();
}

test("unpackSysroot() gives two processes at once the same whole folder and leaves nothing else", async () => {
  const within = join(folder, "cache");
  const script =
    "const { unpackSysroot } = await import(process.argv[1]); console.log(await unpackSysroot(process.argv[2]));";
  const module = pathToFileURL(join(import.meta.dirname, "toolchain.ts")).href;
  const unpack = () => run(process.execPath, ["--input-type=module", "-e", script, module, within]);
  const [one, other] = await Promise.all([unpack(), unpack()]);
  assert.equal(one.stdout, other.stdout);
  const sysroot = one.stdout.trim();
  assert.ok(statSync(join(sysroot, "include", "wasm32-wasip1", "stdio.h")).isFile());
  assert.ok(statSync(join(sysroot, "lib", "wasm32-wasip1", "libc.a")).size > 100_000);
  assert.deepEqual(readdirSync(within), [basename(sysroot)]);
});

test("compileGuest() names the module by the content of sources, headers and flags", async () => {
  const header = source("answer.h", "#define ANSWER 41\n");
  const main = source("answer.c", '#include "answer.h"\nint answer(void) { return ANSWER; }\n');
  const args = ["-O2", "-nostdlib", "-Wl,--no-entry,--export=answer"];
  const answer = async (): Promise<[string, unknown]> => {
    const module = await compileGuest({ sources: [main], args });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(module)));
    return [module, (exports["answer"] as () => unknown)()];
  };
  const [first, value] = await answer();
  assert.equal(value, 41);
  const made = statSync(first).mtimeMs;
  assert.deepEqual(await answer(), [first, 41]);
  assert.equal(statSync(first).mtimeMs, made, "the second time it came from the cache");
  assert.notEqual(await compileGuest({ sources: [main], args: [...args, "-DUNUSED"] }), first);
  writeFileSync(header, "#define ANSWER 42\n");
  const [second, changed] = await answer();
  assert.notEqual(second, first);
  assert.equal(changed, 42);
});

test("compileGuest() writes the module where it is asked to", async () => {
  const out = join(folder, "out", "hello.wasm");
  assert.equal(await compileGuest({ ...ownGuest("hello"), out }), out);
  assert.deepEqual(readFileSync(out), readFileSync(await compileOwnGuest("hello")));
});

test("compileGuest() fails with the compiler's own words, and the linker's", async () => {
  const broken = source("broken.c", "int main(void) {\n  return missing;\n}\n");
  await assert.rejects(
    compileGuest({ sources: [broken] }),
    /broken\.c:2:10: error: use of undeclared identifier 'missing'/,
  );
  const unlinked = source("unlinked.c", "int elsewhere(void);\nint main(void) { return elsewhere(); }\n");
  await assert.rejects(compileGuest({ sources: [unlinked] }), /undefined symbol: elsewhere/);
});

test("compileGuest() compiles C++ with its library", async () => {
  const main = source(
    "words.cc",
    '#include <string>\nint main() { return std::string("four").size() == 4 ? 0 : 1; }\n',
  );
  const module = await compileGuest({
    sources: [main],
    cxx: true,
    args: ["-O1", "-fno-exceptions"],
  });
  assert.ok(WebAssembly.validate(readFileSync(module)));
});

test("ownGuest() reads the flags in a source's first lines, and names the guests where there is none", () => {
  assert.deepEqual(ownGuest("invoke").args, ["-O2", "-Wl,--strip-debug", "-mexec-model=reactor"]);
  assert.deepEqual(ownGuest("cat").args, ["-O2"]);
  assert.throws(() => ownGuest("helo"), /No guest is named "helo": wanted one of .*hello/);
});

test("compileOwnGuest() compiles every guest of the folder to a module that V8 takes", async () => {
  const names = guestNames();
  assert.ok(names.length >= 20, `only ${names.length} guests`);
  for (const name of names) assert.ok(WebAssembly.validate(readFileSync(await compileOwnGuest(name))), name);
});

test("the probes import all 46 functions of preview 1 and all 45 of wasi_unstable", async () => {
  const current = await importsOf("p1-probe", "wasi_snapshot_preview1");
  assert.equal(current.length, 46);
  const older = await importsOf("unstable", "wasi_unstable");
  assert.deepEqual(
    older,
    current.filter((name) => name !== "sock_accept"),
  );
});

test("hello is as small as the benchmark says", async () => {
  assert.ok(statSync(await compileOwnGuest("hello")).size <= 25 * 1024);
});
