import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { boundaries, freeModules, type Room, rooms } from "./boundaries.ts";
import { lintConfig } from "./lint-config.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sampan-lint-"));
after(() => rmSync(folder, { recursive: true }));

/** A file that is planted: its lines, and the rule that has to find fault with each; undefined where none may. */
interface Planted {
  readonly path: string;
  readonly lines: readonly (readonly [text: string, rule: string | undefined])[];
}

const imports = "no-restricted-imports";
const nodeModules = builtinModules.filter((name) => !name.startsWith("_")).map((name) => name.replace(/^node:/, ""));

function mayImportModule(room: Room, name: string): boolean {
  const { node } = boundaries[room];
  if (node === "none" || node === "any") return node === "any";
  return [...freeModules, ...node].includes(name.split("/", 1)[0] ?? "");
}

function mayEnter(room: Room, other: Room): boolean {
  return room !== "base" && room !== other && (other === "base" || boundaries[room].rooms.includes(other));
}

/** Every import that a file of the room could try, each on its line. */
function attemptsOf(room: Room, up: string): Planted["lines"] {
  const fault = (allowed: boolean): string | undefined => (allowed ? undefined : imports);
  const packages = boundaries[room].packages ?? [];
  const isTyped = (other: Room): boolean => boundaries[room].types?.includes(other) === true;
  return [
    ...nodeModules.map((name) => [`import "node:${name}";`, fault(mayImportModule(room, name))] as const),
    ...rooms.flatMap((other) => [
      [`import "${up}${other}/index.ts";`, fault(mayEnter(room, other))] as const,
      [`export * from "${up}${other}/inner.ts";`, imports] as const,
      [`import "${up}${other}/folder/index.ts";`, imports] as const,
      [
        `export type { T as ${other}T } from "${up}${other}/index.ts";`,
        fault(mayEnter(room, other) || isTyped(other)),
      ] as const,
      [`await import("${up}${other}/index.ts");`, fault(mayEnter(room, other))] as const,
    ]),
    [`import "${up}base/native.ts";`, fault(boundaries[room].native === true)],
    ...["yaml", "yaml/x", "fast-check", "@scope/name", "fs", "n"].map(
      (name) => [`import "${name}";`, fault(packages.includes(name.split("/", 1)[0] ?? ""))] as const,
    ),
    [`import "${up}../setup/launch.js";`, imports],
    [`import "${up}../node_modules/yaml/index.js";`, imports],
    [`import "./beside.ts";`, undefined],
    [`import "./native.ts";`, undefined],
  ];
}

const rows: readonly Planted[] = rooms.flatMap((room) => [
  { path: `src/${room}/row.ts`, lines: attemptsOf(room, "../") },
  { path: `src/${room}/folder/row.ts`, lines: attemptsOf(room, "../../") },
]);

const parts: readonly Planted[] = rooms.flatMap((room) =>
  (boundaries[room].apart ?? []).map((part, _, all) => ({
    path: `src/${room}/${part}/row.ts`,
    lines: [
      ...attemptsOf(room, "../../"),
      ...all.map((other) => [`import "../${other}/index.ts";`, imports] as const),
      [`import "../bind.ts";`, undefined] as const,
    ],
  })),
);

const loaders: readonly Planted[] = rooms.flatMap((room) => {
  const line = `process.getBuiltinModule("node:fs");`;
  return [
    { path: `src/${room}/loader.ts`, lines: [[line, "no-restricted-properties"]] },
    ...(boundaries[room].lateLoaders ?? [])
      .filter((file) => !(file in (boundaries[room].alone ?? {})))
      .map((file): Planted => ({ path: `src/${room}/${file}`, lines: [[line, undefined]] })),
  ];
});

const alone: readonly Planted[] = rooms.flatMap((room) =>
  Object.entries(boundaries[room].alone ?? {}).map(([file, modules]) => ({
    path: `src/${room}/${file}`,
    lines: [
      ...nodeModules.map((name) => {
        const may = modules.includes(name.split("/", 1)[0] ?? "") || mayImportModule(room, name);
        return [`import "node:${name}";`, may ? undefined : imports] as const;
      }),
      [
        `process.getBuiltinModule("node:fs");`,
        boundaries[room].lateLoaders?.includes(file) === true ? undefined : "no-restricted-properties",
      ],
    ],
  })),
);

const inTests: readonly Planted[] = ["engine/a.test.ts", "wasm/module-fixture.ts", "host/filesystem/attacks/a.ts"].map(
  (path) => {
    const up = "../".repeat(path.split("/").length - 1);
    return {
      path: `src/${path}`,
      lines: [
        ...["node:test", "node:http2", "node:fs/promises", "fast-check"].map(
          (name) => [`import "${name}";`, undefined] as const,
        ),
        [`import "${up}../guests/toolchain.ts";`, undefined],
        [`import "${up}cli/index.ts";`, undefined],
        [`import "${up}base/native.ts";`, undefined],
        [`import "${up}cli/run.ts";`, imports],
        [`import "${up}base/errno.ts";`, imports],
      ],
    };
  },
);

