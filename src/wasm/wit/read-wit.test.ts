import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SampanError } from "../../base/index.ts";
import { printPackage, printResolution } from "./print.ts";
import { readWit } from "./resolve.ts";
import type { GateOptions } from "./gates.ts";

const one = (text: string, options: GateOptions = {}): string =>
  printPackage(readWit([{ path: "it.wit", text }], options).root);

function refused(text: string | readonly { path: string; text: string }[], options: GateOptions = {}): SampanError {
  try {
    readWit(typeof text === "string" ? [{ path: "it.wit", text }] : text, options);
  } catch (error) {
    assert.ok(error instanceof SampanError, String(error));
    assert.equal(error.code, "WIT_INVALID");
    return error;
  }
  throw new assert.AssertionError({ message: `was accepted: ${JSON.stringify(text)}` });
}

describe("readWit()", () => {
  test("reads every type, and prints it in its one form", () => {
    const types = [
      "list<u8>", "list<string, 4>", "option<char>", "result", "result<u8>", "result<_, string>", "result<bool, f32>",
      "tuple<s8, s16, s32, s64, u16, u32, u64, f64>", "map<string, list<u8>>", "stream", "stream<u8>", "future<future>",
      "error-context", "%list", "r", "r-2",
    ]; // prettier-ignore
    const fields = types.map((type, at) => `    f${at}: ${type},\n`).join("");
    const text = `package a:b;\n\ninterface i {\n  resource r-2;\n\n  resource r;\n\n  type %list = u8;\n\n  record all {\n${fields}  }\n}\n`;
    const printed = one(text);
    for (const type of types) assert.ok(printed.includes(`: ${type},\n`), type);
    assert.equal(one(printed), printed);
  });

  test("keeps documentation, gates, external ids and the order of what has no other", () => {
    const text = [
      "/// A package",
      "/// of two lines",
      "package a:b@1.2.0;",
      "",
      "/// An interface",
      "@since(version = 1.0.0)",
      "interface i {",
      "  /// A resource",
      "  @since(version = 1.0.0)",
      '  @external-id("id \\u{202e}")',
      "  resource file {",
      "    @since(version = 1.0.0)",
      "    constructor(path: string) -> result<file, string>;",
      "",
      "    @since(version = 1.1.0)",
      "    @deprecated(version = 1.2.0)",
      "    read: async func(n: u32) -> list<u8>;",
      "",
      "    /// Not a method",
      "    @since(version = 1.0.0)",
      "    merge: static func(a: borrow<file>, b: borrow<file>) -> file;",
      "  }",
      "",
      "  @since(version = 1.0.0)",
      "  flags %flags {",
      "    /// The first",
      "    %enum,",
      "    b,",
      "  }",
      "",
      "  @since(version = 1.2.0)",
      "  parse-XML-document: func(s: string) -> %flags;",
      "}",
      "",
    ].join("\n");
    assert.equal(one(text), text);
  });

  test("takes documentation from block comments, without the stars", () => {
    const printed = one("package a:b; /** One\n * two\n */ interface i { /* no /* nested */ docs */ f: func(); }");
    assert.equal(printed, "package a:b;\n\n/// One\n/// two\ninterface i {\n  f: func();\n}\n");
  });

  test("finds names across files, nested packages and deps, whatever their order", () => {
    const resolution = readWit([
      { path: "b.wit", text: "interface late { use early.{t as u}; type v = u; }" },
      {
        path: "a.wit",
        text: "package ours:it; use dep:d/types@1.0.0 as dt; use in:side/x; interface early { use dt.{t}; use x.{y}; } ",
      },
      { path: "c.wit", text: "package in:side { interface x { type y = u8; } }" },
      { path: "deps/d/one.wit", text: "package dep:d@1.0.0;" },
      { path: "deps/d/two.wit", text: "interface types { type t = z; type z = string; }" },
    ]);
    assert.equal(
      printResolution(resolution),
      [
        "package ours:it;",
        "",
        "interface early {",
        "  use dep:d/types@1.0.0.{t};",
        "  use in:side/x.{y};",
        "}",
        "",
        "interface late {",
        "  use early.{t as u};",
        "  type v = u;",
        "}",
        "",
        "package dep:d@1.0.0 {",
        "  interface types {",
        "    type z = string;",
        "    type t = z;",
        "  }",
        "}",
        "",
        "package in:side {",
        "  interface x {",
        "    type y = u8;",
        "  }",
        "}",
        "",
      ].join("\n"),
    );
  });

  test("reads nested namespaces and packages", () => {
    const text =
      "package a:b:c/d@1.0.0;\n\ninterface i {\n  use e:f:g/h/j@0.1.0.{t};\n}\n\npackage e:f:g/h@0.1.0 {\n  interface j {\n    type t = u8;\n  }\n}\n";
    assert.equal(printResolution(readWit([{ path: "it.wit", text }])), text);
  });

  test("a package that stands twice has to have the same contents", () => {
    const twice = (text: string): { path: string; text: string }[] => [
      { path: "it.wit", text: "package a:b; interface i { use c:d/x.{t}; }" },
      { path: "deps/one.wit", text: "package c:d; interface x { type t = u8; }" },
      { path: "deps/two.wit", text },
    ];
    assert.ok(readWit(twice("package c:d;\n// the same\ninterface x {\n  type t = u8;\n}")));
    assert.match(
      refused(twice("package c:d; interface x { type t = u16; }")).message,
      /with other contents than before$/,
    );
  });

  test("`a: b` names an interface, `a:b/c` is a path", () => {
    const text =
      "package a:b; interface i { } world w { import x: i; import a:b/i; export y: a:b/i; export z:func(); }";
    const printed = one(text);
    assert.ok(printed.includes("  import x: i;\n  import i;\n  export y: i;\n  export z: func();\n"), printed);
    assert.match(refused("package a:b; world w { import a:b; }").message, /"a:b" is a package, wanted an interface/);
  });
});

