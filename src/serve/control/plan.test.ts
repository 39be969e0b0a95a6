import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { handlerComponent } from "../../../guests/http-handler.ts";
import { defaultGrants, type Grants } from "../../capabilities/index.ts";
import { finish } from "../config/finish.ts";
import { readServeFlags } from "../config/from-flags.ts";
import { ServedFiles } from "../config/kind-of-file.ts";
import { type Plan, planOf } from "./plan.ts";

const folder = mkdtempSync(join(tmpdir(), "serve-plan-"));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "app.wasm"), handlerComponent());
writeFileSync(join(folder, "core.wasm"), new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));

function plan(file: string, words: readonly string[] = [], grants: Grants = defaultGrants): Plan {
  const flags = words.map((word) => {
    const [option = "", value] = word.split("=");
    return { option, ...(value === undefined ? {} : { value }) };
  });
  return planOf(finish(readServeFlags({ flags, file, grants, cwd: folder })), new ServedFiles());
}

const idOf = ({ workloads }: Plan): string | undefined => workloads[0]?.served.id;

test("planOf() gives a workload another id with each of its settings, its grants and its file, and no other", () => {
  const first = idOf(plan("app.wasm"));
  assert.equal(idOf(plan("app.wasm", ["--workers=3", "--access-log=json"])), first);
  const others = [
    idOf(plan("app.wasm", ["--idle=3s"])),
    idOf(plan("app.wasm", ["--memory=65m"])),
    idOf(plan("app.wasm", [], { ...defaultGrants, env: { A: "b" } })),
  ];
  utimesSync(join(folder, "app.wasm"), 1, 1);
  others.push(idOf(plan("app.wasm")));
  assert.equal(new Set([first, ...others]).size, 5);
});

test("planOf() finds where a CGI program's scripts are, and leaves one without folders to answer itself", () => {
  const folderGrants: Grants = { ...defaultGrants, files: [{ host: folder, guest: "/www", access: "read-only" }] };
  const cgiOf = (words: readonly string[], grants?: Grants): unknown =>
    plan("core.wasm", ["--cgi", ...words], grants).workloads[0]?.served.cgi;
  assert.equal(cgiOf([]), undefined);
  assert.deepEqual(cgiOf([], folderGrants), { documentRoot: "/www" });
  assert.deepEqual(cgiOf(["--document-root=/www/public", "--index=main.php"], folderGrants), {
    documentRoot: "/www/public",
    index: "main.php",
  });
  assert.deepEqual(cgiOf(["--script=/app.php"]), { documentRoot: "/", script: "/app.php" });
});
