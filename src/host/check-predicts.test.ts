import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { HostError } from "../base/index.ts";
import {
  type AccessRequest,
  check,
  checkedGrants,
  defaultGrants,
  type FolderGrant,
  type Grants,
} from "../capabilities/index.ts";
import type { Descriptor } from "./descriptor.ts";
import { type FileCalls, FileStat, open } from "./filesystem/file-calls.ts";
import type { Path } from "./filesystem/path.ts";
import { createWalkCalls } from "./filesystem/walk-calls.ts";
import { buffersOf, freshFolder, Listener, pathOf } from "./host-fixture.ts";
import { createFileCalls, type HostInstance, HostWorkload } from "./workload.ts";

const root = freshFolder();
const folderNames = ["a", "b"];
/** Deeper than a granted folder and a path below it reach together. */
const depth = 7;

/** Folders called a and b in each other, with a file f in each: what a path names is there, unless it climbs too high. */
function grow(folder: string, levels: number): void {
  writeFileSync(join(folder, "f"), "f");
  if (levels === 0) return;
  for (const name of folderNames) {
    mkdirSync(join(folder, name));
    grow(join(folder, name), levels - 1);
  }
}
grow(root, depth);

const someNames = (max: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...folderNames), { maxLength: max }).map((parts) => parts.join("/"));

const folder: fc.Arbitrary<FolderGrant> = fc.record({
  host: someNames(2).map((path) => join(root, path)),
  guest: someNames(2).map((path) => `/${path}`),
  access: fc.constantFrom("read-only", "read-write"),
});

const anyGrants: fc.Arbitrary<Grants> = fc
  .record({
    clock: fc.constantFrom<Grants["clock"]>(
      { kind: "real" },
      { kind: "coarse" },
      { kind: "none" },
      { kind: "fixed", unixNanoseconds: "7" },
    ),
    random: fc.constantFrom<Grants["random"]>({ kind: "system" }, { kind: "none" }, { kind: "seed", seed: "x" }),
    stdio: fc.subarray(["stdin", "stdout", "stderr"] as const),
    env: fc.dictionary(fc.constantFrom("A", "B", "__proto__"), fc.constantFrom("", "x=y"), { maxKeys: 2 }),
    files: fc.uniqueArray(folder, { maxLength: 4, selector: ({ guest }) => guest }),
    workdir: fc.option(
      someNames(2).map((path) => `/${path}`),
      { nil: undefined, freq: 3 },
    ),
  })
  .map((grants) => ({ ...defaultGrants, ...grants }))
  .filter((grants) => {
    try {
      return checkedGrants(grants) === grants;
    } catch {
      return false;
    }
  });

const part = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...folderNames) }, fc.constant(".."));
const anyPath = fc
  .tuple(fc.array(part, { maxLength: 4 }), fc.constantFrom("f", "a", ".."), fc.boolean())
  .map(([parts, last, isAbsolute]) => `${isAbsolute ? "/" : ""}${[...parts, last].join("/")}`);

/** Ways to ask for a path, none of which changes anything where all that is named is there. */
const ways = {
  read: [
    (at: Descriptor, path: Path) => at.open(path, open.read | open.follow).close(),
    (at: Descriptor, path: Path) => at.statAt(path, "follow", new FileStat()),
    (at: Descriptor, path: Path) => at.readLink(path),
  ],
  write: [
    (at: Descriptor, path: Path) => at.open(path, open.write).close(),
    (at: Descriptor, path: Path) => at.setTimesAt(path, { follow: "nofollow", atime: "keep", mtime: 5n }),
    (at: Descriptor, path: Path) => at.makeDirectory(path),
    (at: Descriptor, path: Path) => at.open(path, open.write | open.create | open.exclusive).close(),
  ],
} as const;

const anyRequest: fc.Arbitrary<AccessRequest & { way?: number }> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      capability: fc.constant("files" as const),
      operation: fc.constantFrom("read", "write"),
      path: anyPath,
      way: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom<AccessRequest>({ capability: "clock" }, { capability: "random" }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("stdin", "stdout", "stderr").map((stream) => ({ capability: "stdio", stream }) as const),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("A", "B", "C", "__proto__").map((name) => ({ capability: "env", name }) as const),
  },
);

interface Asked {
  readonly instance: HostInstance;
  readonly grants: Grants;
  readonly path: Path;
}