describe("worlds of readWit()", () => {
  const base = "package a:b; interface types { resource r; } interface more { use types.{r}; f: func(x: r); } ";

  test("import what their items need, and exports need only what is not exported", () => {
    assert.ok(one(`${base} world w { export more; }`).includes("world w {\n  import types;\n  export more;\n}"));
    const both = one(`${base} world w { export more; export types; }`);
    assert.ok(both.includes("world w {\n  export types;\n  export more;\n}"), both);
  });

  test("include others, with names changed and interfaces once", () => {
    const text = `${base} world one { import more; import log: func(s: string); use types.{r}; export go: func(x: r); }
      world two { include one with { log as write, r as res } import types; import log: func(); }`;
    const printed = one(text);
    const expected = [
      "world two {",
      "  use types.{r as res};",
      "  import types;",
      "  import more;",
      "  import write: func(s: string);",
      "  import log: func();",
      "  export go: func(x: res);",
      "}",
    ].join("\n");
    assert.ok(printed.endsWith(`${expected}\n`), printed);
    assert.equal(one(printed), printed);
  });

  test("say where names collide", () => {
    const conflict = refused(`${base} world one { import a: func(); } world two { import a: func(); include one; }`);
    assert.match(conflict.message, /at 1:166: the world has "a" already$/);
    assert.equal(conflict.hint, "write include one with { a as other-name }");
    assert.match(
      refused(`${base} world one { import types; } world two { include one with { types as t } }`).message,
      /the world "one" has no plain name "types": it has nothing$/,
    );
    assert.match(
      refused(`${base} world w { import types; import types; }`).message,
      /has the import "a:b\/types" already$/,
    );
    assert.match(refused(`${base} world w { import x: func(); import X: func(); }`).message, /has "x" already$/);
  });
});

