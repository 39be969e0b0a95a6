import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, matchesGlob } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { capability, capabilityNames, defaultGrants, type Grants, readGrants } from "./capabilities/index.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const atRoot = readdirSync(root).filter((name) => name.endsWith(".md"));
const inDocs = readdirSync(`${root}docs`).filter((name) => name.endsWith(".md"));
const documents = [...atRoot, ...inDocs.map((name) => `docs/${name}`)].map((path) => ({
  path,
  text: readFileSync(`${root}${path}`, "utf8"),
}));

test("documents name files of the repository that exist", () => {
  const named = documents.flatMap(({ path, text }) => {
    const paths = [...text.matchAll(/`((?:src|setup|bin|guests|docs|examples|conformance|bench|fuzz)\/[\w./-]+)`/g)];
    return paths.map((match) => ({ path, file: match[1] ?? "" }));
  });
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.filter(({ file }) => !existsSync(`${root}${file}`)),
    [],
  );
});

test("documents link to files that exist", () => {
  const links = documents.flatMap(({ path, text }) => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] ?? "");
    return targets.map((target) => ({ path, file: `${root}${dirname(path)}/${target}` }));
  });
  assert.ok(links.length > 5);
  assert.deepEqual(
    links.filter(({ file }) => !existsSync(file)),
    [],
  );
});

test("README.md links to files that the package carries", () => {
  const { text = "" } = documents.find(({ path }) => path === "README.md") ?? {};
  const { files } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { files: string[] };
  const linked = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] ?? "");
  assert.ok(linked.length > 5);
  assert.deepEqual(
    linked.filter((target) => !files.some((pattern) => matchesGlob(target, pattern))),
    [],
  );
});

test("docs/GRANTS.md has a row for each capability, with all its flags", () => {
  const { text = "" } = documents.find(({ path }) => path === "docs/GRANTS.md") ?? {};
  const rows = [...text.matchAll(/^\| `([\w.]+)` .*\| (.*?) *\|$/gm)];
  assert.deepEqual(
    rows.map((row) => row[1]),
    capabilityNames.map((name) => capability(name).key),
  );
  for (const [index, name] of capabilityNames.entries()) {
    const flags = capability(name).flags.flatMap(({ long, short }) => (short === undefined ? [long] : [short, long]));
    assert.equal(rows[index]?.[2], flags.map((flag) => `\`${flag}\``).join(", "));
  }
});

test("docs/GRANTS.md shows a file that is read, and that grants something by each key", async () => {
  const { text = "" } = documents.find(({ path }) => path === "docs/GRANTS.md") ?? {};
  const shown = /^```yaml\n([^]*?)^```$/m.exec(text)?.[1] ?? "";
  const grants = await readGrants(shown, { cwd: "/folder" });
  const valueOf = (of: Grants, key: string) =>
    key.split(".").reduce<unknown>((value, part) => (value as Readonly<Record<string, unknown>>)[part], of);
  for (const name of capabilityNames) {
    const { key } = capability(name);
    assert.notDeepEqual(valueOf(grants, key), valueOf(defaultGrants, key), key);
  }
});

test("docs/RATIONALE.md asks a question in each heading", () => {
  const { text = "" } = documents.find(({ path }) => path === "docs/RATIONALE.md") ?? {};
  const headings = [...text.matchAll(/^## (.*)$/gm)].map((match) => match[1] ?? "");
  assert.ok(headings.length > 10);
  assert.deepEqual(
    headings.filter((heading) => !heading.endsWith("?")),
    [],
  );
});

test("docs/ARCHITECTURE.md can be read in one go: it has less than 200 lines", () => {
  const { text = "" } = documents.find(({ path }) => path === "docs/ARCHITECTURE.md") ?? {};
  assert.ok(text.length > 0);
  assert.ok(text.split("\n").length < 200);
});
