import { boundaries, type Boundary, freeModules, type Room, rooms } from "./boundaries.ts";

/** Where code is that only tests load: it may import any module and package, and any room by its index. */
const testFiles = [
  "src/**/*.test.ts",
  "src/**/*-fixture.ts",
  "src/**/*-arbitrary.ts",
  "src/**/contract/**",
  "src/**/attacks/**",
];

/** Folders whose programs speak to people on the console. */
const speakers = [
  "src/cli/**",
  "bench/**",
  "setup/**",
  "examples/**",
  "conformance/**",
  "fuzz/**",
  "guests/**",
  "docs/**",
  "templates/**",
];

/** Folders beside `src/` that what is shipped never imports. */
const outsideFolders = [
  "bench",
  "bin",
  "conformance",
  "dist",
  "docs",
  "examples",
  "fuzz",
  "guests",
  "node_modules",
  "setup",
  "templates",
];

interface ImportPattern {
  readonly regex: string;
  readonly allowTypeImports?: true;
  readonly message: string;
}

/** `.oxlintrc.json` as data; `docs/generate.ts` writes it. */
export function lintConfig() {
  return {
    $schema: "./node_modules/oxlint/configuration_schema.json",
    plugins: ["typescript", "import", "unicorn", "oxc"],
    categories: { correctness: "error" },
    options: { typeAware: true, reportUnusedDisableDirectives: "error" },
    ignorePatterns: ["dist/**", ".cache/**", "bin/sampan.js"],
    rules,
    overrides: [
      ...rooms.flatMap(roomOverrides),
      { files: testFiles, rules: { "no-restricted-imports": restricted(testPatterns) } },
      { files: speakers, rules: { "no-console": "off" } },
    ],
  };
}

const rules = {
  "import/no-cycle": "error",
  "import/no-default-export": "error",
  "no-console": "error",
  "no-restricted-properties": [
    "error",
    {
      object: "process",
      property: "getBuiltinModule",
      message: "It passes by the import table: import the module, or name the file in src/boundaries.ts",
    },
  ],
  "typescript/consistent-type-imports": ["error", { fixStyle: "inline-type-imports", disallowTypeAnnotations: true }],
  "typescript/no-explicit-any": "error",
  "typescript/no-floating-promises": [
    "error",
    // What they answer is for a test that waits for its subtests; the runner waits for the rest by itself.
    { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["test", "describe", "it", "suite"] }] },
  ],
  "typescript/no-non-null-assertion": "error",
  "typescript/only-throw-error": "error",
  "typescript/switch-exhaustiveness-check": "error",
};

/** A later override replaces an earlier one for the same rule: each of these holds all patterns of its files. */
function roomOverrides(room: Room) {
  const boundary = boundaries[room];
  const patterns = roomPatterns(room, boundary);
  const whole = { files: [`src/${room}/**`], rules: { "no-restricted-imports": restricted(patterns) } };
  const parts = (boundary.apart ?? []).map((part) => ({
    files: [`src/${room}/${part}/**`],
    rules: { "no-restricted-imports": restricted([...patterns, partPattern(boundary.apart ?? [])]) },
  }));
  const alone = Object.entries(boundary.alone ?? {}).map(([file, modules]) => {
    const own = { ...boundary, node: [...(Array.isArray(boundary.node) ? boundary.node : []), ...modules] };
    return { files: [`src/${room}/${file}`], rules: { "no-restricted-imports": restricted(roomPatterns(room, own)) } };
  });
  const loaders = (boundary.lateLoaders ?? []).map((file) => ({
    files: [`src/${room}/${file}`],
    rules: { "no-restricted-properties": "off" },
  }));
  return [whole, ...parts, ...alone, ...loaders];
}

function restricted(patterns: readonly ImportPattern[]) {
  return ["error", { patterns }];
}

