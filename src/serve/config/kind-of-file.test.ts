import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { nestedComponent } from "../../../guests/greeter.ts";
import { handlerComponent } from "../../../guests/http-handler.ts";
import { ServedFiles, servedKind } from "./kind-of-file.ts";

const folder = mkdtempSync(join(tmpdir(), "serve-kind-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const text = (value: string): number[] => [value.length, ...Buffer.from(value)];

/** A module that imports one function. */
function importing(name: string): Uint8Array<ArrayBuffer> {
  const types = [1, 4, 1, 0x60, 0, 0];
  const imports = [1, ...text("wasi_snapshot_preview1"), ...text(name), 0, 0];
  return new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...types, 2, imports.length, ...imports]);
}

test("servedKind() tells components with the handler, guests that take connections and CGI programs apart", () => {
  assert.equal(servedKind(plain(handlerComponent()), "a.wasm", undefined), "component");
  assert.equal(servedKind(importing("sock_accept"), "a.wasm", undefined), "listener");
  assert.equal(servedKind(importing("sock_listen"), "a.wasm", undefined), "listener");
  assert.equal(servedKind(importing("fd_write"), "a.wasm", "cgi"), "cgi");
});

test("servedKind() says of what answers no requests what it has and what to type", () => {
  const cases = [
    [
      plain(nestedComponent(0)),
      undefined,
      "SERVE_NO_HANDLER",
      /it exports .*and no wasi:http\/incoming-handler@0\.2$/,
      /proxy/,
    ],
    [importing("fd_write"), undefined, "SERVE_NO_HANDLER", /takes no connections/, /--cgi/],
    [importing("fd_write"), "component", "SERVE_NO_HANDLER", /it is a core module/, /component new/],
    [plain(handlerComponent()), "cgi", "SERVE_NO_HANDLER", /it is a component/, /leave out --cgi/],
  ] as const;
  for (const [bytes, asked, code, message, hint] of cases)
    assert.throws(
      () => servedKind(bytes, "a.wasm", asked),
      (error: { code: string; message: string; hint: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.match(error.hint, hint);
        return true;
      },
    );
  assert.throws(() => servedKind(new TextEncoder().encode("#!/bin/sh"), "a.sh", undefined), {
    code: "GUEST_NOT_RUNNABLE",
  });
});

test("ServedFiles.look() reads a file once for each content, and tells what cannot be read", () => {
  const files = new ServedFiles();
  const file = join(folder, "a.wasm");
  writeFileSync(file, handlerComponent());
  const first = files.look(file, "a.wasm", undefined);
  assert.equal(files.look(file, "a.wasm", undefined), first);
  writeFileSync(file, importing("sock_accept"));
  const second = files.look(file, "a.wasm", undefined);
  assert.equal(second.kind, "listener");
  assert.notEqual(second.stamp, first.stamp);
  assert.throws(() => files.look(join(folder, "none"), "none", undefined), { code: "FILE_NOT_FOUND" });
  assert.throws(() => files.look(folder, "x", undefined), { code: "FILE_UNREADABLE", message: /it is a folder/ });
});

function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

test("ServedFiles.look() names the file whose binary is broken", () => {
  const file = join(folder, "cut.wasm");
  writeFileSync(file, handlerComponent().subarray(0, 40));
  assert.throws(() => new ServedFiles().look(file, "cut.wasm", undefined), {
    code: "WASM_MALFORMED",
    message: /^Cannot serve "cut\.wasm": a section/,
  });
});
