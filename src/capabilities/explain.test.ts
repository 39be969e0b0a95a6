import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { check } from "./check.ts";
import { explain, findings, probes } from "./explain.ts";
import { anyGrants } from "./grants-arbitrary.ts";
import { grantsFromFlags } from "./grants-from-flags.ts";
import { defaultGrants } from "./grants.ts";
import { typedWords } from "./typed-words.ts";

test("explain() says of each probe what check() decides", () => {
  fc.assert(
    fc.property(anyGrants, (grants) => {
      const { can, cannot } = explain(grants);
      for (const { sentence, request } of probes(grants)) {
        const verdict = check(grants, request);
        if (verdict.allowed) assert.ok(can.includes(sentence), sentence);
        else assert.ok(cannot.includes(`${sentence} (${verdict.fix.flag} would allow it)`), sentence);
      }
    }),
  );
});

test("findings() has for each probe what would allow it as words to type", () => {
  fc.assert(
    fc.property(anyGrants, (grants) => {
      const found = findings(grants, { cwd: "/host" });
      assert.deepEqual(
        found.map(({ sentence, request }) => ({ sentence, request })),
        probes(grants, { cwd: "/host" }),
      );
      for (const { request, allowed, fix } of found) {
        assert.equal(allowed, check(grants, request).allowed);
        assert.equal(fix === undefined, allowed);
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
      allowed: true,
    },
  );
});

test("explain() names every grant among what the guest can do", () => {
  fc.assert(
    fc.property(anyGrants, (grants) => {
      const { can } = explain(grants);
      const count = (start: string): number => can.filter((sentence) => sentence.startsWith(start)).length;
      assert.ok(count("See the environment variable ") === Object.keys(grants.env).length);
      assert.ok(count("Read files in ") === grants.files.length);
      assert.ok(
        count("Make, change and remove files in ") ===
          grants.files.filter(({ access }) => access === "read-write").length,
      );
      const { connect, listen, publish, dns } = grants.net;
      assert.ok(count("Connect to ") >= connect.length);
      assert.ok(count("Listen on ") >= listen.length + publish.length);
      assert.ok(count("Listen on a published port, ") === publish.length);
      const isPublic = connect.some(({ host }) => host.kind === "public");
      assert.ok(count("Resolve any name, ") === (dns || isPublic ? 1 : 0));
    }),
  );
});

test("explain() takes for any other host one that is not granted", () => {
  const { can, cannot } = explain(
    grantsFromFlags(["--allow-net example.com", "--allow-net *.org"].flatMap(typedWords), { cwd: "/" }),
  );
  assert.deepEqual(can.slice(5), ["Connect to example.com", "Connect to *.org"]);
  for (const start of ["Connect to other hosts, such as example.net:443 (", "Resolve any name, such as example.net ("])
    assert.ok(
      cannot.some((sentence) => sentence.startsWith(start)),
      start,
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
      "Read any configuration value, such as region (--config region=VALUE would allow it)",
      "Use any store, such as default (--keyvalue default=memory would allow it)",
      "Write log lines (--log stderr would allow it)",
      "Connect to any host, such as example.com:443 (--allow-net example.com:443 would allow it)",
      "Connect to services of this machine, such as 127.0.0.1:5432 (--allow-net 127.0.0.1:5432 would allow it)",
      "Connect to private networks, such as 10.0.0.1:80 (--allow-net 10.0.0.1:80 would allow it)",
      "Connect to the cloud's metadata service, 169.254.169.254:80 (--allow-net 169.254.169.254:80 would allow it)",
      "Listen on any port, such as 8080 (--allow-listen 8080 would allow it)",
      "Resolve any name, such as example.com (--allow-dns would allow it)",
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
