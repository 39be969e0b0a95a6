import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { grayPng } from "../guests/image/png.ts";
import { shopComponent } from "../guests/shop.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const guide = readFileSync(join(root, "docs", "guides", "embedding.md"), "utf8");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
let folder: string;

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

function run(command: string, args: readonly string[]): Ran {
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, "cache"), NODE_OPTIONS: "" };
  const { stdout, stderr, status } = spawnSync(command, args, { cwd: folder, encoding: "utf8", env, timeout: 120_000 });
  return { stdout, stderr, status };
}

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

/** The package as npm would unpack it beside a program: what is built, and the types that are made when it is packed. */
function installPackage(): void {
  const installed = join(folder, "node_modules", "sampan");
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, "package.json"), join(installed, "package.json"));
  cpSync(join(root, "dist"), join(installed, "dist"), { recursive: true });
  const types = ["-p", join(root, "tsconfig.types.json"), "--outDir", join(installed, "dist", "types")];
  spawnSync(process.execPath, [tsc, ...types], { cwd: root });
  mkdirSync(join(folder, "node_modules", "@types"));
  for (const name of ["@types/node", "undici-types"])
    cpSync(join(root, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "sampan-embedding-"));
  installPackage();
  mkdirSync(join(folder, "photos", "2026"), { recursive: true });
  writeFileSync(join(folder, "photos", "cat.png"), grayPng(640, 480));
  cpSync(join(root, "guests", "image", "image.wasm"), join(folder, "image.wasm"));
  writeFileSync(join(folder, "shop.wasm"), await shopComponent());
  mkdirSync(join(folder, "bin"));
  const launcher = join(folder, "bin", "sampan");
  writeFileSync(launcher, `#!/bin/sh\nexec "${process.execPath}" "${join(root, "src/cli/main.ts")}" "$@"\n`);
  chmodSync(launcher, 0o755);
  for (const [, name = "", text = ""] of guide.matchAll(/^`([\w.]+)`.*:\n\n```\w+\n([^]*?)^```$/gm)) write(name, text);
});
after(() => rmSync(folder, { recursive: true }));

describe("docs/guides/embedding.md", () => {
  const blocks = [...guide.matchAll(/^```\n(\$ [^]*?)\n```$/gm)].map(([, block = ""]) => block);
  const commands = blocks.flatMap((block) => block.slice(2).split("\n$ ")).map((text) => text.split("\n"));

  test("has programs and commands", () => {
    const programs = readdirSync(folder).filter((name) => /\.(mts|mjs|cjs)$/.test(name));
    assert.ok(programs.length >= 6, String(programs));
    assert.ok(commands.length >= 6);
  });

  for (const [line = "", ...output] of commands) {
    test(`${line} prints what it says, and no warning of Node's`, () => {
      const [command = "", ...args] = line.split(" ");
      const { stdout, stderr, status } = run(
        command === "node" ? process.execPath : join(folder, "bin", command),
        args,
      );
      if (output[0] !== "…") assert.equal(stdout, output.map((each) => `${each}\n`).join(""));
      assert.equal(stderr, "");
      assert.equal(status, 0);
    });
  }
});

describe("the package", () => {
  test("import and require() give a program the same one, without a warning of Node's", () => {
    write(
      "both.mjs",
      `import { createRequire } from "node:module";
      import * as imported from "sampan";
      const required = createRequire(import.meta.url)("sampan");
      const names = Object.keys(required);
      console.log(names.length > 8, names.every((name) => imported[name] === required[name]));
      const { exports } = await required.instantiate("shop.wasm");
      try {
        exports.orders.total([{ name: "cup", count: 1 }]);
      } catch (error) {
        console.log(error instanceof imported.ComponentError, error.payload);
      }`,
    );
    assert.deepEqual(run(process.execPath, ["both.mjs"]), { stdout: "true true\ntrue cup\n", stderr: "", status: 0 });
    write("one.cjs", `const { instantiate } = require("sampan"); console.log(typeof instantiate);`);
    assert.deepEqual(run(process.execPath, ["one.cjs"]), { stdout: "function\n", stderr: "", status: 0 });
  });

  test("a program that uses what sampan types wrote is checked, as a module and as CommonJS", () => {
    run(join(folder, "bin", "sampan"), ["types", "image.wasm", "-o", "image.d.ts"]);
    run(join(folder, "bin", "sampan"), ["types", "shop.wasm", "-o", "shop.d.ts"]);
    const good = `import { instantiate, narrow, type Async } from "sampan";
      import type { Root, RootExports, AcmeImageResize } from "./image.d.ts";
      import type { Root as Shop, RootImports } from "./shop.d.ts";
      export async function use(signal: AbortSignal): Promise<number> {
        const later = await instantiate<Root>("image.wasm", { allow: { dirs: { "/in": { host: ".", access: "ro" } } }, signal });
        const { resize, open, Picture, resizeStream } = later.exports["acme:image/resize"];
        const small: Uint8Array = await resize(new Uint8Array(), { width: 4, height: 2 });
        const stream: ReadableStream<Uint8Array> = await open("/in/a.png");
        const written: bigint = await resizeStream(stream, (chunk) => chunk.length, { width: 1 });
        await using picture = await new Picture({ width: 1, height: 1 }, 7);
        const { width } = await picture.size();
        using now = await instantiate<RootExports>("image.wasm", { mode: "sync", allow: narrow(later.grants, { dirs: ["/in"] }) });
        const size: AcmeImageResize.Size = now.exports.resize.Picture.decode(small).size();
        const thread = await instantiate<RootExports>("image.wasm", { cordon: "thread" });
        const same: Async<RootExports> = thread.exports;
        const shop = await instantiate<Shop, RootImports>("shop.wasm", { limits: { memory: "1m" }, imports: {} });
        const paid = shop.exports.orders.pay({ tag: "open" }, 350n);
        return width + size.width + Number(written) + Object.keys(same).length + (paid.tag === "paid" ? Number(paid.val) : 0);
      }\n`;
    const wrong = [
      ["{ width: 4, height: 2 }", '{ width: "4" }'],
      ["{ dirs: { ", "{ dir: { "],
      ['memory: "1m"', 'memroy: "1m"'],
      ["350n", "350"],
      ["await resize(", "resize("],
    ] as const;
    write("use.mts", good);
    write("use.cts", good);
    for (const [index, [from, to]] of wrong.entries()) write(`wrong${index}.mts`, good.replace(from, to));
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: "esnext",
      module: "nodenext",
      lib: ["esnext"],
      types: ["node"],
      allowImportingTsExtensions: true,
      exactOptionalPropertyTypes: true,
    };
    write(
      "tsconfig.json",
      JSON.stringify({
        compilerOptions,
        files: ["thumbnail.mts", "use.mts", "use.cts", ...wrong.map((_, index) => `wrong${index}.mts`)],
      }),
    );
    const { stdout } = run(process.execPath, [tsc, "-p", "."]);
    const said = [...stdout.matchAll(/^([\w.]+)\(\d+,\d+\): error/gm)].map(([, file]) => file);
    assert.deepEqual(
      [...new Set(said)],
      wrong.map((_, index) => `wrong${index}.mts`),
      stdout,
    );
  });
});
