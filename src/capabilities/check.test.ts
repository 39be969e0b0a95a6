import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { check } from "./check.ts";
import { anyCwd, anyGrants, anyRequest } from "./grants-arbitrary.ts";
import { grantsFromFlags } from "./grants-from-flags.ts";
import { defaultGrants, type Grants, noGrants } from "./grants.ts";
import type { AccessRequest } from "./request.ts";
import { readGrants } from "./schema.ts";
import { typedWords } from "./typed-words.ts";
import type { Verdict } from "./verdict.ts";

const context = { cwd: "/home/user", lookup: () => "value" };

function granted(...flags: string[]): Grants {
  return grantsFromFlags(flags.flatMap(typedWords), context);
}

function refused(grants: Grants, request: AccessRequest): Extract<Verdict, { allowed: false }> {
  const verdict = check(grants, request);
  assert.ok(!verdict.allowed, `${JSON.stringify(request)} is allowed`);
  return verdict;
}

const file = (path: string, operation: "read" | "write" = "read"): AccessRequest => ({
  capability: "files",
  operation,
  path,
});
const connect = (host: string, port: number, ...addresses: string[]): AccessRequest => ({
  capability: "net.connect",
  host,
  port,
  ...(addresses.length > 0 ? { addresses } : {}),
});

/** What the grants are once the fix of a refusal is typed. */
function afterFix(grants: Grants, { flag, replaces }: { flag: string; replaces?: string | undefined }): Grants {
  const gone = replaces?.startsWith("-v") || replaces?.startsWith("--dir") ? typedWords(replaces)[0] : undefined;
  const [removed] = gone === undefined ? [] : grantsFromFlags([gone], context).files;
  const files = grants.files.filter((each) => JSON.stringify(each) !== JSON.stringify(removed));
  assert.equal(files.length, grants.files.length - (removed === undefined ? 0 : 1));
  return grantsFromFlags(typedWords(flag), context, { ...grants, files });
}

test("check() allows every request that it refused once the fix is typed", () => {
  let refusals = 0;
  fc.assert(
    fc.property(anyGrants, anyRequest, (grants, request) => {
      const verdict = check(grants, request);
      if (verdict.allowed) return;
      refusals += 1;
      const after = check(afterFix(grants, verdict.fix), request);
      assert.ok(
        after.allowed,
        `${verdict.fix.flag} (for ${verdict.fix.replaces}) does not help: ${JSON.stringify(after)}`,
      );
    }),
    { numRuns: 3000 },
  );
  assert.ok(refusals > 500, `${refusals} refusals`);
});

test("check() gives with each fix a line that is a grants file of the same meaning as the flag", () => {
  fc.assert(
    fc.property(anyGrants, anyRequest, (grants, request) => {
      const verdict = check(grants, request);
      if (verdict.allowed) return;
      const base = {
        ...noGrants,
        clock: defaultGrants.clock,
        random: defaultGrants.random,
        stdio: defaultGrants.stdio,
      };
      const byFlag = grantsFromFlags(typedWords(verdict.fix.flag), context, base);
      assert.deepEqual(readGrants(verdict.fix.line, context), byFlag);
    }),
    { numRuns: 1000 },
  );
});

test("check() writes a fix for the folder that it is typed in, and there it means the same", () => {
  let shorter = 0;
  const compare = (grants: Grants, request: AccessRequest, cwd: string): void => {
    const [absolute, typed] = [check(grants, request), check(grants, request, { cwd })];
    assert.equal(typed.allowed, absolute.allowed);
    if (typed.allowed || absolute.allowed) return;
    const read = (flag: string | undefined): Grants =>
      grantsFromFlags(typedWords(flag ?? ""), { ...context, cwd }, noGrants);
    assert.deepEqual(read(typed.fix.flag), read(absolute.fix.flag), typed.fix.flag);
    assert.deepEqual(read(typed.fix.replaces), read(absolute.fix.replaces), typed.fix.flag);
    assert.equal(typed.fix.line, absolute.fix.line);
    if (typed.fix.flag !== absolute.fix.flag) shorter += 1;
  };
  fc.assert(
    fc.property(anyGrants, anyRequest, anyCwd, (grants, request, cwd) => {
      compare(grants, request, cwd);
      for (const { guest } of grants.files) compare(grants, file(`${guest}/x`, "write"), cwd);
    }),
    { numRuns: 1000 },
  );
  assert.ok(shorter > 100, `${shorter} are written otherwise`);
});

