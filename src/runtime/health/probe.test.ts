import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../../base/index.ts";
import { parseProbe, probeForms } from "./probe.ts";

const shell = (line: string, names: readonly string[] = []) => parseProbe({ kind: "shell", command: [line], names });
const exec = (...command: string[]) => parseProbe({ kind: "exec", command });

test("parseProbe() reads what databases are asked by as a question for the workload", () => {
  assert.deepEqual(shell("pg_isready -U orders -d orders"), { kind: "ready" });
  assert.deepEqual(exec("pg_isready"), { kind: "ready" });
  assert.deepEqual(shell('mysqladmin ping -h localhost -p"$MYSQL_ROOT_PASSWORD" || exit 1'), { kind: "ready" });
  assert.deepEqual(exec("/usr/bin/mariadb-admin", "ping"), { kind: "ready" });
  assert.deepEqual(exec("healthcheck.sh", "--connect", "--innodb_initialized"), { kind: "ready" });
  assert.throws(() => exec("mysqladmin", "status"), { code: "HEALTH_UNKNOWN" });
});

test("parseProbe() reads curl and wget with the options that people give them", () => {
  const plain = { kind: "http", port: 8080, path: "/health", method: "GET", headers: {}, failsByStatus: true };
  assert.deepEqual(shell("curl -f http://localhost:8080/health"), plain);
  assert.deepEqual(shell("curl -fsS -o /dev/null http://127.0.0.1:8080/health || exit 1"), plain);
  assert.deepEqual(shell("curl --fail --silent --max-time 2 localhost:8080/health > /dev/null 2>&1"), plain);
  assert.deepEqual(exec("sh", "-c", "curl -f http://localhost:8080/health"), plain);
  assert.deepEqual(exec("curl", "-s", "http://localhost/"), { ...plain, port: 80, path: "/", failsByStatus: false });
  assert.deepEqual(exec("wget", "-qO-", "http://localhost:8080/health"), plain);
  assert.deepEqual(exec("wget", "-q", "--spider", "http://[::1]:8080/health"), { ...plain, method: "HEAD" });
  assert.deepEqual(shell("wget --no-verbose --tries=1 -T 5 --spider http://web:8080/health", ["web"]), {
    ...plain,
    method: "HEAD",
  });
  assert.deepEqual(shell(`curl -f -X POST -H "X-Key: a b" 'http://localhost:8080/health'`), {
    ...plain,
    method: "POST",
    headers: { "x-key": "a b" },
  });
  assert.deepEqual(exec("curl", "-I", "http://localhost:8080/health"), {
    ...plain,
    method: "HEAD",
    failsByStatus: false,
  });
});

test("parseProbe() reads nc -z", () => {
  assert.deepEqual(shell("nc -z localhost 5432"), { kind: "tcp", port: 5432 });
  assert.deepEqual(shell("nc -zv -w 1 127.0.0.1 80"), { kind: "tcp", port: 80 });
});

test("parseProbe() refuses what needs a shell, another host or TLS, and says what is understood", () => {
  const refused = [
    "test -f /ready",
    "curl -f http://localhost/ && true",
    "curl -f http://localhost/ | grep ok",
    "curl -f http://$(hostname)/",
    "curl -f http://other:8080/",
    "curl -f https://localhost/",
    "curl --data x http://localhost/",
    "curl",
    "nc localhost 80",
    "nc -z localhost",
    "nc -z other 80",
    "",
  ];
  for (const line of refused) {
    assert.throws(
      () => shell(line),
      (error: SampanError) => error.code === "HEALTH_UNKNOWN" && probeForms.every((form) => error.hint?.includes(form)),
      line,
    );
  }
});

test("parseProbe() ends every text in a probe or HEALTH_UNKNOWN", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "curl",
      "wget",
      "nc",
      "-f",
      "-z",
      "http://localhost:1/",
      "-X",
      "-H",
      "||",
      "exit 1",
      '"',
      "localhost",
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word), fc.constantFrom("shell" as const, "exec" as const), (words, kind) => {
      try {
        assert.ok(parseProbe({ kind, command: kind === "shell" ? [words.join(" ")] : words }).kind);
      } catch (error) {
        assert.ok(error instanceof SampanError && error.code === "HEALTH_UNKNOWN");
      }
    }),
    { numRuns: 500 },
  );
});