const rules: readonly Planted[] = [
  {
    path: "src/engine/rules.ts",
    lines: [
      ["export default 1;", "no-default-export"],
      ["export const a: any = 1;", "no-explicit-any"],
      ["const list: (string | undefined)[] = [];", undefined],
      ["export const b = list[0]!;", "no-non-null-assertion"],
      ["console.log(b);", "no-console"],
      ["async function wait(): Promise<void> {}", undefined],
      ["wait();", "no-floating-promises"],
      ["void wait();", undefined],
      ['export function fail(): void { throw "text"; }', "only-throw-error"],
      ["export function failed(e: unknown): void { throw e; }", undefined],
      ['declare const kind: "a" | "b";', undefined],
      ['switch (kind) { case "a": break; case "b": break; }', undefined],
      ['switch (kind) { case "a": break; }', "switch-exhaustiveness-check"],
      ['switch (kind) { case "a": break; default: break; }', "switch-exhaustiveness-check"],
      ['export type C = import("./beside.ts").C;', "consistent-type-imports"],
      ["export const d = list.length === Number.NaN;", "use-isnan"],
      ["const never = 1;", "no-unused-vars"],
      ["debugger;", "no-debugger"],
    ],
  },
  { path: "src/engine/circle-a.ts", lines: [['import "./circle-b.ts";', "no-cycle"]] },
  { path: "src/engine/circle-b.ts", lines: [['import "./circle-a.ts";', "no-cycle"]] },
  ...[
    "src/cli/a.ts",
    "bench/a.ts",
    "setup/a.js",
    "examples/x/a.ts",
    "conformance/a.ts",
    "fuzz/a.ts",
    "guests/a.ts",
    "docs/a.ts",
  ].map((path): Planted => ({ path, lines: [["console.log(1);", undefined]] })),
  {
    path: "src/engine/floating.test.ts",
    lines: [
      ['import { describe, it, suite, test } from "node:test";', undefined],
      ['test("a", async () => {});', undefined],
      ['describe("b", () => {});', undefined],
      ['it("c", async () => {});', undefined],
      ['suite("d", () => {});', undefined],
      ["(async () => {})();", "no-floating-promises"],
    ],
  },
];

/** Files that stand where lines lead to, so that the linter has them to resolve. */
const others: readonly Planted[] = [{ path: "src/engine/beside.ts", lines: [["export type C = 1;", undefined]] }];

function plant({ path, lines }: Planted): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `${lines.map(([text]) => text).join("\n")}\n`);
}

/** Runs the linter in the folder and answers its faults as `file:line rule`. */
function lint(at: string): { status: number | null; faults: string[]; output: string } {
  const program = join(root, "node_modules", "oxlint", "bin", "oxlint");
  const args = [program, "-c", join(folder, ".oxlintrc.json"), "-f", "json", "--threads=1"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: at,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const read: unknown = stdout.startsWith("{") ? JSON.parse(stdout) : { diagnostics: [] };
  const faults = (read as { diagnostics: Diagnostic[] }).diagnostics.map(({ filename, code, labels }) => {
    return `${filename}:${labels[0]?.span.line} ${/\((.*)\)/.exec(code)?.[1]}`;
  });
  return { status, faults: [...new Set(faults)].toSorted(), output: stdout.slice(0, 2000) + stderr };
}

interface Diagnostic {
  readonly filename: string;
  readonly code: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

function expectedOf(planted: readonly Planted[]): string[] {
  return planted
    .flatMap(({ path, lines }) =>
      lines.flatMap(([, rule], index) => (rule === undefined ? [] : [`${path}:${index + 1} ${rule}`])),
    )
    .toSorted();
}

const planted = [...rows, ...parts, ...loaders, ...alone, ...inTests, ...rules, ...others];
for (const file of planted) plant(file);
mkdirSync(join(folder, "nothing"));
symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
writeFileSync(join(folder, ".gitignore"), "node_modules\n");
writeFileSync(join(folder, ".oxlintrc.json"), JSON.stringify(lintConfig()));
const compilerOptions = {
  strict: true,
  module: "nodenext",
  target: "esnext",
  types: ["node"],
  noEmit: true,
  allowJs: true,
};
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
const { status, faults, output } = lint(folder);

test("lintConfig() makes a linter that fails on planted violations", () => {
  assert.equal(status, 1, output);
  assert.ok(faults.length > 100, output);
});

function assertFaults(files: readonly Planted[]): void {
  const paths = new Set(files.map(({ path }) => path));
  const found = faults.filter((fault) => paths.has(fault.split(":", 1)[0] ?? ""));
  assert.deepEqual(found, expectedOf(files));
}

for (const room of rooms) {
  test(`boundaries: src/${room} can import what its row allows and nothing else`, () => {
    assertFaults([...rows, ...parts].filter(({ path }) => path.startsWith(`src/${room}/`)));
  });
}

test("boundaries: process.getBuiltinModule is for the files that the table names", () => assertFaults(loaders));

test("boundaries: a file that the table names may import its modules besides, and no others", () => {
  assert.ok(alone.length > 0);
  assertFaults(alone);
});

test("boundaries: what only tests load may import any module and each room by its index", () => assertFaults(inTests));

for (const file of rules) {
  test(`lintConfig() finds each planted violation in ${file.path}, and no other`, () => assertFaults([file]));
}

test("oxlint fails where it finds no file to check", () => {
  const nothing = lint(join(folder, "nothing"));
  assert.equal(nothing.status, 1);
  assert.match(nothing.output, /No files found/);
});

test("boundaries forbids the pure rooms every module of Node's and all I/O to rooms", () => {
  for (const room of ["wasm", "component", "abi"] as const) assert.equal(boundaries[room].node, "none");
  for (const room of ["wasm", "capabilities"] as const) assert.deepEqual(boundaries[room].rooms, []);
});