test("check() names a host path within the folder of typing from there on, and no other", () => {
  const grants = granted("-v ./data:/data:ro", "-v '/home/user/my data:/my data:ro'", "-v ../user2:/user2:ro");
  const fix = (path: string, cwd: string) => {
    const verdict = check(grants, file(path, "write"), { cwd });
    return verdict.allowed ? [] : [verdict.fix.flag, verdict.fix.replaces];
  };
  assert.deepEqual(fix("/data/x", "/home/user"), ["-v ./data:/data", "-v ./data:/data:ro"]);
  assert.deepEqual(fix("/data/x", "/home/user/data"), ["-v .:/data", "-v .:/data:ro"]);
  assert.deepEqual(fix("/data/x", "/"), ["-v /home/user/data:/data", "-v /home/user/data:/data:ro"]);
  assert.deepEqual(fix("/my data/x", "/home/user"), ["-v './my data:/my data'", "-v './my data:/my data:ro'"]);
  assert.equal(fix("/user2/x", "/home/user")[0], "-v /home/user2:/user2");
  const socket = check(noGrants, connect("unix:/home/user/db.sock", 0), { cwd: "/home/user" });
  assert.equal(socket.allowed || socket.fix.flag, "--allow-net unix:./db.sock");
});

test("check() names as `by` a flag that allows the request by itself", () => {
  fc.assert(
    fc.property(anyGrants, anyRequest, (grants, request) => {
      const verdict = check(grants, request);
      // A name whose answers lie inside takes more than one grant; a bare -e takes the value of the surroundings.
      if (!verdict.allowed || (request.capability === "net.connect" && request.addresses)) return;
      const workdir = request.capability === "files" && grants.workdir !== undefined;
      if (workdir) return;
      assert.ok(check(grantsFromFlags(typedWords(verdict.by), context, noGrants), request).allowed, verdict.by);
    }),
    { numRuns: 1000 },
  );
});

test("check() fixes a path outside all folders with its parent folder, under the same name", () => {
  const { fix, reason } = refused(defaultGrants, file("/etc/passwd"));
  assert.equal(reason, 'no granted folder contains "/etc/passwd"');
  assert.deepEqual(fix, { flag: "-v /etc:/etc:ro", line: 'files: ["/etc:/etc:ro"]' });
  assert.equal(refused(defaultGrants, file("/etc/ssl/", "write")).fix.flag, "-v /etc/ssl:/etc/ssl");
  assert.equal(refused(defaultGrants, file("/secret.txt")).fix.flag, "-v DIR:/:ro");
  assert.equal(refused(defaultGrants, file("notes/a.txt")).fix.flag, "-v ./notes:notes:ro");
  assert.equal(refused(defaultGrants, file("a.txt")).fix.flag, "-v .:.:ro");
});

test("check() fixes a write to a read-only folder with the same flag without :ro", () => {
  const grants = granted("-v ./data:/data:ro");
  assert.ok(check(grants, file("/data/x")).allowed);
  assert.deepEqual(refused(grants, file("/data/x", "write")).fix, {
    flag: "-v /home/user/data:/data",
    line: 'files: ["/home/user/data:/data"]',
    replaces: "-v /home/user/data:/data:ro",
  });
});

