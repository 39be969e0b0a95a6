import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { greeterComponent } from "../guests/greeter.ts";
import { shopComponent } from "../guests/shop.ts";
import { compileOwnGuest } from "../guests/toolchain.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const guide = readFileSync(join(root, "docs", "ENGINE.md"), "utf8");
const blocks = [...guide.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1] ?? "");

/** Runs a program that imports Sampan as it is packed, with hello.wasm beside it. */
async function runProgram(text: string): Promise<{ stdout: string; stderr: string; status: number | null }> {
  const folder = mkdtempSync(join(tmpdir(), "sampan-guide-"));
  try {
    copyFileSync(await compileOwnGuest("hello"), join(folder, "hello.wasm"));
    writeFileSync(join(folder, "shop.wasm"), await shopComponent());
    writeFileSync(join(folder, "greeter.wasm"), await greeterComponent());
    const packed = pathToFileURL(join(root, "dist", "index.mjs")).href;
    writeFileSync(join(folder, "program.mjs"), text.replace(/from "sampan"/, `from ${JSON.stringify(packed)}`));
    const { stdout, stderr, status } = spawnSync(process.execPath, ["program.mjs"], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, XDG_CACHE_HOME: join(folder, "cache") },
      timeout: 60_000,
    });
    return { stdout, stderr, status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("docs/ENGINE.md's first program prints what it says, no warning of Node's, and ends by itself", async () => {
  const [program = ""] = blocks;
  const promised = /prints `([^`]+)`/.exec(guide)?.[1];
  assert.deepEqual(await runProgram(program), { stdout: `${promised}\n`, stderr: "", status: 0 });
});

test("docs/COMPONENTS.md's program prints what it says", async () => {
  const components = readFileSync(join(root, "docs", "COMPONENTS.md"), "utf8");
  const [, program = ""] = /```js\n(.*?)```/s.exec(components) ?? [];
  const [, promised] = /```text\n(.*?)```/s.exec(components) ?? [];
  assert.deepEqual(await runProgram(program), { stdout: promised, stderr: "", status: 0 });
});

test("a program that makes an engine and leaves it ends by itself", async () => {
  const program = `
    import { readFileSync } from "node:fs";
    import { Engine } from "sampan";
    const engine = new Engine();
    const module = await engine.compile(readFileSync("hello.wasm"));
    const here = await engine.instantiate(module);
    const there = await engine.instantiate(module, { cordon: "shared" });
    await Promise.all([here.run(), there.run()]);`;
  const { stdout, stderr, status } = await runProgram(program);
  assert.deepEqual(
    { stdout, stderr, status },
    { stdout: "Hello from Sampan\nHello from Sampan\n", stderr: "", status: 0 },
  );
});

test("package.json's exports name what is built, and the types that are packed with it", () => {
  const { exports, scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, Record<"import" | "require", { default: string; types: string }>>;
    scripts: Record<string, string>;
  };
  const { import: imported, require: required } = exports["."] ?? assert.fail("nothing is exported");
  assert.deepEqual(imported, { types: "./dist/index.d.mts", default: "./dist/index.mjs" });
  assert.deepEqual(required, { types: "./dist/types/index.d.ts", default: "./dist/index.cjs" });
  for (const file of [imported.types, imported.default, required.default])
    assert.ok(existsSync(join(root, file)), file);
  assert.match(scripts["prepack"] ?? "", /tsconfig\.types\.json/);
});
