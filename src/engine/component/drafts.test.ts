import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { draftsComponent } from "../../../guests/drafts.ts";
import { ComponentError } from "../../component/index.ts";
import { MemorySink } from "../../host/index.ts";
import { Engine } from "../engine.ts";
import type { ComponentModule } from "./component-module.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-drafts-"));
let engine: Engine;
let component: ComponentModule;

before(async () => {
  engine = new Engine({ cache: false });
  component = await engine.compileComponent(draftsComponent(), { name: "drafts" });
});
after(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const mode of ["sync", "async"] as const) {
  describe(`a component on drafts that is bound ${mode}`, () => {
    test("reads what it was granted, counts in its store and logs", async () => {
      const stderr = new MemorySink();
      const grants = { config: { region: "eu" }, keyvalue: { hits: "memory" }, log: "stderr=info" };
      await using instance = await engine.instantiateComponent(component, { mode, grants, stdio: { stderr } });
      assert.equal(await instance.invoke("read", "region"), "eu");
      assert.equal(await instance.invoke("read", "other"), undefined);
      assert.equal(await instance.invoke("count", "hits"), 1n);
      assert.equal(await instance.invoke("count", "hits"), 2n);
      assert.equal(await instance.invoke("count", "../hits"), -1n);
      await instance.invoke("tell", "hello");
      assert.equal(stderr.text, "WARN hello\n");
    });

    test("has nothing of them without a grant", async () => {
      const stderr = new MemorySink();
      await using instance = await engine.instantiateComponent(component, { mode, stdio: { stderr } });
      assert.equal(await instance.invoke("read", "region"), undefined);
      assert.equal(await instance.invoke("count", "hits"), -1n);
      await instance.invoke("tell", "hello");
      assert.equal(stderr.text, "");
    });

    test("finds in its file what another instance left there", async () => {
      const grants = { keyvalue: { hits: join(folder, `${mode}.db`) } };
      for (const expected of [1n, 2n, 3n]) {
        await using instance = await engine.instantiateComponent(component, { mode, grants });
        assert.equal(await instance.invoke("count", "hits"), expected);
      }
    });
  });
}

test("a store that cannot be opened is an error of the instance, not of a call", async () => {
  const grants = { keyvalue: { hits: join(folder, "none", "x.db") } };
  await assert.rejects(engine.instantiateComponent(component, { grants }), { code: "KEYVALUE_FILE" });
});

test("functions of the caller's come before drafts, and their errors are the interface's", async () => {
  const imports = {
    "wasi:config/store@0.2.0-rc.1": {
      get: () => {
        throw new ComponentError({ tag: "io", val: "no disk" });
      },
    },
  };
  await using instance = await engine.instantiateComponent(component, { imports });
  await assert.rejects(instance.invoke("read", "region"), { payload: { tag: "io", val: "no disk" } });
});
