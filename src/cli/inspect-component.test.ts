import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { greeterComponent, interfaceImporter } from "../../guests/greeter.ts";
import { shopComponent } from "../../guests/shop.ts";
import { wasi02Component } from "../../guests/wasi02.ts";
import { inspectCommand } from "./inspect.ts";

interface Inspected {
  readonly runnable: boolean;
  readonly obstacle: string | null;
  readonly imports: readonly { readonly name: string; readonly provided: boolean }[];
}

async function inspected(bytes: Uint8Array): Promise<Inspected> {
  const folder = mkdtempSync(join(tmpdir(), "sampan-inspect-"));
  try {
    const file = join(folder, "app.wasm");
    writeFileSync(file, bytes);
    let text = "";
    const print = (more: string): void => void (text += more);
    const parsed = { operands: [file], options: [{ option: "--json", value: "" }] };
    await inspectCommand.execute(parsed, { cwd: folder, env: {}, print, complain: assert.fail });
    return JSON.parse(text) as Inspected;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("sampan inspect says that a component on WASI 0.2 runs, of whatever version", async () => {
  const { runnable, obstacle, imports } = await inspected(wasi02Component());
  assert.deepEqual({ runnable, obstacle }, { runnable: true, obstacle: null });
  assert.ok(imports.length > 5 && imports.every(({ provided }) => provided));
  assert.equal((await inspected(await shopComponent())).runnable, true);
  const [later] = (await inspected(interfaceImporter("wasi:cli/environment@0.2.99", ["get-environment"]))).imports;
  assert.equal(later?.provided, true);
});

test("sampan inspect names the interfaces, or the functions in them, that nobody provides", async () => {
  const greeter = await inspected(await greeterComponent());
  assert.equal(greeter.obstacle, "nobody provides test:host/calls@1.2.0");
  const name = "wasi:cli/environment@0.2.6";
  const newer = await inspected(interfaceImporter(name, ["get-environment", "get-moon-phase"]));
  assert.deepEqual(
    newer.imports.map(({ provided }) => provided),
    [false],
  );
  assert.equal(newer.obstacle, `nobody provides ${name}#get-moon-phase`);
  const other = await inspected(interfaceImporter("wasi:cli/environment@0.3.0", ["get-environment"]));
  assert.equal(other.obstacle, "nobody provides wasi:cli/environment@0.3.0");
});
