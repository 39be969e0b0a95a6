import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Errno, HostError } from "../base/index.ts";
import { type AccessRequest, defaultGrants, type FolderGrant, type Grants } from "../capabilities/index.ts";
import { FileStat, open } from "./filesystem/file-calls.ts";
import { buffersOf, freshFolder, Listener, pathOf } from "./host-fixture.ts";
import { type HostInstance, type HostOptions, HostWorkload } from "./workload.ts";

const folder = freshFolder();
for (const name of ["data", "data/sub", "data/sub/deep", "other"]) mkdirSync(join(folder, name));
writeFileSync(join(folder, "data/file"), "data");
writeFileSync(join(folder, "data/sub/file"), "sub");
symlinkSync("sub", join(folder, "data/link"));
symlinkSync("../other", join(folder, "data/out"));

const data: FolderGrant = { host: join(folder, "data"), guest: "/data", access: "read-write" };

function fails(errno: Errno, call: () => unknown): void {
  assert.throws(call, (error) => error instanceof HostError && error.errno === errno);
}

function withInstance(grants: Partial<Grants>, use: (instance: HostInstance) => void, options: HostOptions = {}): void {
  const workload = new HostWorkload({ ...defaultGrants, ...grants }, options);
  const instance = workload.createInstance();
  try {
    use(instance);
  } finally {
    instance.close();
    workload.close();
  }
}

/** The names of the folders that an instance was given, from descriptor 3 on. */
function names({ descriptors }: HostInstance): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  for (let fd = 3; ; fd++) {
    try {
      found.push(descriptors.get(fd).preopenName);
    } catch {
      return found;
    }
  }
}

function read({ descriptors, paths: [path] }: HostInstance, fd: number, name: string): string {
  const file = descriptors.get(fd).open(pathOf(name, path), open.read);
  const into = buffersOf("        ");
  const count = file.read(into);
  file.close();
  return Buffer.from(into.memory.subarray(0, Number(count))).toString();
}

test("HostWorkload gives the granted variables and no other", () => {
  withInstance({ env: { A: "1", B: "x=y", __proto__x: "" } }, ({ env }) =>
    assert.deepEqual(env, ["A=1", "B=x=y", "__proto__x="]),
  );
  withInstance({}, ({ env }) => assert.deepEqual(env, []));
});

test("HostWorkload gives folders in the grants' order, from 3 on", () => {
  const other: FolderGrant = { host: join(folder, "other"), guest: "o", access: "read-only" };
  withInstance({ files: [other, data] }, (instance) => {
    assert.deepEqual(names(instance), ["o", "/data"]);
    assert.equal(read(instance, 4, "file"), "data");
  });
});

test('HostWorkload gives the working directory as ".", with the access of the grant that covers it, and tells it as PWD', () => {
  const inner: FolderGrant = { host: join(folder, "data/sub"), guest: "/data/sub", access: "read-only" };
  withInstance({ files: [data, inner], workdir: "/data/sub" }, (instance) => {
    assert.deepEqual(names(instance), ["/data", "/data/sub", "."]);
    assert.deepEqual(instance.env, ["PWD=/data/sub"]);
    assert.equal(read(instance, 5, "file"), "sub");
    fails("perm", () => instance.descriptors.get(5).makeDirectory(pathOf("new", instance.paths[0])));
  });
  withInstance({ files: [data], workdir: "/data" }, (instance) => assert.equal(read(instance, 4, "file"), "data"));
  withInstance({ files: [data], workdir: "/data/link", env: { PWD: "mine" } }, (instance) => {
    assert.equal(read(instance, 4, "file"), "sub");
    assert.deepEqual(instance.env, ["PWD=mine"]);
  });
  withInstance({ files: [{ ...data, guest: "/" }], workdir: "/sub/deep" }, (instance) => {
    fails("noent", () => read(instance, 4, "file"));
  });
});

test("HostWorkload refuses a working directory that is not there or that no grant covers", () => {
  const make = (workdir: string) => () => new HostWorkload({ ...defaultGrants, files: [data], workdir });
  assert.throws(make("/database"), { code: "GRANT_INVALID", hint: "grant it with -v HOST:/database" });
  assert.throws(make("/data/nothing"), { code: "FILE_NOT_FOUND" });
  assert.throws(make("/data/file"), { code: "FILE_NOT_FOUND" });
  assert.throws(make("/data/out"), { code: "FILE_NOT_FOUND" });
});

test("HostWorkload names a granted folder that cannot be opened, and leaves none open", () => {
  const openNow = (): number => (existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0);
  const make = (name: string) => () =>
    new HostWorkload({
      ...defaultGrants,
      files: [data, { host: join(folder, name), guest: "/x", access: "read-only" }],
    });
  const before = openNow();
  assert.throws(make("nothing"), {
    code: "FILE_NOT_FOUND",
    message: /^Cannot grant ".*nothing" as "\/x": there is no such folder$/,
  });
  assert.throws(make("data/file"), { code: "FILE_UNREADABLE", hint: "grant the folder that holds the file" });
  assert.equal(openNow(), before);
});

