import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { digest, enginePlace, makePrivate, placesOf, projectPlaces, pruneEmpty } from "./places.ts";

const root = mkdtempSync(join(tmpdir(), "sampan-places-"));
after(() => rmSync(root, { recursive: true }));
const sources = { home: "/home/me", temporary: "/tmp", uid: 1000 };

test("placesOf() takes XDG's folders where they are absolute, and a short one for sockets", () => {
  assert.deepEqual(placesOf({ ...sources, env: {} }), {
    state: "/home/me/.local/state/sampan",
    run: "/tmp/sampan-1000",
  });
  const env = { XDG_STATE_HOME: "/state", XDG_RUNTIME_DIR: "/run/user/1000" };
  assert.deepEqual(placesOf({ ...sources, env }), { state: "/state/sampan", run: "/run/user/1000/sampan" });
  const relative = placesOf({ ...sources, env: { XDG_STATE_HOME: "state", XDG_RUNTIME_DIR: "run" } });
  assert.deepEqual(relative, placesOf({ ...sources, env: {} }));
  const long = placesOf({ ...sources, env: { XDG_RUNTIME_DIR: `/${"x".repeat(60)}` } });
  assert.equal(long.run, "/tmp/sampan-1000");
});

test("projectPlaces() leave room for an address and a port, and differ by project and by state folder", () => {
  const places = placesOf({ ...sources, env: { XDG_RUNTIME_DIR: `/${"x".repeat(48)}` } });
  const { net, socket } = projectPlaces(places, "a".repeat(200));
  assert.ok(Buffer.byteLength(join(net, "10.255.255.255", "tcp-65535")) < 108);
  assert.ok(Buffer.byteLength(socket) < 108);
  const nets = [
    projectPlaces(places, "a").net,
    projectPlaces(places, "b").net,
    projectPlaces({ ...places, state: "/other" }, "a").net,
  ];
  assert.equal(new Set(nets).size, 3);
  assert.notEqual(enginePlace(places).socket, enginePlace({ ...places, state: "/other" }).socket);
});

test("projectPlaces() refuses a name that is no folder's of its own", () => {
  const places = placesOf({ ...sources, env: {} });
  for (const name of ["", ".", "..", "../../zz", "a/b", "/etc", "a\0b", "a\nb", "Ä", "-a", "a".repeat(201)]) {
    assert.throws(() => projectPlaces(places, name), { code: "PLACE_UNSAFE", hint: /-p NAME/ }, name);
  }
});

test("digest() tells near texts apart", () => {
  const seen = new Set(Array.from({ length: 20_000 }, (_, at) => digest(`project-${at}`)));
  assert.equal(seen.size, 20_000);
  for (const text of seen) assert.match(text, /^[0-9a-f]{12}$/);
});

test("makePrivate() makes a folder for this user alone and refuses one that lets others in", () => {
  const folder = join(root, "deep", "own");
  makePrivate(folder);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  makePrivate(folder);
  chmodSync(folder, 0o755);
  assert.throws(() => makePrivate(folder), { code: "PLACE_UNSAFE", hint: /chmod 700/ });
});

test("pruneEmpty() removes folders upward as far as nothing is in them", () => {
  const top = join(root, "top");
  mkdirSync(join(top, "a", "b", "c"), { recursive: true });
  mkdirSync(join(top, "other"));
  pruneEmpty(join(top, "a", "b", "c"), top);
  assert.deepEqual([existsSync(join(top, "a")), existsSync(join(top, "other"))], [false, true]);
  pruneEmpty(join(top, "other"), top);
  assert.deepEqual([existsSync(top), existsSync(root)], [false, true]);
});