describe("gates of readWit()", () => {
  const text = `package a:b@1.1.0; interface i { f: func(); @since(version = 1.1.0) g: func();
    @unstable(feature = fancy) h: func(); @unstable(feature = plain) k: func(); }`;

  test("leave out what is unstable, but for the features that are asked for", () => {
    const names = (options: GateOptions): string =>
      [...one(text, options).matchAll(/(\w): func/g)].map(([, name]) => name).join("");
    assert.equal(names({}), "fg");
    assert.equal(names({ features: ["fancy"] }), "fgh");
    assert.equal(names({ features: "all" }), "fghk");
  });

  test("leave out what came after the version that is asked for", () => {
    const printed = one(text, { version: "1.0.0" });
    assert.equal(printed, "package a:b@1.0.0;\n\ninterface i {\n  f: func();\n}\n");
  });

  const wrong: readonly [text: string, message: RegExp][] = [
    ["package a:b; interface i { @since(version = 1.0.0) f: func(); }", /a package with gates needs a version$/],
    [
      "package a:b@1.0.0; @since(version = 1.0.1) interface i { }",
      /"@since" names version 1.0.1, but the package is 1.0.0$/,
    ],
    ["package a:b@1.0.0; @since(version = 1.0.0) @unstable(feature = x) interface i { }", /exclude one another$/],
    ["package a:b@1.0.0; @deprecated(version = 1.0.0) interface i { }", /"@deprecated" stands alone/],
    ["package a:b@1.0.0; @since(version = 1.0.0) @since(version = 1.0.0) interface i { }", /"@since" stands twice$/],
    ["package a:b@1.0.0; @sinec(version = 1.0.0) interface i { }", /"@sinec" is no gate, wanted @since/],
    ["package a:b@1.0.0; @since(version = 1.0) interface i { }", /at 1:37: wanted a version such as 1.2.0$/],
    [
      "package a:b@1.0.0; @since(version = 0.9.0) interface i { f: func(); }",
      /what contains it exists since 0.9.0 alone/,
    ],
    [
      "package a:b@1.0.0; interface i { @since(version = 0.9.0) type t = u8; type u = t; }",
      /the type "t" exists since 0.9.0/,
    ],
    [
      "package a:b@1.0.0; interface i { @unstable(feature = x) type t = u8; f: func(x: t); }",
      /"t" is gated and left out/,
    ],
  ];
  for (const [wit, message] of wrong)
    test(`refuse ${wit.slice(wit.indexOf(";") + 2)}`, () => assert.match(refused(wit).message, message));
});