test("HostWorkload names refusals by a root only where it is asked to and the guest has none", () => {
  const naming = { namesRefusals: true };
  withInstance({ files: [data] }, (instance) => assert.deepEqual(names(instance), ["/data"]));
  withInstance({ files: [data] }, (instance) => assert.deepEqual(names(instance), ["/data", "/"]), naming);
  for (const guest of ["/", ".", "./"]) {
    withInstance({ files: [{ ...data, guest }] }, (instance) => assert.deepEqual(names(instance), [guest]), naming);
  }
  withInstance(
    { files: [data], workdir: "/data" },
    (instance) => assert.deepEqual(names(instance), ["/data", "."]),
    naming,
  );
});

test("RefusingFolder refuses each path by its name from the root on, and is else an empty folder", () => {
  const listener = new Listener();
  withInstance(
    { files: [data] },
    ({ descriptors, paths: [path, second] }) => {
      const [given, root] = [descriptors.get(3), descriptors.get(4)];
      const at = (text: string) => pathOf(text, path);
      const times = { follow: "follow", atime: "now", mtime: "now" } as const;
      const uses: readonly (readonly [AccessRequest["capability"] | "read" | "write", () => unknown])[] = [
        ["read", () => root.open(at("etc/x"), open.read)],
        ["write", () => root.open(at("etc/x"), open.read | open.create)],
        ["write", () => root.open(at("etc/x"), open.read | open.truncate)],
        ["read", () => root.statAt(at("etc/x"), "follow", new FileStat())],
        ["read", () => root.readLink(at("etc/x"))],
        ["write", () => root.setTimesAt(at("etc/x"), times)],
        ["write", () => root.makeDirectory(at("etc/x"))],
        ["write", () => root.removeDirectory(at("/etc/x"))],
        ["write", () => root.unlink(at("etc/x"))],
        ["write", () => root.rename(at("etc/x"), given, pathOf("new", second))],
        ["write", () => root.link(at("etc/x"), "nofollow", { folder: given, path: pathOf("new", second) })],
        ["write", () => root.symlink(pathOf("file", second), at("etc/x"))],
        ["write", () => given.rename(pathOf("file", second), root, at("etc/x"))],
        ["write", () => given.link(pathOf("file", second), "nofollow", { folder: root, path: at("etc/x") })],
      ];
      for (const [index, [operation, use]] of uses.entries()) {
        fails("notcapable", use);
        assert.equal(listener.refusals.length, index + 1);
        assert.deepEqual(listener.refusals.at(-1), { capability: "files", operation, path: "/etc/x" });
      }
      const stat = new FileStat();
      for (const self of [".", "./", "/", "//."]) root.statAt(at(self), "follow", stat);
      assert.equal(stat.type, "directory");
      fails("notcapable", () => root.statAt(at(".."), "follow", stat));
      fails("noent", () => root.open(at(""), open.read));
    },
    { namesRefusals: true, observer: listener },
  );
});

test("HostWorkload counts the streams and folders among a guest's descriptors, but not the root that only refuses", () => {
  for (const namesRefusals of [false, true]) {
    const options = { limits: { maxFiles: 5 }, namesRefusals };
    withInstance(
      { files: [data] },
      ({ descriptors, paths: [path] }) => {
        descriptors.insert(descriptors.get(3).open(pathOf("file", path), open.read));
        fails("mfile", () => descriptors.reserve());
      },
      options,
    );
    const grants = { ...defaultGrants, files: [data] };
    const workload = new HostWorkload(grants, { limits: { maxFiles: 3 } });
    assert.throws(() => workload.createInstance(), { code: "CLI_OPTION_INVALID" });
    workload.close();
  }
});

test("HostWorkload gives each instance descriptors of its own over folders that stay open", () => {
  const workload = new HostWorkload({ ...defaultGrants, files: [data] });
  const [first, second] = [workload.createInstance(), workload.createInstance()];
  first.descriptors.close(3);
  assert.equal(read(second, 3, "file"), "data");
  first.close();
  second.close();
  const third = workload.createInstance();
  assert.equal(read(third, 3, "file"), "data");
  third.close();
  workload.close();
});

test("HostWorkload gives each instance an output budget and a seed of its own", () => {
  const sink = { write: ({ length }: Uint8Array) => length, ready: () => true as const, close: () => {} };
  const options = { limits: { maxOutput: 4 }, stdio: { stdout: sink, stderr: sink } };
  const workload = new HostWorkload({ ...defaultGrants, random: { kind: "seed", seed: "s" } }, options);
  const drawn = [1, 2].map(() => {
    const instance = workload.createInstance();
    assert.equal(instance.descriptors.get(1).write(buffersOf("123")), 3);
    assert.throws(() => instance.descriptors.get(2).write(buffersOf("45")), { name: "GuestEnd" });
    const bytes = new Uint8Array(8);
    instance.random.fill(bytes);
    return bytes;
  });
  assert.deepEqual(drawn[0], drawn[1]);
  workload.close();
});

test("HostWorkload refuses streams that are not granted, and says which", () => {
  const listener = new Listener();
  withInstance(
    { stdio: ["stdout"] },
    ({ descriptors }) => {
      fails("perm", () => descriptors.get(0).read(buffersOf("x")));
      fails("perm", () => descriptors.get(2).write(buffersOf("x")));
      assert.deepEqual(listener.refusals, [
        { capability: "stdio", stream: "stdin" },
        { capability: "stdio", stream: "stderr" },
      ]);
    },
    { observer: listener },
  );
});