function roomPatterns(room: Room, boundary: Boundary): ImportPattern[] {
  const allowed: Room[] = room === "base" ? [] : ["base", ...boundary.rooms];
  const types = boundary.types ?? [];
  const forbidden = rooms.filter((other) => !allowed.includes(other) && !types.includes(other));
  const said = allowed.length === 0 ? "no other room" : allowed.join(", ");
  return [
    {
      regex: `^(?:\\.\\./)+(?:${forbidden.join("|")})(?:/|$)`,
      message: `src/${room} may import ${said} (src/boundaries.ts)`,
    },
    ...entryPatterns(allowed, { native: boundary.native === true }),
    ...types.map((other): ImportPattern => ({
      regex: `^(?:\\.\\./)+${other}(?:/|$)`,
      allowTypeImports: true,
      message: `src/${room} may import nothing but types of ${other} (src/boundaries.ts)`,
    })),
    {
      regex: `^(?:\\.\\./)+(?:${outsideFolders.join("|")})(?:/|$)`,
      message: "What is shipped imports nothing from outside src/",
    },
    ...outsidePatterns(room, boundary),
  ];
}

/** Rooms are entered by their index alone, base by its native.ts as well where the table says so. */
function entryPatterns(entered: readonly Room[], { native }: { native: boolean }): ImportPattern[] {
  const message = "A room is entered by its index.ts";
  const withInner = entered.filter((room) => boundaries[room].inner !== undefined);
  const others = entered.filter((room) => room !== "base" && !withInner.includes(room));
  const inner = withInner.map((room) => ({
    rooms: [room],
    files: ["index.ts", ...(boundaries[room].inner ?? []).map((folder) => `${folder}/index.ts`)],
  }));
  const base = entered.includes("base")
    ? [{ rooms: ["base"], files: native ? ["index.ts", "native.ts"] : ["index.ts"] }]
    : [];
  return [...base, ...inner, ...(others.length === 0 ? [] : [{ rooms: others, files: ["index.ts"] }])].map((entry) => ({
    regex: `^(?:\\.\\./)+(?:${entry.rooms.join("|")})(?:/${anyBut(entry.files)}|$)`,
    message,
  }));
}

/** Modules of Node's and packages, less what the row allows. */
function outsidePatterns(room: Room, { node, packages = [] }: Boundary): ImportPattern[] {
  const modules = node === "none" || node === "any" ? [] : [...freeModules, ...node];
  const allowed = node === "none" ? "none" : modules.join(", ");
  const nodePattern = {
    regex: `^node:${anyBut(modules)}`,
    message: `src/${room} may import these modules of Node's: ${allowed} (src/boundaries.ts)`,
  };
  const packagePattern = {
    // A name with a colon is one of Node's modules, one with a dot first is a path.
    regex: `^${anyBut([".", "..", "node:*", ...packages])}`,
    message: `src/${room} may import these packages: ${packages.join(", ") || "none"} (src/boundaries.ts)`,
  };
  return node === "any" ? [packagePattern] : [nodePattern, packagePattern];
}

function partPattern(parts: readonly string[]): ImportPattern {
  return {
    regex: `^(?:\\.\\./)+(?:${parts.map(literal).join("|")})(?:/|$)`,
    message: `${parts.join(", ")} never import one another`,
  };
}

const testPatterns = entryPatterns(rooms, { native: true });

/**
 * A regular expression for every text but the words and what follows a word behind a slash; a word that ends in `*` stands
 * for all that begin with it. The linter's engine has no look-ahead, so it is spelled out letter by letter.
 */
function anyBut(words: readonly string[]): string {
  if (words.includes("*")) return "[^\\s\\S]";
  const isWord = words.includes("");
  const letters = new Map<string, string[]>();
  for (const word of words) {
    if (word === "") continue;
    const rests = letters.get(word.charAt(0)) ?? [];
    letters.set(word.charAt(0), [...rests, word.slice(1)]);
  }
  const excluded = [...letters.keys(), ...(isWord ? ["/"] : [])].map(literal).join("");
  const choices = [
    excluded === "" ? "." : `[^${excluded}]`,
    ...(isWord ? [] : ["$"]),
    ...[...letters].map(([letter, rests]) => `${literal(letter)}${anyBut(rests)}`),
  ];
  return `(?:${choices.join("|")})`;
}

function literal(text: string): string {
  return text.replaceAll(/[-/\\^$*+?.()|[\]{}]/g, "\\$&");
}
