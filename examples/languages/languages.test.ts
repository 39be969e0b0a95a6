import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ask } from "../programs.ts";
import { Skipped } from "../toolchain/rust.ts";
import { answering } from "./answering.ts";
import { type Program, programs } from "./build.ts";
import { runSampan } from "./run-sampan.ts";

/** What was built; where tools are missing the test is left out by name. CI asks that they are brought. */
async function builtFor(t: TestContext, program: Program): Promise<string | undefined> {
  const isAllowed = ["built", "all"].includes(process.env["SAMPAN_EXAMPLES"] ?? "");
  try {
    return await program.build({ progress: (line) => t.diagnostic(line), isAllowed });
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    t.skip(`skipped: ${error.message}`);
    return undefined;
  }
}

for (const program of programs) {
  test(`The ${program.kind} in ${program.title} does what it is granted`, async (t) => {
    const file = await builtFor(t, program);
    if (file === undefined) return;
    const tries = { command: tryCommand, http: tryHttp, cgi: tryCgi };
    await tries[program.kind](program.title, file);
  });
}

async function tryCommand(_title: string, file: string): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), "sampan-languages-"));
  try {
    writeFileSync(join(data, "note.txt"), "kept by the host\nnot this line\n");
    const bare = await runSampan(["run", file], { stdin: "" });
    assert.deepEqual(bare, { exit: 0, stdout: "Hello, world!\nstdin: 0 bytes\nnote: none\n", stderr: "" });
    const granted = ["run", "--env", "GREETING=Ahoy", "-v", `${data}:/data:ro`, file, "Ann", "Bob"];
    const full = await runSampan(granted, { stdin: "x".repeat(100_000) });
    const stdout = "Ahoy, Ann Bob!\nstdin: 100000 bytes\nnote: kept by the host\n";
    assert.deepEqual(full, { exit: 0, stdout, stderr: "" });
  } finally {
    rmSync(data, { recursive: true });
  }
}

async function tryHttp(title: string, file: string): Promise<void> {
  const server = await answering(file);
  try {
    const greeted = await ask(`${server.url}/a/b?c=d`);
    assert.deepEqual([greeted.status, greeted.text], [200, `Hello from ${title} at /a/b?c=d\n`]);
    assert.equal(greeted.headers["content-type"], "text/plain");
    const body = "0123456789".repeat(30_000);
    const echoed = await ask(server.url, { method: "POST", body });
    assert.equal(echoed.status, 200);
    assert.ok(echoed.text === body, `${echoed.text.length} bytes came back`);
  } finally {
    await server.stop();
  }
}

async function tryCgi(title: string, file: string): Promise<void> {
  const common = { SERVER_PROTOCOL: "HTTP/1.1", HTTP_HOST: "localhost", REQUEST_URI: "/a/b?c=d" };
  const flags = (more: Readonly<Record<string, string>>): string[] =>
    Object.entries({ ...common, ...more }).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const head = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n";
  const greeted = await runSampan(["run", ...flags({ REQUEST_METHOD: "GET" }), file], { stdin: "" });
  assert.deepEqual(greeted, { exit: 0, stdout: `${head}Hello from ${title} at /a/b?c=d\n`, stderr: "" });
  const body = "0123456789".repeat(30_000);
  const posted = flags({ REQUEST_METHOD: "POST", CONTENT_LENGTH: String(body.length) });
  const echoed = await runSampan(["run", ...posted, file], { stdin: body });
  assert.deepEqual([echoed.exit, echoed.stderr], [0, ""]);
  assert.ok(echoed.stdout === `${head}${body}`, `${echoed.stdout.length} bytes came back`);
}
