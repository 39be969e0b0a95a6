/** Runs the commands of the guide as its reader would, one after the other, and compares what they print. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { freePort, onPath } from "./databases.ts";

const root = resolve(import.meta.dirname, "..");
const guide = readFileSync(join(root, "docs", "guides", "first-steps.md"), "utf8");

/** The commands of all blocks that begin with `$ `, each with the lines that it is said to print. */
function commandsOf(markdown: string): { line: string; output: string[] }[] {
  const blocks = [...markdown.matchAll(/^```\n(\$ [^]*?)\n```$/gm)].map(([, block = ""]) => block);
  return blocks.flatMap((block) =>
    block
      .slice(2)
      .split("\n$ ")
      .map((text) => {
        const [line = "", ...output] = text.split("\n");
        return { line, output };
      }),
  );
}

/** A line `…` stands for any lines, `…` within a line for any text. */
function patternOf(output: readonly string[]): RegExp {
  const lines = output.map((line) =>
    line === "…"
      ? "(?:.*\n)*"
      : `${line
          .split("…")
          .map((text) => RegExp.escape(text))
          .join(".*")}\n`,
  );
  return new RegExp(`^${lines.join("")}$`);
}

interface Shell {
  /** Runs a line in the folder that the last one left, and answers all that it printed. */
  run(line: string): Promise<string>;
  end(): Promise<void>;
}

function openShell(cwd: string, env: NodeJS.ProcessEnv): Shell {
  const child = spawn("bash", [], { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  let told: () => void = () => {};
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
    told();
  });
  const closed = new Promise<void>((ended) => child.on("close", () => ended()));
  return {
    run: async (line) => {
      output = "";
      // curl ends a body without a line break, as the guide shows one.
      child.stdin.write(`{ ${line}\n} 2>&1 </dev/null | sed -e '$a\\' | sed -u ''; printf '\\1'\n`);
      if (line.startsWith("cd ")) child.stdin.write(`${line}\n`);
      while (!output.endsWith("\x01")) await new Promise<void>((more) => (told = more));
      return output.slice(0, -1);
    },
    end: async () => {
      child.stdin.end();
      await closed;
    },
  };
}

test("commandsOf() finds each command with its output, and patternOf() compares it", () => {
  const found = commandsOf("```\n$ a\n1\n…\n$ b\n```\n```\nnpm start\n```\n```yaml\n$ c\n```\n");
  assert.deepEqual(found, [
    { line: "a", output: ["1", "…"] },
    { line: "b", output: [] },
  ]);
  assert.match("x 1.5 y\nz\n", patternOf(["x …y", "…"]));
  assert.doesNotMatch("x 1.5 y\nz\n", patternOf(["x …y"]));
  assert.doesNotMatch("x 125 y\n", patternOf(["x 1.5 y"]));
});

test("docs/guides/first-steps.md shows what its commands print", async (t) => {
  if (onPath("curl") === undefined || onPath("bash") === undefined) return t.skip("skipped: no curl, or no bash");
  const commands = commandsOf(guide);
  assert.ok(commands.length >= 12);
  const home = mkdtempSync(join(tmpdir(), "sampan-guide-"));
  const port = await freePort();
  // The reader's `sampan` is the sources here, and the examples are copies, so that nothing of the repository changes.
  mkdirSync(join(home, "bin"));
  writeFileSync(
    join(home, "bin", "sampan"),
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, "src/cli/main.ts")}" "$@"\n`,
  );
  chmodSync(join(home, "bin", "sampan"), 0o755);
  const names = ["compose.yaml", "nginx.conf", "orders.wasm", "page"];
  for (const name of names) {
    const options = { recursive: true };
    cpSync(join(root, "examples", "orders", name), join(home, "examples", "orders", name), options);
  }
  const shell = openShell(home, {
    ...process.env,
    PATH: `${join(home, "bin")}:${process.env["PATH"]}`,
    XDG_STATE_HOME: home,
    XDG_RUNTIME_DIR: home,
    ORDERS_PORT: `${port}`,
  });
  try {
    for (const { line, output } of commands) {
      const printed = await shell.run(line.replaceAll("localhost:8080", `127.0.0.1:${port}`));
      if (!patternOf(output).test(printed)) assert.equal(printed, output.map((each) => `${each}\n`).join(""), line);
    }
  } finally {
    await shell.run("sampan down -v");
    await shell.end();
    rmSync(home, { recursive: true, force: true });
  }
});
