import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { check } from "./check.ts";
import { capability, reservedReason } from "./catalog.ts";
import { explain, findings, probes } from "./explain.ts";
import { anyGrants } from "./grants-arbitrary.ts";
import { grantsFromFlags } from "./grants-from-flags.ts";
import { defaultGrants } from "./grants.ts";
import { grantsWithoutEffect } from "./reserved.ts";
import { typedWords } from "./typed-words.ts";

test("explain() says of each probe what check() decides", () => {
  fc.assert(
    fc.property(anyGrants, (grants) => {
      const { can, cannot } = explain(grants);
      for (const { sentence, request } of probes(grants)) {
        const verdict = check(grants, request);
        if (capability(request.capability).isReserved === true) {
          assert.ok(!can.includes(sentence), sentence);
          const told = verdict.allowed ? `${sentence}, although it is granted` : "Use the network";
          assert.ok(cannot.includes(`${told}: ${reservedReason}`), told);
        } else if (verdict.allowed) assert.ok(can.includes(sentence), sentence);
        else assert.ok(cannot.includes(`${sentence} (${verdict.fix.flag} would allow it)`), sentence);
      }
    }),
  );
});

test("findings() has for each probe what would allow it as words to type, and none that have no effect", () => {
  fc.assert(
    fc.property(anyGrants, (grants) => {
      const found = findings(grants, { cwd: "/host" });
      assert.deepEqual(
        found.map(({ sentence, request }) => ({ sentence, request })),
        probes(grants, { cwd: "/host" }),
      );
      for (const { request, allowed, fix, reserved } of found) {
        assert.equal(allowed, reserved === undefined && check(grants, request).allowed);
        assert.equal(fix === undefined, allowed || reserved !== undefined);
      }
    }),
  );
  const grants = grantsFromFlags(["-v './my data:/data:ro'", "--allow-net db"].flatMap(typedWords), { cwd: "/home" });
  const found = findings(grants, { cwd: "/home" });
  assert.deepEqual(
    found.find(({ operation }) => operation === "write"),
    {
      sentence: "Make, change and remove files in /data (./my data on the host)",
      capability: "files",
      operation: "write",
      request: { capability: "files", operation: "write", path: "/data/" },
      allowed: false,
      fix: { argv: ["-v", "./my data:/data"], replaces: ["-v", "./my data:/data:ro"] },
    },
  );
  assert.deepEqual(
    found.find(({ sentence }) => sentence === "Connect to db"),
    {
      sentence: "Connect to db",
      capability: "net.connect",
      request: { capability: "net.connect", host: "db", port: 443 },
      allowed: false,
      reserved: "this build opens no sockets",
    },
  );
});

test("explain() names every grant among what the guest can do, or what has no effect", () => {
  fc.assert(
    fc.property(anyGrants, (grants) => {
      const { can, cannot } = explain(grants);
      const count = (start: string): number => can.filter((sentence) => sentence.startsWith(start)).length;
      const idle = cannot.filter((sentence) => sentence.endsWith(`, although it is granted: ${reservedReason}`));
      assert.ok(count("See the environment variable ") === Object.keys(grants.env).length);
      assert.ok(count("Read files in ") === grants.files.length);
      assert.ok(
        count("Make, change and remove files in ") ===
          grants.files.filter(({ access }) => access === "read-write").length,
      );
      const { connect, listen, publish } = grants.net;
      for (const all of [connect, listen, publish])
        assert.ok(idle.length >= new Set(all.map((each) => JSON.stringify(each))).size);
      assert.equal(grantsWithoutEffect(grants).length > 0, idle.length > 0);
    }),
  );
});

test("explain() of the defaults: clocks, randomness and stdio, and nothing else", () => {
  assert.deepEqual(explain(defaultGrants), {
    can: [
      "Read the clocks, exactly",
      "Get random bytes from the system",
      "Read standard input",
      "Write to standard output",
      "Write to standard error",
    ],
    cannot: [
      "See any environment variable, such as HOME (-e HOME would allow it)",
      "Open any file, such as /etc/passwd (-v /etc:/etc:ro would allow it)",
      "Use the network: this build opens no sockets",
    ],
  });
});

test("explain() tells a read-only folder from a writable one, and what lies outside", () => {
  const grants = grantsFromFlags(["-v ./data:/data:ro", "-v ./out:/out", "-v /etc:/etc:ro"].flatMap(typedWords), {
    cwd: "/home",
  });
  const { can, cannot } = explain(grants);
  const typed = explain(grants, { cwd: "/home" });
  assert.equal(typed.can[5], "Read files in /data (./data on the host)");
  assert.ok(
    typed.cannot.includes(
      "Make, change and remove files in /data (./data on the host) (-v ./data:/data would allow it)",
    ),
  );
  assert.deepEqual(can.slice(5), [
    "Read files in /data (/home/data on the host)",
    "Read files in /out (/home/out on the host)",
    "Make, change and remove files in /out (/home/out on the host)",
    "Read files in /etc",
  ]);
  assert.ok(
    cannot.includes(
      "Make, change and remove files in /data (/home/data on the host) (-v /home/data:/data would allow it)",
    ),
  );
  assert.ok(
    cannot.some((sentence) => sentence.startsWith("Open a file anywhere else, such as /home/user/.ssh/id_ed25519 (")),
  );
});
