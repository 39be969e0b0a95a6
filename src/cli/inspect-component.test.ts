import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { greeterComponent, interfaceImporter } from "../../guests/greeter.ts";
import { handlerComponent } from "../../guests/http-handler.ts";
import { shopComponent } from "../../guests/shop.ts";
import { wasi02Component } from "../../guests/wasi02.ts";
import type { Command } from "./command.ts";
import { explainCommand } from "./explain.ts";
import { inspectCommand } from "./inspect.ts";

interface Inspected {
  readonly runnable: boolean;
  readonly obstacle: string | null;
  readonly abis: readonly string[];
  readonly imports: readonly { readonly name: string; readonly provided: boolean }[];
}

/** What a command prints of a component. */
async function printed(command: Command, bytes: Uint8Array, ...flags: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "sampan-inspect-"));
  try {
    const file = join(folder, "app.wasm");
    writeFileSync(file, bytes);
    let text = "";
    const print = (more: string): void => void (text += more);
    const parsed = { operands: [file], options: flags.map((option) => ({ option, value: "" })) };
    await command.execute(parsed, { cwd: folder, env: {}, print, complain: assert.fail });
    return text;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function inspected(bytes: Uint8Array): Promise<Inspected> {
  return JSON.parse(await printed(inspectCommand, bytes, "--json")) as Inspected;
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

test("sampan inspect says how a component is used: it runs, it is served, or its functions are called", async () => {
  const ways = async (bytes: Uint8Array): Promise<string | undefined> =>
    /^Runs here +(.*)$/m.exec(await printed(inspectCommand, bytes))?.[1];
  assert.equal(await ways(handlerComponent()), "yes, with sampan serve");
  assert.equal(await ways(await shopComponent()), "yes, with --invoke 'INTERFACE#FUNCTION(ARGUMENTS)'");
});

test("sampan inspect takes a draft's version for no release of WASI", async () => {
  const { abis } = await inspected(interfaceImporter("wasi:logging/logging@0.1.0-draft", ["log"]));
  assert.deepEqual(abis, ["wasi:logging"]);
  assert.deepEqual((await inspected(wasi02Component())).abis, ["wasi-0.2"]);
});

test("sampan explain counts what WASI 0.2 provides to a component as provided, and nothing else", async () => {
  const lacking = async (bytes: Uint8Array): Promise<unknown> =>
    (JSON.parse(await printed(explainCommand, bytes, "--json")) as { file: { notProvided: unknown } }).file.notProvided;
  assert.deepEqual(await lacking(wasi02Component()), []);
  assert.deepEqual(await lacking(await greeterComponent()), ["test:host/calls@1.2.0"]);
});