test("check() fixes a climb out of a folder with the wider folder in its place", () => {
  assert.deepEqual(refused(granted("-v ./data:/data:ro"), file("/data/../secret")).fix, {
    flag: "-v /home/user:/:ro",
    line: 'files: ["/home/user:/:ro"]',
    replaces: "-v /home/user/data:/data:ro",
  });
});

test("check() fixes a climb with the folder that really holds the file where the names differ", () => {
  assert.equal(refused(granted("-v ./data:/other"), file("/other/../secret")).fix.flag, "-v /home/user:/other/..:ro");
  assert.equal(refused(granted("--dir ."), file("../secret")).fix.flag, "-v /home:..:ro");
  assert.equal(refused(granted("-v /data:/data"), file("/data/../etc/passwd")).fix.flag, "-v /etc:/data/../etc:ro");
  assert.equal(refused(granted("-v ./src:/src", "-w /src"), file("./../secret", "write")).fix.flag, "-v /home/user:..");
});

test("check() takes the folder with the longest name, and no climb out of it back into another", () => {
  const grants = granted("-v ./a:/a", "-v ./b:/a/b:ro", "-v ./c:/c");
  assert.ok(check(grants, file("/a/x", "write")).allowed);
  assert.ok(!check(grants, file("/a/b/x", "write")).allowed);
  assert.ok(check(grants, file("/a/bb/x", "write")).allowed);
  assert.ok(check(grants, file("/a/sub/../x", "write")).allowed);
  assert.ok(!check(grants, file("/a/../c/x")).allowed);
  assert.ok(!check(grants, file("/a/../a/x")).allowed);
});

test("check() starts relative paths at the working directory", () => {
  const grants = granted("-v ./src:/src:ro", "-v ./out:/out", "-w /out/sub");
  assert.ok(check(grants, file("x", "write")).allowed);
  assert.ok(!check(grants, file("../../x")).allowed);
  // Its descriptor is all that a relative path is resolved by: not the folder above, nor one that is granted below it.
  assert.equal(refused(grants, file("../x", "write")).fix.flag, "-v /home/user/out:..");
  const within = granted("-v ./out:/out:ro", "-v ./in:/out/sub/in", "-w /out/sub");
  assert.ok(check(within, file("/out/sub/in/x", "write")).allowed);
  assert.ok(!check(within, file("in/x", "write")).allowed);
});

test("check() opens public addresses by name, and the inside by CIDR only", () => {
  const byName = granted("--allow-net db:5432");
  assert.ok(check(byName, connect("db", 5432)).allowed);
  assert.ok(check(byName, connect("DB.", 5432, "93.184.216.34")).allowed);
  assert.ok(!check(byName, connect("db", 5433)).allowed);
  const inside = ["127.0.0.1", "10.0.0.5", "169.254.169.254", "fd00:ec2::254", "fe80::1%eth0", "::ffff:192.168.0.1"];
  for (const address of [
    ...inside,
    "64:ff9b::7f00:1",
    "2002:a00:1::",
    "0.0.0.0",
    "::",
    "100.100.100.200",
    "nonsense",
  ]) {
    assert.ok(!check(byName, connect("db", 5432, "93.184.216.34", address)).allowed, address);
  }
  const verdict = refused(byName, connect("db", 5432, "10.0.0.5"));
  assert.equal(verdict.reason, '"db" is at a private address (10.0.0.5), which a granted name does not open');
  assert.equal(verdict.fix.flag, "--allow-net 10.0.0.5:5432");
  assert.ok(
    check(granted("--allow-net db:5432", "--allow-net 10.0.0.0/8:5432"), connect("db", 5432, "10.0.0.5")).allowed,
  );
  assert.equal(
    refused(defaultGrants, connect("db", 5432, "10.0.0.5", "1.1.1.1")).fix.flag,
    "--allow-net db:5432 --allow-net 10.0.0.5:5432",
  );
});