/** What a C library makes of a path: the folder whose name the path begins with, the longest, and the rest. */
function located({ instance, grants }: Asked, path: string): { at: Descriptor; rest: string } | undefined {
  let best: { at: Descriptor; rest: string; length: number } | undefined;
  const count = grants.files.length + (grants.workdir === undefined ? 0 : 1);
  for (let fd = 3; fd < 3 + count + 1; fd++) {
    const at = fd < 3 + count || grants.workdir === undefined ? present(instance, fd) : undefined;
    const name = at?.preopenName;
    if (at === undefined || name === undefined) continue;
    if (name === "." || !path.startsWith("/")) {
      if (name === "." && !path.startsWith("/")) return { at, rest: path };
      continue;
    }
    const prefix = name === "/" ? "" : name;
    if (path !== prefix && !path.startsWith(`${prefix}/`)) continue;
    if (best === undefined || prefix.length > best.length) {
      best = { at, rest: path.slice(prefix.length + 1) || ".", length: prefix.length };
    }
  }
  return best;
}

function present({ descriptors }: HostInstance, fd: number): Descriptor | undefined {
  try {
    return descriptors.get(fd);
  } catch {
    return undefined;
  }
}

/** What the host does: whether it refuses; undefined where a guest has no call to ask by. */
function isRefused(asked: Asked, request: AccessRequest & { way?: number }): boolean | undefined {
  const { instance } = asked;
  if (request.capability === "env") return !instance.env.some((text) => text.startsWith(`${request.name}=`));
  try {
    switch (request.capability) {
      case "clock":
        instance.clocks.now("monotonic");
        return false;
      case "random":
        instance.random.fill(new Uint8Array(1));
        return false;
      case "stdio": {
        const fd = ["stdin", "stdout", "stderr"].indexOf(request.stream);
        const stream = instance.descriptors.get(fd);
        if (fd === 0) void stream.read(buffersOf("x"));
        else void stream.write(buffersOf("x"));
        return false;
      }
      case "files": {
        const found = located(asked, request.path);
        if (found === undefined) return undefined;
        const choices = ways[request.operation];
        choices[(request.way ?? 0) % choices.length]?.(found.at, pathOf(found.rest, asked.path));
        return false;
      }
      case "config":
      case "keyvalue":
      case "log":
      case "net.connect":
      case "net.listen":
      case "net.dns":
        return undefined;
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return error.errno === "perm" || error.errno === "notcapable";
  }
}

const stdio = {
  stdin: { read: () => 0, ready: () => true as const, cancel: () => {} },
  stdout: { write: ({ length }: Uint8Array) => length, ready: () => true as const, close: () => {} },
  stderr: { write: ({ length }: Uint8Array) => length, ready: () => true as const, close: () => {} },
};

function predicts(calls: FileCalls): { allowed: number; refused: number } {
  const counts = { allowed: 0, refused: 0 };
  const property = fc.property(
    anyGrants,
    fc.array(anyRequest, { minLength: 10, maxLength: 20 }),
    (grants, requests) => {
      const listener = new Listener();
      const workload = new HostWorkload(grants, { calls, stdio, observer: listener, namesRefusals: true });
      const instance = workload.createInstance();
      try {
        const asked: Asked = { instance, grants, path: calls.makePath() };
        for (const request of requests) {
          if (request.capability === "files" && !request.path.startsWith("/") && grants.workdir === undefined) continue;
          const verdict = check(grants, request);
          listener.refusals.length = 0;
          const refused = isRefused(asked, request);
          if (refused === undefined) continue;
          counts[refused ? "refused" : "allowed"] += 1;
          assert.equal(refused, !verdict.allowed, JSON.stringify({ request, verdict }));
          // What is told of a refusal is a request that is refused in turn, so that a fix can be named.
          if (refused && request.capability !== "env") {
            assert.equal(listener.refusals.length, 1);
            const [told] = listener.refusals;
            assert.equal(told !== undefined && check(grants, told).allowed, false, JSON.stringify({ request, told }));
          }
        }
      } finally {
        instance.close();
        workload.close();
      }
    },
  );
  fc.assert(property, { numRuns: 400 });
  return counts;
}

const best = createFileCalls();
for (const calls of best.name === "walk" ? [best] : [best, createWalkCalls()]) {
  test(`check() predicts what the host allows and refuses, for random grants and calls (${calls.name})`, () => {
    const { allowed, refused } = predicts(calls);
    assert.ok(allowed > 500 && refused > 500, `${allowed} were allowed, ${refused} refused`);
  });
}
