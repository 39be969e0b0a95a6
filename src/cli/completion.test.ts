import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { commandNames, loadCommand } from "./commands.ts";
import { completionOf, completionTable } from "./completion-table.ts";

const specs = await Promise.all(commandNames.map(async (name) => (await loadCommand(name)).spec));
const table = completionTable(specs);
const dir = mkdtempSync(join(tmpdir(), "sampan-completion-"));
after(() => rmSync(dir, { recursive: true, force: true }));
for (const folder of ["data", "sub"]) mkdirSync(join(dir, folder));
for (const file of ["app.wasm", "my file.wasm", "notes.txt"]) writeFileSync(join(dir, file), "");
for (const shell of ["bash", "zsh", "fish"]) {
  let text = "";
  const print = (each: string): void => void (text += each);
  const { execute } = await loadCommand("completion");
  await execute({ options: [], operands: [shell] }, { cwd: dir, env: {}, print, complain: assert.fail });
  writeFileSync(join(dir, `sampan.${shell}.script`), text);
}

const folders = ["data", "sub"];
const modules = ["app.wasm", "my file.wasm", ...folders];
const words = ["real", "coarse", "none", "fixed="];
/** Lines with the cursor at their end, and what can stand there; shells may say more of some kinds than is listed. */
const lines: readonly (readonly [line: string, found: readonly string[]])[] = [
  ["sampan in", ["inspect"]],
  ["sampan run --cl", ["--clock"]],
  ["sampan run --clock ", words],
  ["sampan run --clock=fi", ["fixed="]],
  ["sampan run --stdio s", ["stdin", "stdout", "stderr"]],
  ["sampan run -v ", folders],
  ["sampan run --dir d", ["data"]],
  ["sampan run -itv s", ["sub"]],
  ["sampan run -v ./data:/data ", modules],
  ["sampan run -e A=b --memory 64m app", ["app.wasm"]],
  ["sampan run -e SAMPAN_TES", ["SAMPAN_TESTED"]],
  ["sampan run --memory ", []],
  ["sampan run --grants n", ["notes.txt"]],
  ["sampan run app.wasm ", []],
  ["sampan run app.wasm --cl", []],
  ["sampan run -- ", []],
  ["sampan explain --clock none app.wasm --js", ["--json"]],
  ["sampan explain a", ["app.wasm"]],
  ["sampan help doc", ["doctor"]],
  ["sampan config --format ", ["yaml", "json"]],
  ["sampan completion ", ["bash", "zsh", "fish"]],
];

const env = { PATH: process.env["PATH"] ?? "", HOME: dir, TERM: "dumb", SAMPAN_TESTED: "1" };

function skipWithout(shell: string): string | false {
  return spawnSync(shell, ["-c", "exit 0"]).status === 0 ? false : `there is no ${shell}`;
}

/** What a shell's script prints: for each line a line with what it found, separated by tabs. */
function foundBy(shell: string, args: readonly string[], input: string): string[][] {
  const { stdout, stderr } = spawnSync(shell, args, { cwd: dir, env, input, encoding: "utf8", timeout: 60_000 });
  assert.equal(stderr, "");
  const all = stdout.split("\n").filter((line) => line.startsWith("> "));
  assert.equal(all.length, lines.length, stdout);
  return all.map((line) =>
    line
      .slice(2)
      .split("\t")
      .filter((each) => each !== ""),
  );
}

/** Compares without what shells do differently: order, slashes behind folders, quoting, the option before an attached value. */
function assertFound(all: readonly string[][]): void {
  for (const [index, [line, wanted]] of lines.entries()) {
    const found = (all[index] ?? []).map((each) =>
      each
        .replace(/\/$/, "")
        .replaceAll("\\", "")
        .replace(/^(?:--[a-z]+=|-itv)(?=.)/, ""),
    );
    assert.deepEqual([...new Set(found)].toSorted(), wanted.toSorted(), line);
  }
}