describe("errors of readWit()", () => {
  const inside: readonly [items: string, message: RegExp, hint?: string][] = [
    [
      "recrod r { a: u8 }",
      /at 1:28: "recrod" begins nothing that may stand here, wanted use, type, record/,
      "did you mean record",
    ],
    ["f: fun();", /"fun" cannot stand here, wanted "func" or "async"$/, "did you mean func"],
    [
      "f: func(a: strng);",
      /no type "strng" is known here: there are the built-in ones and nothing$/,
      "did you mean string",
    ],
    ["type point = u8; f: func(a: pont);", /no type "pont" is known here/, "did you mean point"],
    ["type type = u8;", /"type" cannot stand here, wanted a name$/, "write %type where the keyword is meant as a name"],
    ["type t = t;", /the type "t" refers to itself$/],
    ["record a { b: b } record b { a: list<a> }", /the type "a" refers to itself$/],
    ["record r { a: u8, A: u8 }", /another field has the name "A"$/],
    ["record r { }", /the record "r" has nothing in it$/],
    ["enum e { a, a }", /another member of "e" has the name "a"$/],
    ["variant v { a(u8), a }", /another case has the name "a"$/],
    ["f: func(a: u8, a: u8);", /another parameter has the name "a"$/],
    ["f: func(); F: func();", /"F" is defined already, as "f"$/],
    [
      `flags f { ${Array.from({ length: 33 }, (_, at) => `a${at}`).join(",")} }`,
      /the flags "f" are 33, wanted at most 32$/,
    ],
    ["type t = map<f32, u8>;", /a map's key is an integer, bool, char or string$/],
    ["type t = list<u8, 0>;", /"0" is no length of a list/],
    ["type t = tuple<>;", /a tuple has at least one type$/],
    ["type t = u8; f: func(x: borrow<t>);", /"t" is no resource, wanted one to borrow$/],
    ["resource r; f: func() -> option<borrow<r>>;", /a result lends nothing/],
    ["resource r; type t = stream<borrow<r>>;", /a stream lends nothing/],
    ["type t = stream<char>;", /a stream of char is not allowed$/, "write stream<u8> for text in UTF-8"],
    ["resource r { r: func(); }", /"r" is the name of the resource or of another function of it$/],
    ["resource r { constructor(); constructor(); }", /at most one constructor$/],
    ["resource r { constructor() -> u8; }", /a constructor answers nothing or result<r, …>$/],
    ["resource r { m: func(self: u8); }", /another parameter has the name "self"$/],
    ["aB: func();", /"aB" is no name: each of its words is in lower or upper case$/],
    ["f: func() #", /"#" begins nothing that WIT has$/],
    ["/* no end", /the comment has no end$/, "close it with */"],
    ['@external-id("x) f: func(); }', /the string has no end/],
    ['@external-id("\\ff") f: func();', /the string is not UTF-8$/],
    ["f: func(); \u202e", /the character U\+202E may not stand in WIT$/],
    ["f: func()", /"\}" cannot stand here, wanted ";"$/],
    ["use nowhere.{t};", /no interface "nowhere" is known: this package has "i"$/],
    ["use a:c/x.{t};", /no package "a:c" is known$/, "did you mean a:b"],
    ["use i.{t};", /the interface "i" refers to itself$/],
    [`type t = ${"list<".repeat(200)}u8${">".repeat(200)};`, /types nest deeper than 100 levels$/],
    [
      Array.from({ length: 1000 }, (_, at) => `type t${at} = t${at + 1};`).join(" "),
      /types refer to one another over more than 200 steps$/,
    ],
  ];
  for (const [items, message, hint] of inside) {
    test(`say what is wrong with ${items.slice(0, 60)}`, () => {
      const error = refused(`package a:b; interface i { ${items} }`);
      assert.match(error.message, message);
      if (hint !== undefined) assert.equal(error.hint, hint);
    });
  }

  test("carry file, line and column", () => {
    const error = refused("package a:b;\n\ninterface i {\n  f: func(ä: u8);\n}");
    assert.deepEqual(error.data, { file: "it.wit", line: 4, column: 11 });
    assert.match(error.message, /^Cannot read the WIT in "it.wit" at 4:11: /);
  });

  const whole: readonly [text: string, message: RegExp][] = [
    ["interface i { }", /no file says the package's name$/],
    ["package a:b; world w { include x; } interface x { }", /"x" is an interface of this package, wanted a world$/],
    ["package a:b; interface i { } world i { }", /"i" is defined already, as "i"$/],
    ["package A:b;", /"A" has upper case/],
    [
      "package a:b; interface i { use c:d/e@1.0.1.{t}; } package c:d@1.0.0 { interface e { type t = u8; } }",
      /no package "c:d@1.0.1" is known$/,
    ],
    ["package a:b; interfaec i { }", /"interfaec" cannot stand here, wanted "interface", "world", "use" or "package"$/],
  ];
  for (const [text, message] of whole)
    test(`say what is wrong with ${text}`, () => assert.match(refused(text).message, message));

  test("name the versions that there are", () => {
    assert.equal(
      refused("package a:b; interface i { use c:d/e.{t}; } package c:d@1.0.0 { interface e { type t = u8; } }").hint,
      "there is c:d@1.0.0",
    );
  });

  test("refuse files that disagree on the package", () => {
    const files = [
      { path: "a.wit", text: "package a:b;" },
      { path: "b.wit", text: "package a:c;" },
    ];
    assert.match(refused(files).message, /^Cannot read the WIT in "b.wit" at 1:9: the package is "a:c" here and "a:b"/);
  });
});
