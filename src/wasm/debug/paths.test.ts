import assert from "node:assert/strict";
import { test } from "node:test";
import { joinPath, shownPath } from "./paths.ts";

test("joinPath() keeps an absolute path, of either kind of system", () => {
  assert.equal(joinPath("src", "a.c"), "src/a.c");
  assert.equal(joinPath("src/", "a.c"), "src/a.c");
  assert.equal(joinPath(undefined, "a.c"), "a.c");
  assert.equal(joinPath("/p", "/q/a.c"), "/q/a.c");
  assert.equal(joinPath("/p", "C:\\q\\a.c"), "C:\\q\\a.c");
});

test("shownPath() takes the folder that was compiled in away, and no other", () => {
  assert.equal(shownPath("/p/src/a.c", "/p"), "src/a.c");
  assert.equal(shownPath("/p/src/a.c", "/p/"), "src/a.c");
  assert.equal(shownPath("./src/a.c", "/p"), "src/a.c");
  assert.equal(shownPath("/part/a.c", "/p"), "/part/a.c");
  assert.equal(shownPath("/src/a.c", "/"), "/src/a.c");
  assert.equal(shownPath("/src/a.c", ""), "/src/a.c");
  assert.equal(shownPath("C:\\p\\src\\a.c", "C:\\p"), "src\\a.c");
});

test("shownPath() keeps a dependency's name, and no folders that a path leaves again", () => {
  assert.equal(shownPath("src/lib.rs", "/registry/serde-1.0.2"), "serde-1.0.2/src/lib.rs");
  assert.equal(shownPath("/registry/serde-1.0.2/src/lib.rs", "/registry/serde-1.0.2"), "serde-1.0.2/src/lib.rs");
  assert.equal(shownPath("/usr/lib/core/src/../../arch/a.rs", "/p"), "/usr/lib/arch/a.rs");
  assert.equal(shownPath("../../a/./b.c", "/p/q"), "../../a/b.c");
});