test("check() opens loopback, and nothing else inside, to the name localhost", () => {
  const grants = granted("--allow-net localhost:80");
  assert.ok(check(grants, connect("localhost", 80, "127.0.0.1", "::1")).allowed);
  assert.ok(!check(grants, connect("localhost", 80, "10.0.0.1")).allowed);
  assert.ok(!check(granted("--allow-net '*'"), connect("localhost", 80, "127.0.0.1")).allowed);
});

test("check() keeps names and addresses apart", () => {
  assert.ok(!check(granted("--allow-net example.com"), connect("93.184.216.34", 80)).allowed);
  assert.ok(!check(granted("--allow-net '*.example.com'"), connect("example.com", 80)).allowed);
  assert.ok(check(granted("--allow-net '*.example.com'"), connect("a.b.example.com", 80)).allowed);
  assert.ok(!check(granted("--allow-net '*.example.com'"), connect("evilexample.com", 80)).allowed);
  assert.ok(check(granted("--allow-net '*'"), connect("1.1.1.1", 53)).allowed);
  assert.ok(!check(granted("--allow-net '*'"), connect("127.1", 80)).allowed);
  assert.ok(!check(granted("--allow-net '*'"), connect("0x7f000001", 80)).allowed);
  assert.ok(!check(granted("--allow-net '*'"), connect("2130706433", 80)).allowed);
  assert.equal(refused(defaultGrants, connect("::1", 80)).fix.flag, "--allow-net '[::1]:80'");
});

test("check() lets a published port be listened on, and granted names be resolved", () => {
  const grants = granted("-p 127.0.0.1:8080:80", "--allow-net api.example:443");
  assert.ok(check(grants, { capability: "net.listen", port: 80 }).allowed);
  assert.equal(refused(grants, { capability: "net.listen", port: 8080 }).fix.flag, "--allow-listen 8080");
  assert.ok(check(grants, { capability: "net.dns", name: "api.example" }).allowed);
  assert.equal(refused(grants, { capability: "net.dns", name: "other.example" }).fix.flag, "--allow-dns");
});

test("check() lets a Unix socket be listened on by its own path, and by no port", () => {
  const request = { capability: "net.listen", address: "unix:/run/a.sock", port: 0 } as const;
  assert.ok(check(granted("--allow-listen unix:/run/a.sock"), request).allowed);
  assert.equal(refused(granted("--allow-listen '*'", "-p 80:80"), request).fix.flag, "--allow-listen unix:/run/a.sock");
  assert.equal(
    refused(granted("--allow-listen unix:/run/b.sock"), request).fix.line,
    'net: {listen: ["unix:/run/a.sock"]}',
  );
  const other = { capability: "net.listen", port: 0 } as const;
  assert.ok(!check(granted("--allow-listen unix:/run/a.sock"), other).allowed);
});

test("check() fixes what was taken away with the flag that gives it back", () => {
  const grants = granted("--clock none", "--random none", "--stdio stdin");
  assert.deepEqual(refused(grants, { capability: "clock" }).fix, {
    flag: "--clock real",
    line: "clock: real",
    replaces: "--clock none",
  });
  assert.deepEqual(refused(grants, { capability: "random" }).fix.flag, "--random system");
  assert.deepEqual(refused(grants, { capability: "stdio", stream: "stderr" }).fix, {
    flag: "--stdio stdin,stderr",
    line: "stdio: [stdin, stderr]",
    replaces: "--stdio stdin",
  });
  assert.equal(refused(grants, { capability: "env", name: "HOME" }).fix.flag, "-e HOME");
});

test("check() is total: any text is decided, none throws", () => {
  fc.assert(
    fc.property(anyGrants, fc.string({ unit: "binary" }), fc.double(), (grants, text, port) => {
      check(grants, file(text));
      check(grants, connect(text, port, text));
      check(grants, { capability: "net.listen", address: text, port });
      check(grants, { capability: "net.dns", name: text });
      check(grants, { capability: "env", name: text });
    }),
    { numRuns: 1000 },
  );
});
