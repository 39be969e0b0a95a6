import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compatibilityTrack, matchName, parseExternName, uniqueForm } from "./names.ts";

describe("parseExternName()", () => {
  test("takes plain, annotated and interface names apart", () => {
    assert.deepEqual(parseExternName("is-XML"), { kind: "plain", label: "is-XML" });
    assert.deepEqual(parseExternName("[constructor]file"), { kind: "constructor", resource: "file" });
    assert.deepEqual(parseExternName("[method]file.read-at"), { kind: "method", resource: "file", label: "read-at" });
    assert.deepEqual(parseExternName("[static]file.open"), { kind: "static", resource: "file", label: "open" });
    assert.deepEqual(parseExternName("wasi:cli/run@0.2.0-rc.1+build"), {
      kind: "interface",
      namespace: "wasi",
      package: "cli",
      interface: "run",
      version: "0.2.0-rc.1+build",
    });
  });

  test("refuses what is no name", () => {
    const words = ["", "1", "a-", "aBc", "-a", "a_b", "[method]a", "[method]a.b.c", "[method].a", "[constructor]"];
    const interfaces = ["a:b", "A:b/c", "a:B/c", "a:1/b", "a:b/1", "a:b/c@", "a:b/c@1", "a:b/c@01.0.0", "a:b/c@1.0.0-"];
    for (const name of [...words, ...interfaces, "a:b:c/d", "a:b/c/d"])
      assert.equal(parseExternName(name), undefined, name);
  });

  test("takes nested names and canonical versions where they are allowed", () => {
    const parsed = parseExternName("a:b:c/d/e@0.2", { nested: true, canonical: true });
    assert.deepEqual(parsed, { kind: "interface", namespace: "a:b", package: "c", interface: "d/e", version: "0.2" });
    assert.equal(parseExternName("a:b/c@0.2.0.1", { canonical: true }), undefined);
  });
});

test("uniqueForm() puts names together that would be alike in a source language", () => {
  for (const name of ["foo", "FOO", "[method]foo.foo", "[static]Foo.foo"]) assert.equal(uniqueForm(name), "foo", name);
  assert.equal(uniqueForm("[method]foo.BAR"), uniqueForm("[static]foo.bar"));
  assert.notEqual(uniqueForm("[constructor]foo"), uniqueForm("foo"));
});

test("compatibilityTrack() keeps what compatible versions share, and nothing of a pre-release", () => {
  const tracks = { "1.2.3": "1", "0.2.6": "0.2", "0.0.3": "0.0.3", "2.0.0+build": "2", "0.2": "0.2", "12": "12" };
  for (const [version, track] of Object.entries(tracks)) assert.equal(compatibilityTrack(version), track, version);
  for (const version of ["0.3.0-draft", "1.0.0-rc.1", "x", ""]) assert.equal(compatibilityTrack(version), undefined);
});

describe("matchName()", () => {
  const offered = ["a:b/c@0.2.1", "a:b/c@0.2.10", "a:b/c@0.3.0", "a:b/c@0.4.0-draft", "a:b/c", "a:b/cc@0.2.99"];

  test("prefers the very name and else takes the highest version of the track, above or below", () => {
    assert.equal(matchName("a:b/c@0.2.1", offered), "a:b/c@0.2.1");
    assert.equal(matchName("a:b/c@0.2.4", offered), "a:b/c@0.2.10");
    assert.equal(matchName("a:b/c@0.2.40", offered), "a:b/c@0.2.10");
    assert.equal(matchName("a:b/c", offered), "a:b/c");
  });

  test("takes pre-releases and other tracks only by the very name", () => {
    assert.equal(matchName("a:b/c@0.4.0-draft", offered), "a:b/c@0.4.0-draft");
    assert.equal(matchName("a:b/c@0.4.0", offered), undefined);
    assert.equal(matchName("a:b/c@0.4.0-other", offered), undefined);
    assert.equal(matchName("a:b/c@1.0.0", offered), undefined);
  });
});