describe("completion", () => {
  test("completes in bash what can stand at the cursor", { skip: skipWithout("bash") }, () => {
    const steps = lines.map(([line]) => {
      // Bash cuts a line into words at spaces, and at = and : that it gives as words of their own.
      const cut = line
        .split(" ")
        .flatMap((word) => word.split(/([=:]+)/).filter((part, at) => part !== "" || at === 0));
      const quoted = cut.map((word) => `'${word}'`).join(" ");
      return `COMP_WORDS=(${quoted}); COMP_CWORD=${cut.length - 1}; _sampan; show`;
    });
    const show = `show() { printf '> '; printf '%s\\t' "\${COMPREPLY[@]}"; echo; }`;
    assertFound(foundBy("bash", ["--norc"], ["source sampan.bash.script", show, ...steps, ""].join("\n")));
  });

  test("completes in fish what can stand at the cursor", { skip: skipWithout("fish") }, () => {
    // A list that is empty would take the line away that it stands in: the mark is printed by itself.
    const steps = lines.map(
      ([line]) => String.raw`echo -n '> '; complete -C '${line}' | string replace -r '\t.*' '' | string join \t; echo`,
    );
    writeFileSync(join(dir, "test.fish"), ["source sampan.fish.script", ...steps, ""].join("\n"));
    assertFound(foundBy("fish", ["--no-config", "test.fish"], ""));
  });

  test("completes in zsh what can stand at the cursor", { skip: skipWithout("zsh") }, () => {
    // A zsh on a terminal of its own; what the completion adds is noted, and a key says that it is done.
    const inner = `PROMPT= RPROMPT=; unsetopt beep
autoload -Uz compinit; compinit -u -D; source ./sampan.zsh.script
function compadd { local -a noted; builtin compadd -O noted "$@"; printf '%s\\t' "\${noted[@]}" >> found; builtin compadd "$@" }
function told { BUFFER=; print -n END >> done; zle -M "== told ==" }
zle -N told; bindkey '^G' told; print "== ready" "=="
`;
    writeFileSync(join(dir, "inner.zsh"), inner);
    const step = (line: string): string => `: > found
zpty -w -n z '${line}'$'\\t\\a'
zpty -r z seen '*== told ==*'
print -r -- "> $(< found)"
`;
    const outer = `zmodload zsh/zpty; zpty z zsh -f -i
zpty -w z 'source ./inner.zsh'
zpty -r z seen '*== ready ==*'
${lines.map(([line]) => step(line)).join("")}zpty -d z
`;
    assertFound(foundBy("zsh", ["-f"], outer));
  });

  test("each command and option of the parser's tables is in each script's table, with the kind of its value", () => {
    assert.deepEqual(
      table.commands.map(({ name }) => name),
      commandNames,
    );
    for (const [index, spec] of specs.entries()) {
      const options = spec.groups.flatMap((group) => group.options);
      const completed = table.commands[index]?.options ?? [];
      for (const { long, value } of options) {
        const found = completed.find((option) => option.long === long);
        assert.equal(found?.completion === undefined, value === undefined, `${spec.name} ${long}`);
      }
    }
  });

  test("completionOf() reads the forms that help prints", () => {
    assert.deepEqual(completionOf("FILE"), { kind: "files" });
    assert.deepEqual(completionOf("HOST:GUEST[:ro|rw]"), { kind: "folders" });
    assert.deepEqual(completionOf("HOST[::GUEST]"), { kind: "folders" });
    assert.deepEqual(completionOf("NAME[=VALUE]"), { kind: "variables" });
    assert.deepEqual(completionOf("system|none|seed=TEXT"), { kind: "words", words: ["system", "none", "seed="] });
    for (const form of ["SIZE", "N", "PATH", "HOST[:PORT[-PORT]]", "[IP:]PORT|RANGE|*", "[IP:]HOST:GUEST"])
      assert.deepEqual(completionOf(form), { kind: "nothing" }, form);
  });
});
